// Observations as a user types them: a JSON array of rows.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/tensor.h"

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

/// The same of an option's value: `@FILE` is the content of that file, `-` standard input, all else itself.
/// They are read as they come: what is wrong is refused before the rest is read. Throws: Error as above, also
/// when it cannot be read or is longer than 1 GiB.
Observations read_observations(std::string_view key, const std::string& value, const Shape& shape);

}  // namespace bellman
