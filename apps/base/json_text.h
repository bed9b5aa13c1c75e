// Numbers and text from files as JSON, and as stdout shows them.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "core/base/tensor.h"

namespace bellman {

/// The shortest decimal that reads back as the same number: 0.1F gives "0.1", not "0.10000000149011612".
/// REQUIRES: the number is finite (JSON has no other).
std::string json_number(float value);
std::string json_number(double value);

/// The double with the shortest decimal of `value`, for the JSON library, which writes doubles.
double shortest_double(float value);

/// null for NaN and infinity, which JSON lacks.
nlohmann::ordered_json number_or_null(double value);

/// Nested arrays of `shape`: (2,3) gives [[a,b,c],[d,e,f]]. REQUIRES: values are shape's elements, finite.
std::string json_array(std::span<const float> values, const Shape& shape);

/// "text" with JSON's quotes and escapes.
std::string json_string(const std::string& text);
/// {"key":value,..} of values that are JSON already. nlohmann's objects take memory while they are destroyed, and
/// end the program where there is none; what is written where memory may be short is written with this.
std::string json_object(const std::map<std::string, std::string>& members);

/// One line with its line end. Bytes that are not UTF-8 (names from a file) become U+FFFD.
std::string json_line(const nlohmann::ordered_json& json);

/// `text` with control characters and bytes beyond ASCII written as \xNN: names from a file reach a terminal.
std::string escaped(std::string_view text);

}  // namespace bellman
