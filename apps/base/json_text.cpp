#include "apps/base/json_text.h"

#include <charconv>
#include <cmath>
#include <cstddef>

#include <nlohmann/json.hpp>

#include "core/base/check.h"
#include "core/base/text.h"

namespace bellman {
namespace {

template <class T>
std::string finite_text(T value) {
  BELLMAN_CHECK(std::isfinite(value));
  return number_text(value);
}

void append_array(std::string& out, std::span<const float> values, const Shape& shape, int dimension) {
  const auto extent = static_cast<std::size_t>(shape[dimension]);
  const std::size_t stride = extent == 0 ? 0 : values.size() / extent;
  out += '[';
  for (std::size_t i = 0; i < extent; ++i) {
    if (i > 0) out += ',';
    if (dimension + 1 == shape.rank())
      out += json_number(values[i]);
    else
      append_array(out, values.subspan(i * stride, stride), shape, dimension + 1);
  }
  out += ']';
}

}  // namespace

std::string json_number(float value) { return finite_text(value); }
std::string json_number(double value) { return finite_text(value); }

double shortest_double(float value) {
  const std::string text = finite_text(value);
  double result = 0;
  std::from_chars(text.data(), text.data() + text.size(), result);
  return result;
}

nlohmann::ordered_json number_or_null(double value) {
  return std::isfinite(value) ? nlohmann::ordered_json(value) : nlohmann::ordered_json(nullptr);
}

std::string json_array(std::span<const float> values, const Shape& shape) {
  BELLMAN_CHECK(shape.rank() > 0 && values.size() == static_cast<std::size_t>(shape.elements()));
  std::string out;
  append_array(out, values, shape, 0);
  return out;
}

std::string json_string(const std::string& text) { return nlohmann::json(text).dump(); }

std::string json_object(const std::map<std::string, std::string>& members) {
  std::string text = "{";
  for (const auto& [key, value] : members)
    text.append(text.size() > 1 ? "," : "").append(json_string(key)).append(":").append(value);
  return text + "}";
}

std::string json_line(const nlohmann::ordered_json& json) {
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

std::string escaped(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f) {
      out += c;
    } else {
      out += "\\x";
      out += digits[byte >> 4];
      out += digits[byte & 15];
    }
  }
  return out;
}

}  // namespace bellman
