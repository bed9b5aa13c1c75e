// The fused learn step behind core/nn/fused_dqn.h.
#pragma once

#include <memory>

#include "core/nn/fused_dqn.h"
#include "cuda/base/runtime.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

/// Empty, or why a block of `most_shared_bytes` cannot do it.
std::string fused_dqn_unsupported_reason(const DenseChain& chain, const FusedDqnOptions& options,
                                         int most_shared_bytes);
/// REQUIRES: the stream outlives it.
std::unique_ptr<FusedDqn> make_fused_dqn(Stream& stream, const DenseChain& chain,
                                         const FusedDqnOptions& options, const FusedDqnMemory& memory,
                                         int most_shared_bytes);

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
