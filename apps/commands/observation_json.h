// Reads observations from JSON: an array of rows.
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

/// Reads [[...], [...]]: each row is an observation of `shape`, either flat, in row-major order, or nested as
/// the shape is. `source` names the text in messages. Rows and elements count from 0. Throws: Error that
/// names the row for text that is not JSON, has no rows, a row of another width, a value that is no number or
/// too large for a float.
Observations parse_observations(std::string_view source, std::string_view text, const Shape& shape);

/// The same for an option's value: `@FILE` means the file's content, `-` standard input, anything else the
/// JSON itself. Input is parsed as it arrives: an error is reported before the rest is read. Throws: Error as
/// above, also when it cannot be read or is longer than 1 GiB.
Observations read_observations(std::string_view key, const std::string& value, const Shape& shape);

}  // namespace bellman
