// Whether two states of a run are the same to the last bit.
#pragma once

#include <string>

#include "core/io/safetensors.h"

namespace bellman {

/// The first tensor that differs in type, shape or bytes, or that only one of them has; empty when none does.
/// Tensors whose names begin with "time." are wall times, which no two runs share: they are passed over.
std::string first_difference(const TensorFile& a, const TensorFile& b);

}  // namespace bellman
