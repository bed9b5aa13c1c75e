#include "core/reference/max_pool2d.h"

#include <algorithm>

#include "core/cpu/chunks.h"
#include "core/cpu/cpu_backend.h"
#include "core/op_shapes.h"

namespace bellman {
namespace {

/// Images that make a chunk of about kCostlyElements looks at a pixel.
Index images_a_chunk(const Shape& y, const Window& window) {
  const Index looks = y[2] * y[3] * window.kernel_h * window.kernel_w;
  return std::max(Index{1}, cpu::kCostlyElements / std::max(Index{1}, looks));
}

/// Images begin .. begin+n of t(B,C,H,W), counted over samples and channels, as a tensor (1,n,H,W).
template <class T>
TensorView<T> images(TensorView<T> t, Index begin, Index n) {
  return {t.data() + begin * t[2] * t[3], {1, n, t[2], t[3]}};
}

}  // namespace

// Every image is pooled on its own, by the definition; threads share the images.

void CpuBackend::max_pool2d_forward(Out y, In x, const Window& window) {
  check_max_pool2d_forward(y, x, window);
  cpu::for_each_chunk(pool_, y[0] * y[1], images_a_chunk(y.shape(), window), [&](Index begin, Index n) {
    reference::max_pool2d_forward<float>(images(y, begin, n), images(x, begin, n), window);
  });
}

void CpuBackend::max_pool2d_backward(Out dx, In dy, In x, const Window& window) {
  check_max_pool2d_backward(dx, dy, x, window);
  cpu::for_each_chunk(pool_, dy[0] * dy[1], images_a_chunk(dy.shape(), window), [&](Index begin, Index n) {
    reference::max_pool2d_backward<float>(images(dx, begin, n), images(dy, begin, n), images(x, begin, n),
                                          window);
  });
}

}  // namespace bellman
