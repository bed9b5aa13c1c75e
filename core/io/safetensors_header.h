// The header of a safetensors file: from JSON to a list of tensors, and back.
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

/// The format's limit of a header's bytes.
inline constexpr std::uint64_t kMaxSafetensorsHeader = 100'000'000;

struct SafetensorsHeader {
  struct Entry {
    std::string name;
    DType dtype = DType::kF32;
    std::vector<std::uint64_t> shape;
    std::uint64_t begin = 0, end = 0;  // bytes from the start of the data
    std::string other_dtype = {};      // the type's name for kOther
  };
  std::map<std::string, std::string> metadata;
  std::vector<Entry> entries;  // in the order of the data
};

/// Reads a header and compares it with the `data_bytes` that follow: every entry is complete, its bytes match
/// its shape (unknown for kOther), and the entries cover the data without a gap. Throws: Error without the
/// file's name.
SafetensorsHeader parse_safetensors_header(std::string_view json, std::uint64_t data_bytes);

/// The JSON of a header, padded with spaces so that the data starts at a multiple of 8 in the file.
/// Throws: Error for a name or a metadata string that is not UTF-8.
std::string safetensors_header_text(const SafetensorsHeader& header);

/// The bytes of a tensor; 0 for kOther. Throws: Error that names the tensor, when the count of bits exceeds
/// 64 bits or is not a multiple of 8.
std::uint64_t tensor_bytes(const std::string& name, DType dtype, const std::vector<std::uint64_t>& shape);

/// "(2,3)"; () for rank 0.
std::string shape_text(const std::vector<std::uint64_t>& shape);

}  // namespace bellman
