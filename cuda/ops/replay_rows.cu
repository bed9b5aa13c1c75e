// Copies rows and transitions into a replay memory and out of it (core/ops/replay_ops.h).

#include <algorithm>
#include <bit>
#include <cstdint>
#include <type_traits>

#include "cuda/backend/cuda_backend.h"
#include "cuda/base/rows.cuh"
#include "cuda/ops/elementwise.cuh"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

// Rows: x[n,:] = memory[slot[n],:], and the other way. A memory of bytes is converted to floats on the way
// out and back on the way in.
//
// Neighbouring threads copy neighbouring columns of a row. A thread copies four of them with one instruction
// where rows are multiples of four and aligned to four. It reads all of its columns before it writes the
// first, so that the reads wait for memory together. Short rows share a block, long ones are spread over
// several.

namespace {

struct alignas(4) FourBytes {
  std::uint8_t x, y, z, w;
};

template <class T>
struct FourOf;
template <>
struct FourOf<float> {
  using Type = float4;
};
template <>
struct FourOf<std::uint8_t> {
  using Type = FourBytes;
};

template <class To, class From>
__device__ __forceinline__ void convert(To& to, const From& from) {
  to = static_cast<To>(from);
}
template <class To, class From>
requires requires(To to) { to.w; }
__device__ __forceinline__ void convert(To& to, const From& from) {
  if constexpr (std::is_same_v<To, From>) {
    to = from;
  } else {
    convert(to.x, from.x);
    convert(to.y, from.y);
    convert(to.z, from.z);
    convert(to.w, from.w);
  }
}

enum class Direction { kOutOfMemory, kIntoMemory };

constexpr Index kGatherThreads = 128;  // of a block
constexpr int kColumnsOfThread = 4;    // in flight at once

/// to and from have rows of `columns` To and From: x(B,columns) and memory(S,columns), as `direction` says;
/// slot(B).
template <Direction direction, class To, class From>
__global__ void __launch_bounds__(kGatherThreads)
    copy_rows_kernel(To* __restrict__ to, const From* __restrict__ from,
                     const std::int32_t* __restrict__ slot, Index B, Index columns) {
  const Index n = static_cast<Index>(blockIdx.x) * blockDim.y + threadIdx.y;
  if (n >= B) return;
  const Index to_row = direction == Direction::kOutOfMemory ? n : slot[n];
  const Index from_row = direction == Direction::kOutOfMemory ? slot[n] : n;
  To* const to_columns = to + to_row * columns;
  const From* const from_columns = from + from_row * columns;
  const Index step = blockDim.x, piece = step * kColumnsOfThread;
  for (Index first = blockIdx.y * piece + threadIdx.x; first < columns; first += gridDim.y * piece) {
    From read[kColumnsOfThread];
#pragma unroll
    for (int j = 0; j < kColumnsOfThread; ++j)
      if (first + j * step < columns) read[j] = from_columns[first + j * step];
#pragma unroll
    for (int j = 0; j < kColumnsOfThread; ++j)
      if (first + j * step < columns) convert(to_columns[first + j * step], read[j]);
  }
}

/// A power of two of a block's threads share a row; the others copy further rows.
template <Direction direction, class To, class From>
void copy_rows_as(Stream& stream, To* to, const From* from, ConstIntTensor slot, Index columns) {
  constexpr Index kMostBlocks = 65535;
  const Index B = slot[0];
  if (B == 0 || columns == 0) return;
  const auto power_of_two = [](Index n) {
    return static_cast<Index>(std::bit_ceil(static_cast<std::uint64_t>(n)));
  };
  const Index in_row = std::min(kGatherThreads, power_of_two(columns));
  const Index rows = std::min(kGatherThreads / in_row, power_of_two(B));
  const Index pieces =
      std::min(kMostBlocks, (columns + kColumnsOfThread * in_row - 1) / (kColumnsOfThread * in_row));
  launch(stream, copy_rows_kernel<direction, To, From>,
         dim3(static_cast<unsigned>((B + rows - 1) / rows), static_cast<unsigned>(pieces)),
         dim3(static_cast<unsigned>(in_row), static_cast<unsigned>(rows)), 0, to, from, slot.data(), B,
         columns);
}

template <Direction direction, class To, class From>
void copy_rows(Stream& stream, To* to, const From* from, ConstIntTensor slot, Index columns) {
  using FourTo = typename FourOf<To>::Type;
  using FourFrom = typename FourOf<From>::Type;
  if (columns % 4 == 0 && begins_at_16_bytes(to) && begins_at_16_bytes(from))
    copy_rows_as<direction>(stream, reinterpret_cast<FourTo*>(to), reinterpret_cast<const FourFrom*>(from),
                            slot, columns / 4);
  else
    copy_rows_as<direction>(stream, to, from, slot, columns);
}

}  // namespace

