// JSON in a file's metadata: an array or an object of plain values, passed on one by one. No tree is built,
// so that a long text takes no more memory than a short one, and nested values are rejected where they start.
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

  /// Null unless it is a string, in UTF-8.
  const std::string* string() const { return std::get_if<std::string>(&value_); }
  const bool* boolean() const { return std::get_if<bool>(&value_); }
  /// A number without a point or an exponent, within 64 bits.
  std::optional<std::int64_t> integer() const;
  /// Any number; finite.
  std::optional<double> number() const;
  /// For messages: as JSON, printable and cut.
  std::string shown() const;

 private:
  Value value_;
};

/// [value, ...]: passes each to `take`. `what` starts the messages: `FILE: metadata "logs"`.
/// Throws: Error for anything but an array of plain values, and what `take` throws.
void read_json_array(const std::string& what, std::string_view text,
                     const std::function<void(const JsonValue&)>& take);

/// {"key": value, ...}: passes each with its key to `take`, a duplicate key twice. Throws: as above.
void read_json_object(const std::string& what, std::string_view text,
                      const std::function<void(const std::string& key, const JsonValue&)>& take);

/// [{"key": value, ...}, ...]: passes each with its object's number, from 0, and its key. Returns the number
/// of objects.
/// Throws: as above.
std::size_t read_json_objects(
    const std::string& what, std::string_view text,
    const std::function<void(std::size_t object, const std::string& key, const JsonValue&)>& take);

}  // namespace bellman
