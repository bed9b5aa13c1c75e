// The convolution of cuda/conv2d_implicit_gemm.cu: for images and kernels that are worth it.
#pragma once

#include "cuda/conv_sizes.h"
#include "cuda/ops.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

/// Floats of scratch that the backward pass needs; no fewer for a larger batch.
Index implicit_gemm_scratch(const ConvSizes& s);
void implicit_gemm_forward(Stream& stream, Out y, In x, In w, In b, const ConvSizes& s);
void implicit_gemm_backward(Stream& stream, Out dx, Out dw, Out db, In dy, In x, In w, const ConvSizes& s,
                            Out scratch);

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
