#include "apps/observation_json.h"

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <limits>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/check.h"
#include "core/io/atomic_file.h"
#include "core/printable.h"

namespace bellman {
namespace {

constexpr std::size_t kMaxTextBytes = std::size_t{1} << 30;

/// Takes the parser's events one by one, so that no input, however deep or long, builds anything but the
/// numbers wanted.
class RowReader final : public nlohmann::json_sax<nlohmann::json> {
 public:
  RowReader(std::string_view source, const Shape& shape) : source_(source), shape_(shape) {}

  Observations take() {
    if (depth_ == 0 && !begun_) refuse("there are no observations");
    if (result_.rows == 0) refuse("there are no rows: expected [[...], ...]");
    return std::move(result_);
  }

  bool null() override { return no_number("null"); }
  bool boolean(bool value) override { return no_number(value ? "true" : "false"); }
  bool string(string_t& value) override { return no_number("the string \"" + printable(value) + "\""); }
  bool binary(binary_t&) override { return no_number("binary data"); }
  bool start_object(std::size_t) override { return no_number("an object"); }
  bool end_object() override { return true; }
  bool key(string_t&) override { return true; }
  bool number_integer(number_integer_t value) override {
    return number(static_cast<double>(value), std::to_string(value));
  }
  bool number_unsigned(number_unsigned_t value) override {
    return number(static_cast<double>(value), std::to_string(value));
  }
  bool number_float(number_float_t value, const string_t& text) override { return number(value, text); }

  bool start_array(std::size_t) override {
    begun_ = true;
    if (depth_ == 2 && extents_[depth_] == 0) nested_ = true;  // the row's first element is an array
    if (depth_ >= 2 && !nested_) refuse_row("mixes numbers and arrays");
    const std::size_t deepest = nested_ ? 1 + static_cast<std::size_t>(shape_.rank()) : 2;
    if (depth_ >= deepest) refuse_row("is nested deeper than an observation of shape ", shape_);
    if (depth_ > 0) ++extents_[depth_];
    ++depth_;
    extents_[depth_] = 0;
    return true;
  }

  bool end_array() override {
    if (depth_ >= 2) {
      const Index expected = nested_ ? shape_[static_cast<int>(depth_) - 2] : shape_.elements();
      if (extents_[depth_] != expected)
        refuse_row("has ", extents_[depth_], nested_ ? " entries at one level" : " numbers", ", but ",
                   expected, " are expected of an observation of shape ", shape_);
    }
    if (depth_ == 2) {
      ++result_.rows;
      nested_ = false;
    }
    --depth_;
    return true;
  }

  bool parse_error(std::size_t position, const std::string& token,
                   const nlohmann::json::exception& error) override {
    const bool overflow = error.id == 406;
    if (overflow) refuse_row("has a number beyond what a float holds: ", printable(token));
    refuse("no JSON at character ", position, (depth_ == 2 ? ", in row " + std::to_string(result_.rows) : ""),
           token.empty() ? std::string() : ": \"" + printable(token) + "\"");
  }

 private:
  template <class... Parts>
  [[noreturn]] void refuse(const Parts&... parts) const {
    fail(source_, ": ", parts...);
  }
  template <class... Parts>
  [[noreturn]] void refuse_row(const Parts&... parts) const {
    refuse("row ", result_.rows, " ", parts...);
  }

  bool no_number(const std::string& what) {
    if (depth_ == 0) refuse("expected an array of rows, [[...], ...], not ", what);
    if (depth_ == 1) refuse_row("is ", what, ", expected an array of ", shape_.elements(), " numbers");
    refuse_row("has ", what, " as element ", extents_[depth_], ", which is no number");
  }

  bool number(double value, const std::string& text) {
    if (depth_ < 2) return no_number("the number " + text);
    if (nested_ && depth_ < 1 + static_cast<std::size_t>(shape_.rank()))
      refuse_row("mixes numbers and arrays");
    if (!(std::abs(value) <= std::numeric_limits<float>::max()))
      refuse_row("has ", text, " as element ", extents_[depth_], ", beyond what a float holds");
    ++extents_[depth_];
    result_.values.push_back(static_cast<float>(value));
    return true;
  }

  std::string_view source_;
  Shape shape_;
  Observations result_;
  std::size_t depth_ = 0;                             // of open arrays; 2: within a row
  std::array<Index, Shape::kMaxRank + 3> extents_{};  // elements so far of the array at each depth
  bool nested_ = false;                               // the row at hand is nested as the shape is
  bool begun_ = false;
};

}  // namespace

Observations parse_observations(std::string_view source, std::string_view text, const Shape& shape) {
  BELLMAN_CHECK(shape.rank() > 0);
  RowReader reader(source, shape);
  nlohmann::json::sax_parse(text.begin(), text.end(), &reader);
  return reader.take();
}

std::string read_option_text(std::string_view key, const std::string& value, std::string& source) {
  if (value == "-") {
    source = "standard input";
    std::string text;
    for (std::array<char, 4096> chunk; std::cin.good();) {
      std::cin.read(chunk.data(), chunk.size());
      text.append(chunk.data(), static_cast<std::size_t>(std::cin.gcount()));
      if (text.size() > kMaxTextBytes) fail("standard input is longer than ", kMaxTextBytes, " bytes");
    }
    if (std::cin.bad()) fail("standard input cannot be read");
    return text;
  }
  if (value.starts_with('@')) {
    source = value.substr(1);
    return read_file(source, kMaxTextBytes);
  }
  source = key;
  return value;
}

}  // namespace bellman
