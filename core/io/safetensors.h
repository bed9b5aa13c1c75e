// safetensors files: named tensors and a map of strings (https://github.com/huggingface/safetensors,
// "Format").
//
//   u64 little-endian N | N bytes of JSON | the numbers, little-endian, row-major, without gaps
//
// Files are untrusted: every length, offset and product is checked before use, and a duplicate key is an
// error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/tensor.h"
#include "core/io/files.h"

namespace bellman {

/// The format's types, and kOther for an unknown one: files may be newer than this program.
enum class DType {
  kF32,
  kF64,
  kF16,
  kBF16,
  kI8,
  kI16,
  kI32,
  kI64,
  kU8,
  kU16,
  kU32,
  kU64,
  kBool,
  kC64,  // two F32: real and imaginary part
  kF8E4M3,
  kF8E5M2,
  kF8E8M0,
  kF6E2M3,
  kF6E3M2,
  kF4,
  kOther
};

/// The format's names: "F32", ...; "other" for kOther.
const char* dtype_name(DType dtype);
/// Bits of one element; 0 for kOther.
std::size_t dtype_bits(DType dtype);
/// Bytes of one element, rounded up.
inline std::size_t dtype_size(DType dtype) { return (dtype_bits(dtype) + 7) / 8; }

/// A tensor of a file, with its bytes. Shapes may have any rank, including 0 (one number).
struct FileTensor {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<std::uint64_t> shape;
  std::vector<std::byte> bytes;  // elements() numbers of dtype_bits(dtype)
  std::string other_dtype = {};  // the type's name for kOther

  /// The product of the shape's extents; 1 for rank 0.
  std::uint64_t elements() const;
  /// "F32"; for kOther, the file's name of the type.
  std::string dtype_text() const { return dtype == DType::kOther ? other_dtype : dtype_name(dtype); }
  /// Throws: Error, naming the tensor, when it is of another type.
  std::span<const float> f32() const;
};

struct TensorFile {
  std::map<std::string, std::string> metadata;
  std::vector<FileTensor> tensors;  // in the order of their bytes in the file

  /// The tensor of that name, or null.
  const FileTensor* find(std::string_view name) const;
  /// Appends an F32 tensor with a copy of `values`. Throws: Error when their number does not match the shape.
  void add(const std::string& name, const Shape& shape, std::span<const float> values);
};

/// Reads a whole file, with memory of at most a small multiple of its size. Throws: Error that names the file
/// and its fault.
TensorFile read_safetensors(const std::filesystem::path& path);
/// The same from a file's bytes; messages name `source`.
TensorFile parse_safetensors(std::span<const std::byte> bytes, const std::filesystem::path& source);

/// A tensor without its numbers.
struct TensorHead {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<std::uint64_t> shape;
};
/// A file without its numbers.
struct SafetensorsHead {
  std::map<std::string, std::string> metadata;
  std::vector<TensorHead> tensors;  // in the order of their bytes in the file
};
/// Reads a file's header alone, however large the file is. Throws: as read_safetensors.
SafetensorsHead read_safetensors_head(const std::filesystem::path& path);

/// Writes atomically (core/io/files.h); equal content gives equal bytes. Tensors with larger elements come
/// first, so that each starts at a multiple of its element's size, as PyTorch's reader requires; otherwise
/// the order is kept.
/// Throws: Error that names the file and the system's reason, or the tensor that cannot be written (a
/// duplicate name, a wrong number of bytes); an older file then stays intact.
void write_safetensors(const std::filesystem::path& path, const TensorFile& file);
/// Writes the bytes of all tensors with elements of `element_size` bytes, in the order of their heads.
using WriteTensors = std::function<void(std::size_t element_size, const WriteBytes& write)>;
/// The same, with bytes that `data` writes in pieces: it is called once for each element size, the largest
/// first.
/// Throws: Error also when the number of bytes does not match the heads.
void write_safetensors(const std::filesystem::path& path, const std::map<std::string, std::string>& metadata,
                       const std::vector<TensorHead>& heads, const WriteTensors& data);
/// The bytes that write_safetensors() would write; messages name `name`. Throws: Error, as it does.
std::vector<std::byte> safetensors_bytes(const TensorFile& file, const std::filesystem::path& name);

// ---- numbers of any type (core/io/tensor_numbers.cpp)

/// Reads one element as a double: BOOL as 0 or 1, 64-bit integers rounded.
using ReadNumber = double (*)(const std::byte* element);

/// Null for types without whole bytes or without one number per element: C64, F6_E2M3, F6_E3M2, F4 and
/// kOther.
ReadNumber number_reader(DType dtype);

/// The tensor's elements, rounded to float. Throws: Error that names the tensor, for types other than F32,
/// F64, F16 and BF16, and for a finite number beyond float's range.
std::vector<float> as_floats(const FileTensor& tensor);

}  // namespace bellman
