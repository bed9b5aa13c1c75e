// The state of a run as named tensors, on its way into a checkpoint and out of it. Each part of a run saves
// what it has under names of its own and takes it back; what a checkpoint holds beside, file and hashes, is
// the command's affair.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "core/check.h"
#include "core/io/safetensors.h"

namespace bellman {

template <class T>
constexpr DType dtype_of() {
  if constexpr (std::is_same_v<T, float>) return DType::kF32;
  if constexpr (std::is_same_v<T, double>) return DType::kF64;
  if constexpr (std::is_same_v<T, std::int32_t>) return DType::kI32;
  if constexpr (std::is_same_v<T, std::int64_t>) return DType::kI64;
  if constexpr (std::is_same_v<T, std::uint64_t>) return DType::kU64;
  if constexpr (std::is_same_v<T, std::uint8_t> || std::is_same_v<T, std::byte>) return DType::kU8;
}

/// Where parts of a run put their state.
class StateWriter {
 public:
  explicit StateWriter(TensorFile& file) : file_(file) {}

  /// Copies the values. REQUIRES: no other tensor has that name.
  template <class T>
  void add(const std::string& name, std::span<const T> values) {
    FileTensor tensor{name, dtype_of<T>(), {values.size()}, {}};
    tensor.bytes.resize(values.size_bytes());
    if (!values.empty()) std::memcpy(tensor.bytes.data(), values.data(), values.size_bytes());
    file_.tensors.push_back(std::move(tensor));
  }
  template <class T>
  void add(const std::string& name, const std::vector<T>& values) {
    add(name, std::span<const T>(values));
  }
  template <class T>
  requires std::is_arithmetic_v<T>
  void add(const std::string& name, T value) { add(name, std::span<const T>(&value, 1)); }

 private:
  TensorFile& file_;
};

/// Where they get it back. REQUIRES: the file outlives it.
class StateReader {
 public:
  /// `source` names the file in messages.
  StateReader(const TensorFile& file, std::string source) : file_(file), source_(std::move(source)) {}

  /// Throws: Error, naming file and tensor, when there is none of that name or it is of another type.
  template <class T>
  std::vector<T> get(const std::string& name) const {
    const FileTensor& tensor = find(name, dtype_of<T>());
    std::vector<T> values(tensor.bytes.size() / sizeof(T));
    if (!values.empty()) std::memcpy(values.data(), tensor.bytes.data(), values.size() * sizeof(T));
    return values;
  }
  /// Throws: as above, and when there are not `count`.
  template <class T>
  std::vector<T> get(const std::string& name, std::size_t count) const {
    std::vector<T> values = get<T>(name);
    if (values.size() != count)
      fail(source_, ": ", name, " has ", values.size(), " numbers, this run's has ", count);
    return values;
  }
  template <class T>
  T number(const std::string& name) const {
    return get<T>(name, 1)[0];
  }
  /// A count. Throws: as above, and for one below `least` or beyond 2^53, from where adding to it could
  /// overflow.
  std::int64_t count(const std::string& name, std::int64_t least = 0) const {
    constexpr std::int64_t kMost = std::int64_t{1} << 53;
    const auto value = number<std::int64_t>(name);
    if (value < least || value > kMost)
      fail(source_, ": ", name, " is ", value, ", must be from ", least, " to ", kMost);
    return value;
  }
  /// Calls `take`, which takes over what was read. Throws: Error as it does, with file and tensor before it.
  template <class Take>
  void hand_over(const std::string& name, const Take& take) const {
    try {
      take();
    } catch (const Error& error) {
      fail(source_, ": ", name, ": ", error.what());
    }
  }
  bool has(const std::string& name) const { return file_.find(name) != nullptr; }
  const std::string& source() const { return source_; }

 private:
  const FileTensor& find(const std::string& name, DType dtype) const {
    const FileTensor* const tensor = file_.find(name);
    if (!tensor) fail(source_, ": there is no tensor ", name);
    if (tensor->dtype != dtype)
      fail(source_, ": ", name, " is of type ", dtype_name(tensor->dtype), ", expected ", dtype_name(dtype));
    return *tensor;
  }

  const TensorFile& file_;
  std::string source_;
};

}  // namespace bellman
