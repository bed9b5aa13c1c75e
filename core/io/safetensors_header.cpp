#include "core/io/safetensors_header.h"

#include <algorithm>
#include <limits>
#include <tuple>
#include <unordered_set>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/base/check.h"
#include "core/base/text.h"
#include "core/io/files.h"

namespace bellman {
namespace {

using Json = nlohmann::json;
using Entry = SafetensorsHeader::Entry;

constexpr std::size_t kMaxRank = 64;
constexpr std::string_view kMetadataKey = "__metadata__";

std::string in_quotes(std::string_view name) {
  return std::string(1, '"').append(printable(name)).append(1, '"');
}

/// Receives the header's JSON from nlohmann's parser, event by event, and accepts only a header. (The
/// parser's own tree would silently keep the last of duplicate keys, and turn 2^64 into a floating-point
/// number.)
class HeaderReader final : public nlohmann::json_sax<Json> {
 public:
  explicit HeaderReader(SafetensorsHeader& header) : header_(header) {}

  bool start_object(std::size_t /*elements*/) override {
    if (place_ == Place::kStart) return go(Place::kTop);
    if (place_ != Place::kTop) unexpected("an object");
    if (key_ == kMetadataKey) return go(Place::kMetadata);
    entry_ = {};
    entry_.name = key_;
    has_dtype_ = has_shape_ = has_offsets_ = false;
    return go(Place::kTensor);
  }

  bool end_object() override {
    if (place_ == Place::kTensor) {
      if (!has_dtype_ || !has_shape_ || !has_offsets_)
        fail("tensor ", in_quotes(entry_.name), " lacks its ",
             !has_dtype_   ? "dtype"
             : !has_shape_ ? "shape"
                           : "data_offsets");
      header_.entries.push_back(std::move(entry_));
    }
    return go(place_ == Place::kTop ? Place::kEnd : Place::kTop);
  }

  bool key(std::string& name) override {
    const bool known = place_ == Place::kTop        ? !names_.insert(name).second
                       : place_ == Place::kMetadata ? header_.metadata.contains(name)
                                                    : is_field_known(name);
    if (known) fail("its header has the key ", in_quotes(name), " twice", within());
    key_ = name;
    return true;
  }

  bool string(std::string& value) override {
    if (place_ == Place::kMetadata) {
      header_.metadata.emplace(key_, value);
    } else if (place_ == Place::kTensor && key_ == "dtype") {
      entry_.dtype = parse_dtype(value);
      if (entry_.dtype == DType::kOther) entry_.other_dtype = value;
      has_dtype_ = true;
    } else {
      unexpected("a string");
    }
    return true;
  }

  bool start_array(std::size_t /*elements*/) override {
    if (place_ == Place::kTensor && key_ == "shape") return go(Place::kShape);
    if (place_ == Place::kTensor && key_ == "data_offsets") return go(Place::kOffsets);
    unexpected("an array");
  }

  bool end_array() override {
    if (place_ == Place::kOffsets && offsets_ != 2)
      fail("tensor ", in_quotes(entry_.name), " has ", offsets_, " data_offsets, not 2");
    (place_ == Place::kShape ? has_shape_ : has_offsets_) = true;
    offsets_ = 0;
    return go(Place::kTensor);
  }

  bool number_unsigned(number_unsigned_t value) override {
    if (place_ == Place::kShape) {
      if (entry_.shape.size() == kMaxRank)
        fail("tensor ", in_quotes(entry_.name), " has more than ", kMaxRank, " dimensions");
      entry_.shape.push_back(value);
    } else if (place_ == Place::kOffsets) {
      if (offsets_ == 2) fail("tensor ", in_quotes(entry_.name), " has more than 2 data_offsets");
      (offsets_++ == 0 ? entry_.begin : entry_.end) = value;
    } else {
      unexpected("a number");
    }
    return true;
  }

  bool number_integer(number_integer_t /*value*/) override { unexpected("a negative number"); }
  bool number_float(number_float_t /*value*/, const string_t& digits) override {
    unexpected("the number " + printable(digits));
  }
  bool null() override { unexpected("null"); }
  bool boolean(bool value) override { unexpected(value ? "true" : "false"); }
  bool binary(binary_t& /*value*/) override { unexpected("binary data"); }
  bool parse_error(std::size_t position, const std::string& /*token*/,
                   const nlohmann::detail::exception& /*error*/) override {
    fail("its header is not valid JSON near byte ", position);
  }

 private:
  enum class Place { kStart, kTop, kMetadata, kTensor, kShape, kOffsets, kEnd };

  bool go(Place place) {
    place_ = place;
    return true;
  }

  /// Whether the tensor already has its field `name`.
  bool is_field_known(const std::string& name) const {
    if (name == "dtype") return has_dtype_;
    if (name == "shape") return has_shape_;
    if (name == "data_offsets") return has_offsets_;
    fail("tensor ", in_quotes(entry_.name), " has the unknown key ", in_quotes(name));
  }

  DType parse_dtype(const std::string& name) const {
    for (int i = 0; i < static_cast<int>(DType::kOther); ++i)
      if (name == dtype_name(static_cast<DType>(i))) return static_cast<DType>(i);
    constexpr std::size_t kLongest = 16;
    constexpr const char* kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    if (name.empty() || name.size() > kLongest || name.find_first_not_of(kLetters) != std::string::npos)
      fail("tensor ", in_quotes(entry_.name), " has the type ", in_quotes(name),
           ", which is no name of a type, such as F32");
    return DType::kOther;
  }

