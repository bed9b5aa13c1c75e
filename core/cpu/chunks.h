// How ops divide their work: into chunks whose borders follow from sizes alone. Work of a single chunk is
// done by the caller at once, so chunks are made large enough to be worth waking a thread for (some 10 us).
#pragma once

#include <algorithm>
#include <type_traits>

#include "core/base/tensor.h"
#include "core/cpu/thread_pool.h"

namespace bellman::cpu {

/// Elements a chunk of an op that reads, adds and writes.
inline constexpr Index kCheapElements = Index{1} << 16;
/// Elements a chunk of an op that divides, takes roots or exponentials.
inline constexpr Index kCostlyElements = Index{1} << 14;
/// Multiply-adds below which a product is not worth dividing.
inline constexpr Index kSmallProduct = Index{1} << 20;

/// Samples that make a product worth a thread of its own, each having so many multiply-adds.
constexpr Index samples_a_chunk(Index multiply_adds) {
  return std::max(Index{1}, kSmallProduct / std::max(Index{1}, multiply_adds));
}

/// f(begin, count) or f(begin, count, worker) for each chunk of `chunk` of the n things 0 .. n-1; the last
/// one may be smaller.
template <class F>
void for_each_chunk(ThreadPool& pool, Index n, Index chunk, const F& f) {
  pool.run((n + chunk - 1) / chunk, [&](Index i, [[maybe_unused]] int worker) {
    const Index begin = i * chunk, count = std::min(chunk, n - begin);
    if constexpr (std::is_invocable_v<F, Index, Index, int>)
      f(begin, count, worker);
    else
      f(begin, count);
  });
}

}  // namespace bellman::cpu
