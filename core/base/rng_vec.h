// Random numbers for a register full of streams at once: Philox4x32-10 as core/base/rng.h has it, a stream in each
// lane.
//
// For .cpp files only, as core/base/double_vec.h.
#pragma once

#include <cstdint>

#include "core/base/double_vec.h"
#include "core/base/rng.h"

namespace bellman {

/// Words of 32 bits, each in a lane of 64.
using WordVec = std::uint64_t __attribute__((vector_size(kDoubleLanes * sizeof(std::uint64_t))));
struct RandomWordVecs {
  WordVec words[4];
};

/// In lane i: random_words({seed, purpose, index[i]}, step[i], draw).
inline RandomWordVecs random_words(std::uint64_t seed, Purpose purpose, WordVec index, WordVec step,
                                   std::uint32_t draw) {
  constexpr std::uint64_t kLow = 0xffffffff;
  WordVec c0 = WordVec{} + draw, c1 = step & kLow, c2 = step >> 32,
          c3 = (static_cast<std::uint64_t>(purpose) << 24) | index;
  std::uint64_t k0 = seed & kLow, k1 = seed >> 32;
  for (int round = 0; round < 10; ++round) {
    const WordVec a = c0 * 0xD2511F53U, b = c2 * 0xCD9E8D57U;  // high words and low words
    c0 = (b >> 32) ^ c1 ^ k0;
    c1 = b & kLow;
    c2 = (a >> 32) ^ c3 ^ k1;
    c3 = a & kLow;
    k0 = (k0 + 0x9E3779B9U) & kLow;
    k1 = (k1 + 0xBB67AE85U) & kLow;
  }
  return {{c0, c1, c2, c3}};
}

/// uniform_double in every lane.
inline DoubleVec uniform_double(WordVec high, WordVec low) {
  const WordVec bits = ((high << 32) | low) >> 11;
  return __builtin_convertvector(reinterpret_cast<IntVec>(bits), DoubleVec) * 0x1p-53;
}

}  // namespace bellman