  /// The current position, for messages.
  std::string within() const {
    switch (place_) {
      case Place::kMetadata:
        return " in its metadata";
      case Place::kTensor:
      case Place::kShape:
      case Place::kOffsets:
        return " in tensor " + in_quotes(entry_.name);
      default:
        return "";
    }
  }

  [[noreturn]] void unexpected(const std::string& what) const {
    const bool has_key = place_ != Place::kStart;
    fail("its header has ", what, has_key ? " as value of " + in_quotes(key_) : " at its start", within());
  }

  SafetensorsHeader& header_;
  Place place_ = Place::kStart;
  std::string key_;  // the last one read
  std::unordered_set<std::string> names_;
  Entry entry_;  // the current tensor, and which of its fields were read
  bool has_dtype_ = false, has_shape_ = false, has_offsets_ = false;
  int offsets_ = 0;
};

/// Checks that the entries, sorted by offset, match their shapes and cover `data_bytes` without gap or
/// overlap.
void check_entries(const std::vector<Entry>& entries, std::uint64_t data_bytes) {
  std::uint64_t covered = 0;
  for (const Entry& entry : entries) {
    const auto offsets = [&entry] {
      return " [" + std::to_string(entry.begin) + "," + std::to_string(entry.end) + "]";
    };
    if (entry.begin != covered)
      fail("tensor ", in_quotes(entry.name), " has the offsets", offsets(), " but the one before ends at ",
           covered);
    if (entry.end < entry.begin || entry.end > data_bytes)
      fail("tensor ", in_quotes(entry.name), " has the offsets", offsets(), " within ", data_bytes,
           " bytes of data");
    const std::uint64_t bytes = tensor_bytes(entry.name, entry.dtype, entry.shape);
    if (entry.dtype != DType::kOther && entry.end - entry.begin != bytes)
      fail("tensor ", in_quotes(entry.name), " has the offsets", offsets(), " but ", dtype_name(entry.dtype),
           " of shape ", shape_text(entry.shape), " takes ", bytes, " bytes");
    covered = entry.end;
  }
  if (covered != data_bytes)
    fail("its tensors take ", covered, " bytes but ", data_bytes, " bytes of data are there");
}

}  // namespace

SafetensorsHeader parse_safetensors_header(std::string_view json, std::uint64_t data_bytes) {
  if (json.empty() || json.front() != '{') fail("its header does not begin with '{'");
  refuse_nul_byte("its header", json);
  SafetensorsHeader header;
  HeaderReader reader(header);
  if (!Json::sax_parse(json.begin(), json.end(), &reader)) fail("its header is not valid JSON");
  std::sort(header.entries.begin(), header.entries.end(), [](const Entry& a, const Entry& b) {
    return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
  });
  check_entries(header.entries, data_bytes);
  return header;
}

std::string safetensors_header_text(const SafetensorsHeader& header) {
  const auto text = [](const std::string& value) {
    try {
      return Json(value).dump();
    } catch (const Json::exception&) {
      fail(in_quotes(value), " is not UTF-8");
    }
  };
  std::string json = "{";
  const auto begin_item = [&json] { json += json.back() == '{' ? "" : ","; };
  if (!header.metadata.empty()) {
    json += text(std::string(kMetadataKey)) + ":{";
    for (const auto& [key, value] : header.metadata) {
      begin_item();
      json += text(key) + ":" + text(value);
    }
    json += "}";
  }
  for (const Entry& entry : header.entries) {
    begin_item();
    const std::string type = entry.dtype == DType::kOther ? entry.other_dtype : dtype_name(entry.dtype);
    json += text(entry.name) + ":{\"dtype\":\"" + type + "\",\"shape\":[";
    for (std::size_t i = 0; i < entry.shape.size(); ++i) {
      if (i > 0) json += ',';
      json += std::to_string(entry.shape[i]);
    }
    json += "],\"data_offsets\":[" + std::to_string(entry.begin) + "," + std::to_string(entry.end) + "]}";
  }
  json += "}";
  json.resize((json.size() + 7) / 8 * 8, ' ');  // the 8 bytes of its length precede it
  return json;
}

std::uint64_t tensor_bytes(const std::string& name, DType dtype, const std::vector<std::uint64_t>& shape) {
  const std::uint64_t limit = std::numeric_limits<std::uint64_t>::max();
  const bool empty = std::find(shape.begin(), shape.end(), 0U) != shape.end();
  const std::uint64_t element_bits = std::max<std::uint64_t>(dtype_bits(dtype), 1);
  // Counts bytes, so that 2^64 - 1 of them fit 64 bits.
  const bool whole_bytes = element_bits % 8 == 0;
  std::uint64_t size = empty ? 0 : whole_bytes ? element_bits / 8 : element_bits;
  for (std::uint64_t extent : shape) {
    if (size > 0 && extent > limit / size)
      fail("tensor ", in_quotes(name), " has the shape ", shape_text(shape), ", too large for any memory");
    size *= extent;
  }
  if (dtype == DType::kOther) return 0;
  if (whole_bytes) return size;
  if (size % 8 != 0) fail("tensor ", in_quotes(name), " has ", size, " bits, which are no whole bytes");
  return size / 8;
}

std::string shape_text(const std::vector<std::uint64_t>& shape) {
  std::string text = "(";
  for (std::uint64_t extent : shape) {
    if (text.size() > 1) text += ',';
    text += std::to_string(extent);
  }
  return text + ")";
}

}  // namespace bellman
