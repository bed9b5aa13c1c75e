#include "core/cpu/products/panel_conv.h"

#include <algorithm>
#include <array>

#include "core/cpu/products/panel_operand.h"

namespace bellman::cpu {

PanelConv::PanelConv(const Kernels& kernels, const ImageShape& image, Index outputs)
    : kernels_(kernels),
      image_(image),
      outputs_(outputs),
      panel_(kernels.panel),
      output_panels_((outputs + panel_ - 1) / panel_),
      channel_panels_((image.channels + panel_ - 1) / panel_),
      frame_h_(image.h + 2 * image.window.padding_h),
      frame_w_(image.w + 2 * image.window.padding_w),
      group_(std::max(Index{1}, kRightOperand / (image.places() * panel_))),
      places_{{1, image.output_h, image.output_w},
              {0, image.window.stride_h * frame_w_, image.window.stride_w}},
      weights_{{image.channels, image.window.kernel_h, image.window.kernel_w},
               {frame_pixels(), frame_w_, 1}} {}

Index PanelConv::lanes(Index panel, Index channels) const {
  return std::min(panel_, channels - first_lane(panel));
}

/// Of panels in our own memory, whole vectors are computed: half a panel, or all of it.
Index PanelConv::whole_vectors(Index lanes) const { return lanes > panel_ / 2 ? panel_ : panel_ / 2; }

const float* PanelConv::framed(const float* x, Index samples, float* frame) const {
  if (!padded()) return x;
  std::fill_n(frame, samples * image_.channels * frame_pixels(), 0.0F);
  const Window& window = image_.window;
  for (Index plane = 0; plane < samples * image_.channels; ++plane)
    for (Index i = 0; i < image_.h; ++i, x += image_.w)
      std::copy_n(x, image_.w,
                  frame + plane * frame_pixels() + (i + window.padding_h) * frame_w_ + window.padding_w);
  return frame;
}

// ---- forward

void PanelConv::pack_weights(float* packed, const float* w) const {
  const Index K = image_.patch();
  for (Index panel = 0; panel < output_panels_; ++panel)
    gather_rows(kernels_, packed + panel * K * panel_, w + first_lane(panel) * K, K, K,
                lanes(panel, outputs_));
}

void PanelConv::forward(float* y, float* rectified, const float* x, const float* packed, const float* b,
                        float* work) const {
  const Index K = image_.patch(), P = image_.places();
  const float* const image = framed(x, 1, work);
  float* const result = work + frame_elements(1);  // (P,kPanel)
  for (Index panel = 0; panel < output_panels_; ++panel) {
    const Index o = first_lane(panel), columns = lanes(panel, outputs_);
    std::array<float, kMaxPanel> bias{};
    std::copy_n(b + o, columns, bias.begin());
    kernels_.panel_product({.left = image,
                            .rows_at = places_,
                            .steps_at = weights_,
                            .first = 0,
                            .rows = P,
                            .right = packed + panel * K * panel_,
                            .right_stride = panel_,
                            .c = result,
                            .c_strides = {0, image_.output_w * panel_, panel_},
                            .columns = whole_vectors(columns),
                            .accumulate = false,
                            .bias = bias.data()});
    kernels_.panel_columns({.to = y + o * P,
                            .to_stride = P,
                            .rectified = rectified ? rectified + o * P : nullptr,
                            .from = result,
                            .rows = P,
                            .columns = columns,
                            .accumulate = false});
  }
}

// ---- backward: dx

Index PanelConv::turned_weights_elements() const {
  const Index panels = few_channels() ? patch_panels() : channel_panels_ * kernel_area();
  return rounded(panels * outputs_ * panel_);
}

Index PanelConv::input_gradient_elements() const {
  return rounded(few_channels() ? image_.places() * image_.patch() : frame_pixels() * panel_);
}

void PanelConv::turn_weights(float* turned, const float* w) const {
  if (few_channels()) {  // (panels of K, O, panel)
    const Index K = image_.patch();
    return copy_panels(kernels_, turned, w, K, outputs_, K);
  }
  // (panels of channels, KH KW, O, panel)
  for (Index panel = 0; panel < channel_panels_; ++panel) {
    const Index c = first_lane(panel), columns = lanes(panel, image_.channels);
    for (Index at = 0; at < kernel_area(); ++at)
      for (Index o = 0; o < outputs_; ++o, turned += panel_)
        for (Index lane = 0; lane < panel_; ++lane)
          turned[lane] = lane < columns ? w[(o * image_.channels + c + lane) * kernel_area() + at] : 0.0F;
  }
}

/// dy(O,P)^T right(O,panel): a row for each place. Where the rows go is left open.
PanelProduct PanelConv::output_gradient_times(const float* dy, const float* right) const {
  PanelProduct product{};
  product.left = dy;
  product.rows_at = {{1, image_.output_h, image_.output_w}, {0, image_.output_w, 1}};
  product.steps_at = {{1, 1, outputs_}, {0, 0, image_.places()}};
  product.rows = image_.places();
  product.right = right;
  product.right_stride = panel_;
  return product;
}

void PanelConv::input_gradient(float* dx, const float* dy, const float* turned, float* work) const {
  if (few_channels()) return input_gradient_by_patches(dx, dy, turned, work);
  const Index KW = image_.window.kernel_w;
  const Window& window = image_.window;
  for (Index panel = 0; panel < channel_panels_; ++panel) {
    const Index c = first_lane(panel), columns = lanes(panel, image_.channels);
    std::fill_n(work, frame_pixels() * panel_, 0.0F);
    for (Index at = 0; at < kernel_area(); ++at, turned += outputs_ * panel_) {
      PanelProduct product = output_gradient_times(dy, turned);
      product.c = work + (at / KW * frame_w_ + at % KW) * panel_;
      for (int i = 0; i < 3; ++i) product.c_strides[i] = places_.strides[i] * panel_;
      product.columns = whole_vectors(columns);
      product.accumulate = true;
      kernels_.panel_product(product);
    }
    const Index rows_at_once = padded() ? 1 : image_.h;  // without padding they follow each other
    for (Index i = 0; i < image_.h; i += rows_at_once)
      kernels_.panel_columns({.to = dx + (c * image_.h + i) * image_.w,
                              .to_stride = image_.h * image_.w,
                              .rectified = nullptr,
                              .from = work + ((i + window.padding_h) * frame_w_ + window.padding_w) * panel_,
                              .rows = rows_at_once * image_.w,
                              .columns = columns,
                              .accumulate = false});
  }
}

void PanelConv::input_gradient_by_patches(float* dx, const float* dy, const float* turned,
                                          float* work) const {
  const Index K = image_.patch();
  for (Index k = 0; k < K; k += panel_, turned += outputs_ * panel_) {
    PanelProduct product = output_gradient_times(dy, turned);
    product.c = work + k;
    product.c_strides[1] = image_.output_w * K;
    product.c_strides[2] = K;
    product.columns = std::min(panel_, K - k);
    kernels_.panel_product(product);
  }
  row2im(dx, work, image_);
}

// ---- backward: dw

void PanelConv::add_weight_gradient(float* sums, Index first, Index count, const float* dy, const float* x,
                                    Index samples, float* work) const {
  const Index K = image_.patch(), P = image_.places(), pixels = image_.channels * image_.h * image_.w;
  float* const right = work + frame_elements(group_);  // (samples of a group, P, kPanel)
  for (Index n = 0; n < samples; n += group_, dy += group_ * outputs_ * P, x += group_ * pixels) {
    const Index group = std::min(group_, samples - n);
    const float* const images = framed(x, group, work);
    for (Index panel = 0; panel < output_panels_; ++panel) {
      const Index o = first_lane(panel), columns = lanes(panel, outputs_);
      for (Index m = 0; m < group; ++m)
        gather_rows(kernels_, right + m * P * panel_, dy + (m * outputs_ + o) * P, P, P, columns);
      kernels_.panel_product(
          {.left = images,
           .rows_at = weights_,
           .steps_at = {{group, image_.output_h, image_.output_w},
                        {image_.channels * frame_pixels(), places_.strides[1], places_.strides[2]}},
           .first = first,
           .rows = count,
           .right = right,
           .right_stride = panel_,
           .c = sums + panel * K * panel_,
           .c_strides = {image_.window.kernel_h * image_.window.kernel_w * panel_,
                         image_.window.kernel_w * panel_, panel_},
           .columns = whole_vectors(columns),
           .accumulate = true,
           .bias = nullptr});
    }
  }
}

void PanelConv::write_weight_gradient(float* dw, const float* sums) const {
  const Index K = image_.patch();
  for (Index panel = 0; panel < output_panels_; ++panel)
    kernels_.panel_columns({.to = dw + first_lane(panel) * K,
                            .to_stride = K,
                            .rectified = nullptr,
                            .from = sums + panel * K * panel_,
                            .rows = K,
                            .columns = lanes(panel, outputs_),
                            .accumulate = true});
}

}  // namespace bellman::cpu
