// Initial parameters of a network.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/nn/network.h"

namespace bellman {

enum class Initialiser {
  kPytorch,     // PyTorch's default: weights and biases uniform on +-1/sqrt(fan_in)
  kHe,          // He et al. 2015: normal, variance 2/fan_in; biases 0
  kXavier,      // Glorot & Bengio 2010: uniform on +-sqrt(6/(fan_in + fan_out)); biases 0
  kOrthogonal,  // Saxe et al. 2014: orthonormal rows or columns times sqrt(2), in the last layer 1; biases 0
};

/// "pytorch", "he", "xavier", "orthogonal". Throws: Error for any other name, with the nearest.
Initialiser parse_initialiser(std::string_view name);
/// The name that parse_initialiser() takes.
std::string_view initialiser_name(Initialiser initialiser);

/// Sets every parameter; each tensor draws from RandomStream{seed, Purpose::kInitialisation, its number}, in
/// double. Gains start at 1, offsets at 0. The last layer is the one that computes the outputs: in a dueling
/// head, the last dense layer of either stream.
/// Throws: Error when `parameters` belongs to another network.
template <class T>
void initialise(BasicBackend<T>& backend, const BasicArena<T>& parameters, const BasicNetwork<T>& network,
                Initialiser initialiser, std::uint64_t seed);

}  // namespace bellman
