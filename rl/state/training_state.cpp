#include "rl/state/training_state.h"

#include <algorithm>

#include "core/base/numeric.h"
#include "core/base/text.h"

namespace bellman {
namespace {

// Of a piece; a row that is longer is a piece by itself.
constexpr std::size_t kPieceBytes = std::size_t{1} << 20;

std::size_t rows_per_piece(std::size_t row_bytes) {
  return std::max<std::size_t>(1, kPieceBytes / std::max<std::size_t>(1, row_bytes));
}

/// f(begin, end) of the pieces of [begin, end); none crosses a multiple of `rows`.
template <class F>
void for_each_piece(std::size_t begin, std::size_t end, std::size_t rows, const F& f) {
  while (begin < end) {
    const std::size_t stop = std::min(end, (begin / rows + 1) * rows);
    f(begin, stop);
    begin = stop;
  }
}

}  // namespace

// ---- to memory

bool FileSink::begin(const std::string& name, DType dtype, std::size_t count) {
  file_.tensors.push_back({name, dtype, {count}, {}});
  file_.tensors.back().bytes.reserve(count * dtype_size(dtype));
  return true;
}

void FileSink::piece(std::span<const std::byte> bytes) {
  std::vector<std::byte>& all = file_.tensors.back().bytes;
  all.insert(all.end(), bytes.begin(), bytes.end());
}

// ---- the copy

/// Where rows [row, end) of the copy lie. REQUIRES: they are of one chunk.
std::span<std::byte> SavedState::room(Tensor& tensor, std::size_t row, std::size_t end) {
  const std::size_t rows = rows_per_piece(tensor.row_bytes), chunk = row / rows;
  if (tensor.chunks.size() <= chunk) tensor.chunks.resize(chunk + 1);
  std::vector<std::byte>& bytes = tensor.chunks[chunk];
  const std::size_t first = (row - chunk * rows) * tensor.row_bytes,
                    last = (end - chunk * rows) * tensor.row_bytes;
  if (bytes.size() < last) bytes.resize(last);
  return std::span(bytes).subspan(first, last - first);
}

void SavedState::hand_over(StateSink& sink) const {
  for (const Tensor& tensor : tensors_) {
    const std::size_t rows = rows_per_piece(tensor.row_bytes);
    if (!sink.begin(tensor.name, tensor.dtype,
                    rows_in(tensor.ranges) * (tensor.row_bytes / dtype_size(tensor.dtype))))
      continue;
    for (const RowRange& range : tensor.ranges)
      for_each_piece(range.begin, range.end, rows, [&](std::size_t begin, std::size_t end) {
        const std::size_t chunk = begin / rows;
        sink.piece(std::span(tensor.chunks[chunk])
                       .subspan((begin - chunk * rows) * tensor.row_bytes, (end - begin) * tensor.row_bytes));
      });
  }
}

// ---- from the parts of a run

void StateWriter::put(const Rows& rows, const CopyRows& copy) {
  if (saved_)
    renew(rows, copy);
  else
    hand_over(rows, copy);
}

void StateWriter::hand_over(const Rows& rows, const CopyRows& copy) {
  const std::size_t width = rows.row_bytes / dtype_size(rows.dtype);
  if (!sink_->begin(rows.name, rows.dtype, rows_in(rows.ranges) * width)) return;
  for (const RowRange& range : rows.ranges)
    for_each_piece(range.begin, range.end, rows_per_piece(rows.row_bytes),
                   [&](std::size_t begin, std::size_t end) {
                     const std::size_t bytes = (end - begin) * rows.row_bytes;
                     if (rows.memory) {
                       sink_->piece({rows.memory + begin * rows.row_bytes, bytes});
                       return;
                     }
                     if (staging_.size() < bytes) staging_.resize(bytes);
                     const std::span<std::byte> to = std::span(staging_).first(bytes);
                     copy(to, begin, end);
                     sink_->piece(to);
                   });
}

/// The next tensor: that of the last save when it is of the same kind, or a new one.
void StateWriter::renew(const Rows& rows, const CopyRows& copy) {
  std::vector<SavedState::Tensor>& tensors = saved_->tensors_;
  if (next_ < tensors.size() && (tensors[next_].name != rows.name || tensors[next_].dtype != rows.dtype ||
                                 tensors[next_].row_bytes != rows.row_bytes))
    tensors.resize(next_);
  if (next_ == tensors.size()) tensors.push_back({rows.name, rows.dtype, rows.row_bytes, {}, {}, 0});
  SavedState::Tensor& tensor = tensors[next_++];
  tensor.ranges.assign(rows.ranges.begin(), rows.ranges.end());
  const auto copy_rows = [&](std::size_t first, std::size_t last) {
    for_each_piece(first, last, rows_per_piece(rows.row_bytes), [&](std::size_t begin, std::size_t end) {
      const std::span<std::byte> to = saved_->room(tensor, begin, end);
      if (rows.memory)
        std::memcpy(to.data(), rows.memory + begin * rows.row_bytes, to.size());
      else
        copy(to, begin, end);
    });
  };
  if (rows.changed)
    tensor.saves = rows.changed->save(tensor.saves, rows.ranges, copy_rows);
  else
    for (const RowRange& range : rows.ranges) copy_rows(range.begin, range.end);
}

void check_finite(const std::string& source, const std::string& name, std::span<const float> values,
                  std::size_t first) {
  if (all_finite(values)) return;
  const auto found = std::find_if(values.begin(), values.end(), [](float x) { return !std::isfinite(x); });
  if (found != values.end())
    fail(source, ": ", name, " holds ", shown(*found), " at element ",
         first + static_cast<std::size_t>(found - values.begin()), ", must be finite");
}

void check_finite_floats(const std::string& source, const std::string& name,
                         std::span<const std::byte> bytes) {
  for (std::size_t i = 0; i < bytes.size() / sizeof(float); ++i) {
    float value = 0;
    std::memcpy(&value, bytes.data() + i * sizeof value, sizeof value);
    if (!std::isfinite(value))
      fail(source, ": ", name, " holds ", shown(value), " at element ", i, ", must be finite");
  }
}

}  // namespace bellman
