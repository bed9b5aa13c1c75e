// The state of a run as named tensors, written to a checkpoint and read from it. Each part of a run saves its
// tensors under names of its own and loads them again. The command adds the rest of a checkpoint: file, hashes.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "core/base/check.h"
#include "core/io/safetensors.h"
#include "rl/state/row_ranges.h"

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

/// Receives a state, tensor by tensor, each in pieces.
class StateSink {
 public:
  virtual ~StateSink() = default;
  /// A tensor of `count` elements comes next. False: its pieces are not wanted.
  virtual bool begin(const std::string& name, DType dtype, std::size_t count) = 0;
  /// The next bytes of the tensor that began last. Valid during the call.
  virtual void piece(std::span<const std::byte> bytes) = 0;
};

/// Passes a whole state to the sink, the same at every call but for tensors whose names begin with "time.".
using StateSource = std::function<void(StateSink& sink)>;

/// Appends what it receives to a file in memory. REQUIRES: the file outlives it.
class FileSink final : public StateSink {
 public:
  explicit FileSink(TensorFile& file) : file_(file) {}
  bool begin(const std::string& name, DType dtype, std::size_t count) override;
  void piece(std::span<const std::byte> bytes) override;

 private:
  TensorFile& file_;
};

/// A copy of a run's state, which the run saves to again and again. It keeps its memory from one save to the
/// next, so only what changed is copied. It has memory for the rows that were saved, not for unwritten ones.
class SavedState {
 public:
  void hand_over(StateSink& sink) const;

 private:
  friend class StateWriter;
  struct Tensor {
    std::string name;
    DType dtype;
    std::size_t row_bytes;
    RowRanges ranges;
    std::vector<std::vector<std::byte>>
        chunks;           // of so many rows each (rows_per_piece), the last may be short
    std::uint64_t saves;  // ChangedBlocks::save's number; 0: none yet
  };
  std::span<std::byte> room(Tensor& tensor, std::size_t row, std::size_t end);

  std::vector<Tensor> tensors_;
};

/// Writes the state of a run's parts.
class StateWriter {
 public:
  /// Appends to the file. REQUIRES: it outlives the writer.
  explicit StateWriter(TensorFile& file) : file_(std::make_unique<FileSink>(file)), sink_(file_.get()) {}
  /// Passes each tensor on at once, in pieces of about 1 MiB, and takes no more memory than that.
  explicit StateWriter(StateSink& sink) : sink_(&sink) {}
  /// Puts a whole state into the copy, over the one before it. Throws: std::bad_alloc.
  explicit StateWriter(SavedState& saved) : saved_(&saved) {}
  StateWriter(const StateWriter&) = delete;
  StateWriter& operator=(const StateWriter&) = delete;
  ~StateWriter() {
    if (saved_)
      saved_->tensors_.resize(std::min(saved_->tensors_.size(), next_));  // an earlier save had more
  }

  /// REQUIRES of all that follow: no other tensor has that name.
  template <class T>
  void add(const std::string& name, std::span<const T> values) {
    const RowRange all = {0, values.size()};
    put({name, dtype_of<T>(), {&all, 1}, sizeof(T), nullptr, std::as_bytes(values).data()}, {});
  }
  template <class T>
  void add(const std::string& name, const std::vector<T>& values) {
    add(name, std::span<const T>(values));
  }
  template <class T>
  requires std::is_arithmetic_v<T>
  void add(const std::string& name, T value) { add(name, std::span<const T>(&value, 1)); }

  /// The rows of `ranges`, one after the other, of an array whose rows have `width` values: the tensor holds
  /// these and no others. Calls copy(values, begin, end) for rows [begin, end) at a time; of a saved state
  /// for those alone that changed since. `changed`: of this array; null: all has changed. REQUIRES: a row
  /// that was in no range the last time is marked.
  template <class T, class Copy>
  void add_rows(const std::string& name, std::span<const RowRange> ranges, std::size_t width,
                const ChangedBlocks* changed, const Copy& copy) {
    put({name, dtype_of<T>(), ranges, width * sizeof(T), changed, nullptr},
        [&copy](std::span<std::byte> to, std::size_t begin, std::size_t end) {
          copy(std::span<T>(reinterpret_cast<T*>(to.data()), to.size() / sizeof(T)), begin, end);
        });
  }
  /// The same of values that lie in memory: (rows, width).
  template <class T>
  void add_rows(const std::string& name, std::span<const T> values, std::span<const RowRange> ranges,
                std::size_t width, const ChangedBlocks* changed) {
    put({name, dtype_of<T>(), ranges, width * sizeof(T), changed, std::as_bytes(values).data()}, {});
  }

 private:
  struct Rows {
    const std::string& name;
    DType dtype;
    std::span<const RowRange> ranges;
    std::size_t row_bytes;
    const ChangedBlocks* changed;
    const std::byte* memory;  // of row 0; null: the rows are copied by a call
  };
  using CopyRows = std::function<void(std::span<std::byte> to, std::size_t begin, std::size_t end)>;
  void put(const Rows& rows, const CopyRows& copy);
  void hand_over(const Rows& rows, const CopyRows& copy);
  void renew(const Rows& rows, const CopyRows& copy);

  std::unique_ptr<FileSink> file_;
  StateSink* sink_ = nullptr;
  SavedState* saved_ = nullptr;
  std::size_t next_ = 0;            // with saved_: how many tensors this save has written
  std::vector<std::byte> staging_;  // of pieces that are asked for
};

/// Reads it again. REQUIRES: the file outlives it.
class StateReader {
 public:
  /// `source` names the file in messages.
  StateReader(const TensorFile& file, std::string source) : file_(file), source_(std::move(source)) {}

  /// A view of the values in the file. Throws: Error, naming file and tensor, when no tensor has that name, or
  /// it has another type.
  template <class T>
  std::span<const T> view(const std::string& name) const {
    const FileTensor& tensor = find(name, dtype_of<T>());
    return {reinterpret_cast<const T*>(tensor.bytes.data()), tensor.bytes.size() / sizeof(T)};
  }
  /// Throws: as above, and when there are not `count`.
  template <class T>
  std::span<const T> view(const std::string& name, std::size_t count) const {
    const std::span<const T> values = view<T>(name);
    check_count(name, values.size(), count);
    return values;
  }
  /// A copy of them. Throws: as view.
  template <class T>
  std::vector<T> get(const std::string& name) const {
    const std::span<const T> values = view<T>(name);
    return {values.begin(), values.end()};
  }
  /// Throws: as above, and when there are not `count`.
  template <class T>
  std::vector<T> get(const std::string& name, std::size_t count) const {
    const std::span<const T> values = view<T>(name, count);
    return {values.begin(), values.end()};
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
  /// Calls `take`. Throws: Error as it does, with file and tensor before its message.
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
  void check_count(const std::string& name, std::size_t is, std::size_t expected) const {
    if (is != expected) fail(source_, ": ", name, " has ", is, " numbers, this run's has ", expected);
  }
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

/// Throws: Error, naming source, tensor and place, for a number that is not finite; `values` are those from
/// place `first` on.
void check_finite(const std::string& source, const std::string& name, std::span<const float> values,
                  std::size_t first = 0);

/// The same for floats that are stored as bytes.
void check_finite_floats(const std::string& source, const std::string& name,
                         std::span<const std::byte> bytes);

}  // namespace bellman
