// safetensors files: named tensors and a map of strings (https://github.com/huggingface/safetensors,
// "Format").
//
//   u64 little-endian N | N bytes of JSON | the numbers, little-endian, row-major, without gaps
//
// A file may come from anybody: every length, offset and product is checked before it is used, and a
// duplicate key is an error.
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

// ---- safetensors files: named tensors and a map of strings (https://github.com/huggingface/safetensors,
// "Format").
//
//   u64 little-endian N | N bytes of JSON | the numbers, little-endian, row-major, without gaps
//
// A file may come from anybody: every length, offset and product is checked before it is used, and a
// duplicate key is an error.

/// The types of the format, and kOther for a name that is none of them: files may be newer than this program.
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

/// "F32", ... as the format writes them; "other" for kOther.
const char* dtype_name(DType dtype);
/// Bits of one element; 0 for kOther.
std::size_t dtype_bits(DType dtype);
/// Bytes of one element, begun ones counted.
inline std::size_t dtype_size(DType dtype) { return (dtype_bits(dtype) + 7) / 8; }

/// A tensor of a file, with its bytes. Shapes of the format may have any rank and rank 0 (one number).
struct FileTensor {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<std::uint64_t> shape;
  std::vector<std::byte> bytes;  // elements() numbers of dtype_bits(dtype)
  std::string other_dtype = {};  // the name of a dtype that is kOther

  /// The product of the shape's extents; 1 for rank 0.
  std::uint64_t elements() const;
  /// "F32", or what the file calls a type that is kOther.
  std::string dtype_text() const { return dtype == DType::kOther ? other_dtype : dtype_name(dtype); }
  /// Throws: Error, naming the tensor, when it is of another type.
  std::span<const float> f32() const;
};

struct TensorFile {
  std::map<std::string, std::string> metadata;
  std::vector<FileTensor> tensors;  // in the file's order of bytes

  /// The tensor of that name, or null.
  const FileTensor* find(std::string_view name) const;
  /// Appends an F32 tensor with a copy of `values`. Throws: Error when their number is not the shape's.
  void add(const std::string& name, const Shape& shape, std::span<const float> values);
};

/// Reads a whole file. Throws: Error that names the file and what is wrong with it. Takes memory of at most a
/// small multiple of the file's size.
TensorFile read_safetensors(const std::filesystem::path& path);
/// The same of a file's bytes; `source` stands for its name in messages.
TensorFile parse_safetensors(std::span<const std::byte> bytes, const std::filesystem::path& source);

/// Writes atomically (core/io/files.h): the same content, the same bytes. Tensors of larger elements
/// come first, so that each starts at a multiple of its element's size, as PyTorch's reader wants; otherwise
/// they keep their order. Throws: Error that names the file and the system's reason, or the tensor that
/// cannot be written (a name twice, a wrong number of bytes); an older file of that name is then still whole.
void write_safetensors(const std::filesystem::path& path, const TensorFile& file);
/// What a file says of a tensor beside its numbers.
struct TensorHead {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<std::uint64_t> shape;
};
/// Writes the bytes of all tensors whose elements have `element_size` bytes, in the order of their heads.
using WriteTensors = std::function<void(std::size_t element_size, const WriteBytes& write)>;
/// The same of tensors whose bytes `data` writes, in pieces: it is called for each size of an element that
/// there is, the largest first. Throws: Error also when it writes another number of bytes than the heads say.
void write_safetensors(const std::filesystem::path& path, const std::map<std::string, std::string>& metadata,
                       const std::vector<TensorHead>& heads, const WriteTensors& data);

// ---- The numbers of a file's tensors, whatever their type.

/// Reads one element as a double: a truth value as 0 or 1, 64-bit integers rounded.
using ReadNumber = double (*)(const std::byte* element);

/// Null for types whose elements are no numbers of whole bytes: C64, F6_E2M3, F6_E3M2, F4 and kOther.
ReadNumber number_reader(DType dtype);

/// The tensor's elements as floats, the nearest ones. Throws: Error, naming the tensor, when it is of another
/// type than F32, F64, F16 and BF16, or holds a finite number beyond what a float holds.
std::vector<float> as_floats(const FileTensor& tensor);

}  // namespace bellman
