#include "apps/commands/observation_json.h"

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <istream>
#include <limits>
#include <system_error>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/base/check.h"
#include "core/base/text.h"
#include "core/io/files.h"

namespace bellman {
namespace {

constexpr std::uint64_t kMaxTextBytes = std::uint64_t{1} << 30;

/// Handles the parser's events one by one, so that memory holds only the numbers, however deep or long the
/// input is.
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
    if (depth_ > 0) count_element();
    ++depth_;
    extents_[depth_] = 0;
    return true;
  }

  bool end_array() override {
    if (depth_ >= 2) {
      if (extents_[depth_] != expected_elements())
        refuse_row("has ", extents_[depth_], nested_ ? " entries at one level" : " numbers", ", but ",
                   expected_elements(), " are expected of an observation of shape ", shape_);
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
    count_element();
    result_.values.push_back(static_cast<float>(value));
    return true;
  }

  /// The required number of elements of the current array, below the rows.
  Index expected_elements() const {
    return nested_ ? shape_[static_cast<int>(depth_) - 2] : shape_.elements();
  }
  /// Counts an element of the current array. A row that is too long is refused before it takes memory.
  void count_element() {
    if (depth_ >= 2 && extents_[depth_] == expected_elements())
      refuse_row("has more than ", expected_elements(), nested_ ? " entries at one level" : " numbers",
                 ", which are expected of an observation of shape ", shape_);
    ++extents_[depth_];
  }

  std::string_view source_;
  Shape shape_;
  Observations result_;
  std::size_t depth_ = 0;                             // of open arrays; 2: within a row
  std::array<Index, Shape::kMaxRank + 3> extents_{};  // elements so far of the array at each depth
  bool nested_ = false;                               // the current row is nested as the shape is
  bool begun_ = false;
};

}  // namespace

Observations parse_observations(std::string_view source, std::string_view text, const Shape& shape) {
  BELLMAN_CHECK(shape.rank() > 0);
  refuse_nul_byte(source, text);
  RowReader reader(source, shape);
  nlohmann::json::sax_parse(text.begin(), text.end(), &reader);
  return reader.take();
}

namespace {

/// As parse_observations. For a file's name without the @ the message suggests it.
Observations parse_argument(std::string_view key, const std::string& value, const Shape& shape) {
  try {
    return parse_observations(key, value, shape);
  } catch (const Error& error) {
    std::error_code none;  // a name too long for a file, say
    if (!std::filesystem::is_regular_file(value, none)) throw;
    fail(error.what(), " (", printable(value), " is a file: ", key, " @", printable(value),
         " reads what is in it)");
  }
}

}  // namespace

Observations read_observations(std::string_view key, const std::string& value, const Shape& shape) {
  const bool is_input = value == "-", is_file = value.starts_with('@');
  if (!is_input && !is_file) return parse_argument(key, value, shape);
  BELLMAN_CHECK(shape.rank() > 0);
  FileDescriptor file = is_input ? standard_input() : open_for_reading(value.substr(1));
  const std::string source = file.path().string();
  TextReader text(std::move(file), kMaxTextBytes);
  std::istream stream(&text);
  RowReader reader(source, shape);
  nlohmann::json::sax_parse(stream, &reader);
  return reader.take();
}

}  // namespace bellman
