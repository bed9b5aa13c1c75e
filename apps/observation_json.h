// Observations as a user types them: a JSON array of rows.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/tensor.h"

namespace bellman {

struct Observations {
  Index rows = 0;
  std::vector<float> values;  // (rows, observation)
};

/// Reads [[...], [...]]: every row is one observation of `shape`, either flat, in row-major order, or nested
/// as the shape is. `source` names the text in messages. Rows and elements count from 0. Throws: Error that
/// names the row for anything else: no JSON, no rows, a row of another width, a value that is no number or
/// that a float cannot hold.
Observations parse_observations(std::string_view source, std::string_view text, const Shape& shape);

/// The text behind an option: `@FILE` is the content of that file, `-` standard input, all else itself.
/// `source` is set to what messages should call it. Throws: Error when it cannot be read.
std::string read_option_text(std::string_view key, const std::string& value, std::string& source);

}  // namespace bellman
