// The header of a safetensors file: JSON in, a list of tensors out, and back.
//
//   {"__metadata__":{"key":"value",...},"name":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},...}
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/io/safetensors.h"

namespace bellman {

/// The longest header that the format allows.
inline constexpr std::uint64_t kMaxSafetensorsHeader = 100'000'000;

struct SafetensorsHeader {
  struct Entry {
    std::string name;
    DType dtype = DType::kF32;
    std::vector<std::uint64_t> shape;
    std::uint64_t begin = 0, end = 0;  // bytes from the start of the data
    std::string other_dtype = {};      // the name of a dtype that is kOther
  };
  std::map<std::string, std::string> metadata;
  std::vector<Entry> entries;  // in the order of the data
};

/// Reads a header and holds it against the `data_bytes` that follow: every entry is complete, its bytes are
/// those of its shape (of a type that is kOther nobody knows how many they are), and the entries cover the
/// data without a gap. Throws: Error that says what is wrong, without the file's name.
SafetensorsHeader parse_safetensors_header(std::string_view json, std::uint64_t data_bytes);

/// The JSON of a header, padded with spaces so that the data after it starts at a multiple of 8 of the file.
/// Throws: Error for a name or a metadata string that is not UTF-8.
std::string safetensors_header_text(const SafetensorsHeader& header);

/// The bytes of a tensor; 0 for kOther. Throws: Error, naming the tensor, when its bits exceed 64 bits, or do
/// not fill whole bytes.
std::uint64_t tensor_bytes(const std::string& name, DType dtype, const std::vector<std::uint64_t>& shape);

/// "(2,3)"; () for rank 0.
std::string shape_text(const std::vector<std::uint64_t>& shape);

}  // namespace bellman
