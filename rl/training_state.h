// The state of a run as named tensors, on its way into a checkpoint and out of it. Each part of a run saves
// what it has under names of its own and takes it back; what a checkpoint holds beside, file and hashes, is
// the command's affair.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "core/check.h"
#include "core/io/safetensors.h"
#include "rl/changed_blocks.h"

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

/// A file that the same run is saved to again and again, its memory kept from one time to the next: what was
/// not changed in between is there already. REQUIRES: nobody else changes the file.
class SavedState {
 public:
  explicit SavedState(TensorFile& file) : file_(file) {}

 private:
  friend class StateWriter;
  TensorFile& file_;
  std::vector<std::uint64_t> saves_;  // of each tensor: ChangedBlocks::save's number; 0: none yet
};

/// Where parts of a run put their state.
class StateWriter {
 public:
  /// Appends to the file. REQUIRES: it outlives the writer.
  explicit StateWriter(TensorFile& file) : file_(file) {}
  /// Puts a whole state into the file, over the one before it.
  explicit StateWriter(SavedState& saved) : file_(saved.file_), saved_(&saved) {}
  StateWriter(const StateWriter&) = delete;
  StateWriter& operator=(const StateWriter&) = delete;
  ~StateWriter() {
    if (saved_) cut(next_);  // what an earlier save had more
  }

  /// Room for `count` values, which the caller fills at once. REQUIRES: no other tensor has that name.
  template <class T>
  std::span<T> space(const std::string& name, std::size_t count) {
    FileTensor& tensor = place(name, dtype_of<T>());
    return resized<T>(tensor, count);
  }
  /// Copies the values.
  template <class T>
  void add(const std::string& name, std::span<const T> values) {
    const std::span<T> to = space<T>(name, values.size());
    if (!values.empty()) std::memcpy(to.data(), values.data(), values.size_bytes());
  }
  template <class T>
  void add(const std::string& name, const std::vector<T>& values) {
    add(name, std::span<const T>(values));
  }
  template <class T>
  requires std::is_arithmetic_v<T>
  void add(const std::string& name, T value) { add(name, std::span<const T>(&value, 1)); }

  /// Room for `rows` of `width` values each, most of which may be there from the last save: calls
  /// copy(values, begin, end) for the rows [begin, end) that changed since. REQUIRES: `changed` is of this
  /// array, of up to `most_rows` rows, and a row that was not there the last time is marked.
  template <class T, class Copy>
  void add_changed(const std::string& name, std::size_t rows, std::size_t width, std::size_t most_rows,
                   const ChangedBlocks& changed, const Copy& copy) {
    FileTensor& tensor = place(name, dtype_of<T>());
    tensor.bytes.reserve(most_rows * width * sizeof(T));
    const std::span<T> values = resized<T>(tensor, rows * width);
    std::uint64_t none = 0;
    std::uint64_t& last = saved_ ? saved_->saves_[next_ - 1] : none;
    last = changed.save(last, rows, [&](std::size_t begin, std::size_t end) {
      copy(values.subspan(begin * width, (end - begin) * width), begin, end);
    });
  }
  /// The same of values that lie in memory: (rows, width).
  template <class T>
  void add_changed(const std::string& name, std::span<const T> values, std::size_t width,
                   std::size_t most_rows, const ChangedBlocks& changed) {
    const auto copy = [&](std::span<T> to, std::size_t begin, std::size_t /*end*/) {
      std::memcpy(to.data(), values.data() + begin * width, to.size_bytes());
    };
    add_changed<T>(name, values.size() / width, width, most_rows, changed, copy);
  }

 private:
  /// The next tensor: that of the last save when it has the same name, or a new one.
  FileTensor& place(const std::string& name, DType dtype) {
    std::vector<FileTensor>& tensors = file_.tensors;
    if (!saved_) return tensors.emplace_back(FileTensor{name, dtype, {}, {}});
    if (next_ < tensors.size() && (tensors[next_].name != name || tensors[next_].dtype != dtype)) cut(next_);
    if (next_ == tensors.size()) tensors.push_back({name, dtype, {}, {}});
    saved_->saves_.resize(tensors.size());
    return tensors[next_++];
  }
  template <class T>
  static std::span<T> resized(FileTensor& tensor, std::size_t count) {
    tensor.shape = {count};
    tensor.bytes.resize(count * sizeof(T));
    return {reinterpret_cast<T*>(tensor.bytes.data()), count};
  }
  void cut(std::size_t tensors) {
    file_.tensors.resize(tensors);
    saved_->saves_.resize(tensors);
  }

  TensorFile& file_;
  SavedState* saved_ = nullptr;
  std::size_t next_ = 0;  // with saved_: how many tensors this save has written
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
  static constexpr std::int64_t kMostCount = std::int64_t{1} << 53;  // beyond, adding could overflow
  /// A count. Throws: as above, and for one below `least` or beyond kMostCount.
  std::int64_t count(const std::string& name, std::int64_t least = 0) const {
    const auto value = number<std::int64_t>(name);
    if (value < least || value > kMostCount)
      fail(source_, ": ", name, " is ", value, ", must be from ", least, " to ", kMostCount);
    return value;
  }
  /// A number that is one. Throws: as above, and for NaN and infinity.
  double finite(const std::string& name) const {
    const auto value = number<double>(name);
    if (!std::isfinite(value)) fail(source_, ": ", name, " is ", value);
    return value;
  }
  /// A duration. Throws: as above, and for one below 0 or of more than three centuries.
  double seconds(const std::string& name) const {
    const double value = finite(name);
    if (!(value >= 0 && value < 1e10)) fail(source_, ": ", name, " is ", value);
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
      fail(source_, ": ", name, " is of type ", tensor->dtype_text(), ", expected ", dtype_name(dtype));
    return *tensor;
  }

  const TensorFile& file_;
  std::string source_;
};

}  // namespace bellman
