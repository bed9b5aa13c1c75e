// JSON out of a file's metadata: an array or an object of plain values, handed over one by one. No tree is
// built of it, so that a text of many values takes no more memory than a short one, and a deep one is refused
// where its depth begins.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace bellman {

/// null, true, false, a number or a string.
class JsonValue {
 public:
  using Value = std::variant<std::nullptr_t, bool, std::int64_t, std::uint64_t, double, std::string>;

  explicit JsonValue(Value value) : value_(std::move(value)) {}

  /// Null unless it is a string; UTF-8.
  const std::string* string() const { return std::get_if<std::string>(&value_); }
  const bool* boolean() const { return std::get_if<bool>(&value_); }
  /// A number without a point or an exponent, within 64 bits.
  std::optional<std::int64_t> integer() const;
  /// Any number; finite.
  std::optional<double> number() const;
  /// For messages: as JSON writes it, without control characters, and cut.
  std::string shown() const;

 private:
  Value value_;
};

/// [value, ...]: gives each to `take`. `what` stands at the begin of messages: `FILE: metadata "logs"`.
/// Throws: Error for what is no array of plain values; whatever `take` throws.
void read_json_array(const std::string& what, std::string_view text,
                     const std::function<void(const JsonValue&)>& take);

/// {"key": value, ...}: gives each with its key to `take`, a key that is there twice, twice. Throws: as
/// above.
void read_json_object(const std::string& what, std::string_view text,
                      const std::function<void(const std::string& key, const JsonValue&)>& take);

/// [{"key": value, ...}, ...]: gives each with its key and the number of its object, from 0. Returns how many
/// objects there are. Throws: as above.
std::size_t read_json_objects(
    const std::string& what, std::string_view text,
    const std::function<void(std::size_t object, const std::string& key, const JsonValue&)>& take);

}  // namespace bellman