void CudaBackend::do_gather(Out x, In memory, ConstIntTensor slot) {
  copy_rows<Direction::kOutOfMemory>(stream_, x.data(), memory.data(), slot, memory[1]);
}

void CudaBackend::do_gather_bytes(Out x, ConstByteTensor memory, ConstIntTensor slot) {
  copy_rows<Direction::kOutOfMemory>(stream_, x.data(), memory.data(), slot, memory[1]);
}

void CudaBackend::do_scatter(Out memory, In x, ConstIntTensor slot) {
  copy_rows<Direction::kIntoMemory>(stream_, memory.data(), x.data(), slot, memory[1]);
}

void CudaBackend::do_scatter_bytes(ByteTensor memory, In x, ConstIntTensor slot) {
  copy_rows<Direction::kIntoMemory>(stream_, memory.data(), x.data(), slot, memory[1]);
}

// Transitions without their observations: a thread a transition.

namespace {

/// The arrays of TransitionTensors, without their shapes.
struct Transitions {
  explicit Transitions(const TransitionTensors& tensors)
      : action(tensors.action.data()),
        next_slot(tensors.next_slot.data()),
        reward(tensors.reward.data()),
        discount(tensors.discount.data()),
        terminated(tensors.terminated.data()) {}

  __device__ void copy(Index i, const Transitions& from, Index j) const {
    action[i] = from.action[j];
    next_slot[i] = from.next_slot[j];
    reward[i] = from.reward[j];
    discount[i] = from.discount[j];
    terminated[i] = from.terminated[j];
  }

  std::int32_t *action, *next_slot;
  float *reward, *discount, *terminated;
};

__global__ void __launch_bounds__(kRowThreads)
    gather_transitions_kernel(Transitions batch, Transitions memory, const std::int32_t* slot, Index B) {
  const Index n = row_of_thread();
  if (n < B) batch.copy(n, memory, slot[n]);
}

__global__ void __launch_bounds__(kRowThreads)
    scatter_transitions_kernel(Transitions memory, Transitions batch, const std::int32_t* slot, Index B) {
  const Index n = row_of_thread();
  if (n < B) memory.copy(slot[n], batch, n);
}

}  // namespace

void CudaBackend::do_gather_transitions(const TransitionTensors& batch, const TransitionTensors& memory,
                                        ConstIntTensor slot) {
  if (slot[0] == 0) return;
  const ThreadPerRow size(slot[0]);
  launch(stream_, gather_transitions_kernel, size.grid, size.block, 0, Transitions(batch),
         Transitions(memory), slot.data(), slot[0]);
}

void CudaBackend::do_scatter_transitions(const TransitionTensors& memory, const TransitionTensors& batch,
                                         ConstIntTensor slot) {
  if (slot[0] == 0) return;
  const ThreadPerRow size(slot[0]);
  launch(stream_, scatter_transitions_kernel, size.grid, size.block, 0, Transitions(memory),
         Transitions(batch), slot.data(), slot[0]);
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
