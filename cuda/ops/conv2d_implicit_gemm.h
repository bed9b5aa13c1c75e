// The convolution of cuda/ops/conv2d_implicit_gemm.cu: for images and kernels that are worth it.
#pragma once

#include "core/base/tensor.h"
#include "cuda/base/runtime.h"
#include "cuda/ops/conv_sizes.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

/// Floats of scratch that the backward pass needs; no fewer for a larger batch.
Index implicit_gemm_scratch(const ConvSizes& s);
void implicit_gemm_forward(Stream& stream, Tensor y, ConstTensor x, ConstTensor w, ConstTensor b,
                           const ConvSizes& s);
void implicit_gemm_backward(Stream& stream, Tensor dx, Tensor dw, Tensor db, ConstTensor dy, ConstTensor x,
                            ConstTensor w, const ConvSizes& s, Tensor scratch);

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
