#include <algorithm>

#include "core/cpu/cpu_backend.h"
#include "core/cpu/products/matrix.h"
#include "core/cpu/products/panel_conv.h"
#include "core/cpu/thread_pool.h"

namespace bellman {
namespace {

using cpu::ImageShape;
using cpu::PanelConv;

/// What each thread works in, whichever of the three products it computes.
Index work_elements(const PanelConv& conv) {
  return std::max({conv.forward_elements(), conv.input_gradient_elements(), conv.weight_gradient_elements()});
}

/// What all threads share.
Index shared_elements(const PanelConv& conv) {
  return std::max({conv.weights_elements(), conv.turned_weights_elements(), conv.weight_sums_elements()});
}

}  // namespace

Index CpuBackend::do_conv2d_scratch(const Shape& x, const Shape& w, const Window& window) const {
  const ImageShape image = cpu::image_shape(x, window);
  if (products_ == Products::kEigen) return im2row_scratch(image);
  const PanelConv conv(kernels_, image, w[0]);
  return shared_elements(conv) + threads() * work_elements(conv);
}

void CpuBackend::do_conv2d_forward(Out y, In x, In w, In b, const Window& window, Out scratch) {
  if (products_ == Products::kEigen)
    im2row_forward(y, x, w, b, cpu::image_shape(x.shape(), window), scratch);
  else
    panel_conv_forward(y, {}, x, w, b, window, scratch);
}

// ReLU comes while y is still in registers.
void CpuBackend::do_conv2d_activation_forward(Out z, Out y, In x, In w, In b, const Window& window,
                                              Activation activation, Out scratch) {
  if (products_ == Products::kEigen || activation.kind != Activation::kRelu)
    return Backend::do_conv2d_activation_forward(z, y, x, w, b, window, activation, scratch);
  panel_conv_forward(y, z, x, w, b, window, scratch);
}

void CpuBackend::panel_conv_forward(Out y, Out rectified, In x, In w, In b, const Window& window,
                                    Out scratch) {
  const ImageShape image = cpu::image_shape(x.shape(), window);
  const PanelConv conv(kernels_, image, w[0]);
  const Index outputs = w[0] * image.places(), inputs = image.channels * image.h * image.w;
  float* const weights = scratch.data();
  float* const work = weights + shared_elements(conv);
  conv.pack_weights(weights, w.data());
  cpu::for_each_chunk(
      pool_, x[0], cpu::samples_a_chunk(image.patch() * image.places() * w[0]),
      [&](Index begin, Index n, int worker) {
        for (Index sample = begin; sample < begin + n; ++sample)
          conv.forward(y.data() + sample * outputs, rectified ? rectified.data() + sample * outputs : nullptr,
                       x.data() + sample * inputs, weights, b.data(), work + worker * work_elements(conv));
      });
}

void CpuBackend::do_conv2d_backward(Out dx, Out dw, Out db, In dy, In x, In w, const Window& window,
                                    Out scratch) {
  const ImageShape image = cpu::image_shape(x.shape(), window);
  if (products_ == Products::kEigen) return im2row_backward(dx, dw, db, dy, x, w, image, scratch);
  const PanelConv conv(kernels_, image, w[0]);
  const Index B = x[0], O = w[0], K = image.patch(), P = image.places();
  const Index inputs = image.channels * image.h * image.w;
  float* const shared = scratch.data();
  const auto work_of = [&](int worker) {
    return shared + shared_elements(conv) + worker * work_elements(conv);
  };

  // A thread takes some weights of all outputs, and all samples in their order: one sum, in one order.
  std::fill_n(shared, conv.weight_sums_elements(), 0.0F);
  const Index weights_a_chunk = B * O * K * P < cpu::kSmallProduct ? K : (K + threads() - 1) / threads();
  cpu::for_each_chunk(pool_, K, std::max(Index{1}, weights_a_chunk), [&](Index begin, Index n, int worker) {
    conv.add_weight_gradient(shared, begin, n, dy.data(), x.data(), B, work_of(worker));
  });
  pool_.run(1, [&](Index, int) {
    conv.write_weight_gradient(dw.data(), shared);
    for (Index row = 0; row < B * O; ++row) db.data()[row % O] += cpu::sum(dy.data() + row * P, P);
  });

  if (!dx) return;
  conv.turn_weights(shared, w.data());
  cpu::for_each_chunk(pool_, B, cpu::samples_a_chunk(image.patch() * image.places() * O),
                      [&](Index begin, Index n, int worker) {
                        for (Index sample = begin; sample < begin + n; ++sample)
                          conv.input_gradient(dx.data() + sample * inputs, dy.data() + sample * O * P, shared,
                                              work_of(worker));
                      });
}

}  // namespace bellman
