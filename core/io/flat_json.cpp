#include "core/io/flat_json.h"

#include <limits>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/base/check.h"
#include "core/base/text.h"
#include "core/io/files.h"

namespace bellman {
namespace {

using Json = nlohmann::json;

enum class Form { kArray, kObject, kObjects };

constexpr const char* name_of(Form form) {
  switch (form) {
    case Form::kArray:
      return "an array";
    case Form::kObject:
      return "an object";
    case Form::kObjects:
      return "an array of objects";
  }
  return "";
}

/// A value with its object's number, from 0, and its key, as far as the form has them.
using Take = std::function<void(std::size_t object, const std::string& key, const JsonValue&)>;

class FlatReader final : public nlohmann::json_sax<Json> {
 public:
  FlatReader(const std::string& what, Form form, const Take& take) : what_(what), form_(form), take_(take) {}

  std::size_t objects() const { return objects_; }

  bool start_array(std::size_t /*elements*/) override { return open(form_ != Form::kObject && depth_ == 0); }
  bool start_object(std::size_t /*elements*/) override {
    return open(depth_ == (form_ == Form::kObjects ? 1 : 0) && form_ != Form::kArray);
  }
  bool end_array() override { return close(); }
  bool end_object() override {
    ++objects_;
    return close();
  }
  bool key(std::string& name) override {
    key_ = name;
    return true;
  }
  bool null() override { return value(nullptr); }
  bool boolean(bool given) override { return value(given); }
  bool number_integer(number_integer_t given) override { return value(given); }
  bool number_unsigned(number_unsigned_t given) override { return value(given); }
  bool number_float(number_float_t given, const string_t& /*digits*/) override { return value(given); }
  bool string(std::string& given) override { return value(std::move(given)); }
  bool binary(binary_t& /*given*/) override { return false; }  // JSON has none
  bool parse_error(std::size_t position, const std::string& /*token*/,
                   const nlohmann::detail::exception& /*error*/) override {
    fail(what_, " is not JSON near byte ", position);
  }

 private:
  int full_depth() const { return form_ == Form::kObjects ? 2 : 1; }

  bool open(bool expected) {
    if (!expected) refuse();
    ++depth_;
    return true;
  }
  bool close() {
    --depth_;
    return true;
  }
  bool value(JsonValue::Value given) {
    if (depth_ != full_depth()) refuse();
    take_(objects_, key_, JsonValue(std::move(given)));
    return true;
  }
  [[noreturn]] void refuse() const {
    if (depth_ < full_depth()) fail(what_, " is not ", name_of(form_));
    fail(what_, " holds an array or an object", key_.empty() ? "" : " for \"" + printable(key_) + "\"",
         " where a plain value is expected");
  }

  const std::string& what_;
  Form form_;
  const Take& take_;
  int depth_ = 0;
  std::size_t objects_ = 0;  // complete ones
  std::string key_;          // the last one read
};

std::size_t read(const std::string& what, std::string_view text, Form form, const Take& take) {
  refuse_nul_byte(what, text);
  FlatReader reader(what, form, take);
  if (!Json::sax_parse(text.begin(), text.end(), &reader)) fail(what, " is not JSON");
  return reader.objects();
}

}  // namespace

std::optional<std::int64_t> JsonValue::integer() const {
  if (const auto* number = std::get_if<std::int64_t>(&value_)) return *number;
  const auto* number = std::get_if<std::uint64_t>(&value_);
  if (!number || *number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
    return std::nullopt;
  return static_cast<std::int64_t>(*number);
}

std::optional<double> JsonValue::number() const {
  if (const auto* number = std::get_if<double>(&value_)) return *number;
  if (const auto* number = std::get_if<std::int64_t>(&value_)) return static_cast<double>(*number);
  if (const auto* number = std::get_if<std::uint64_t>(&value_)) return static_cast<double>(*number);
  return std::nullopt;
}

std::string JsonValue::shown() const {
  const Json json = std::visit([](const auto& value) { return Json(value); }, value_);
  return printable(json.dump());
}

void read_json_array(const std::string& what, std::string_view text,
                     const std::function<void(const JsonValue&)>& take) {
  read(what, text, Form::kArray,
       [&take](std::size_t, const std::string&, const JsonValue& value) { take(value); });
}

void read_json_object(const std::string& what, std::string_view text,
                      const std::function<void(const std::string& key, const JsonValue&)>& take) {
  read(what, text, Form::kObject,
       [&take](std::size_t, const std::string& key, const JsonValue& value) { take(key, value); });
}

std::size_t read_json_objects(
    const std::string& what, std::string_view text,
    const std::function<void(std::size_t object, const std::string& key, const JsonValue&)>& take) {
  return read(what, text, Form::kObjects, take);
}

}  // namespace bellman
