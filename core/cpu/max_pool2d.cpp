#include <algorithm>

#include "core/cpu/cpu_backend.h"
#include "core/cpu/thread_pool.h"

namespace bellman {
namespace {

/// Images that make a chunk of about kCostlyElements comparisons.
Index images_a_chunk(const Shape& y, const Window& window) {
  const Index comparisons = y[2] * y[3] * window.kernel_h * window.kernel_w;
  return std::max(Index{1}, cpu::kCostlyElements / std::max(Index{1}, comparisons));
}

/// f(output, pixel) for each output of one image (H,W), in row-major order: `pixel` is the place of
/// the first maximum in its window. Padding is skipped.
template <class F>
void for_each_maximum(const float* image, Index h, Index w, const Window& window, F f) {
  const Index output_h = window.output_h(h), output_w = window.output_w(w);
  for (Index i = 0, output = 0; i < output_h; ++i) {
    const Index top = i * window.stride_h - window.padding_h;
    const Index first_row = std::max(top, Index{0}), last_row = std::min(top + window.kernel_h, h);
    for (Index j = 0; j < output_w; ++j, ++output) {
      const Index left = j * window.stride_w - window.padding_w;
      const Index first = std::max(left, Index{0}), last = std::min(left + window.kernel_w, w);
      Index best = first_row * w + first;
      float largest = image[best];
      for (Index row = first_row; row < last_row; ++row)
        for (Index pixel = row * w + first; pixel < row * w + last; ++pixel) {
          const bool larger = image[pixel] > largest;  // a choice, not a branch, which would be mispredicted
          largest = larger ? image[pixel] : largest;
          best = larger ? pixel : best;
        }
      f(output, best, largest);
    }
  }
}

}  // namespace

// core/reference/images.h. Threads share the images, one for each sample and channel.

void CpuBackend::do_max_pool2d_forward(Out y, In x, const Window& window) {
  const Index H = x[2], W = x[3], outputs = y[2] * y[3];
  cpu::for_each_chunk(pool_, x[0] * x[1], images_a_chunk(y.shape(), window), [&](Index begin, Index n) {
    for (Index image = begin; image < begin + n; ++image) {
      const float* from = x.data() + image * H * W;
      float* to = y.data() + image * outputs;
      for_each_maximum(from, H, W, window,
                       [&](Index output, Index /*pixel*/, float largest) { to[output] = largest; });
    }
  });
}

void CpuBackend::do_max_pool2d_backward(Out dx, In dy, In x, const Window& window) {
  const Index H = x[2], W = x[3], outputs = dy[2] * dy[3];
  cpu::for_each_chunk(pool_, x[0] * x[1], images_a_chunk(dy.shape(), window), [&](Index begin, Index n) {
    for (Index image = begin; image < begin + n; ++image) {
      const float* from = dy.data() + image * outputs;
      float* to = dx.data() + image * H * W;
      std::fill_n(to, H * W, 0.0F);
      for_each_maximum(x.data() + image * H * W, H, W, window,
                       [&](Index output, Index pixel, float /*largest*/) { to[pixel] += from[output]; });
    }
  });
}

}  // namespace bellman
