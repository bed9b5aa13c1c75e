// The fused kernels' own mathematics; products and passes are compared with the plain learner in
// tests/rl/learn/fused_cpu_learner_test.cpp.
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/cpu/simd/kernels.h"

namespace bellman {
namespace {

using cpu::Kernels;

template <class F>
void for_each_instruction_set(F f) {
  for (const Kernels* kernels : cpu::usable_kernels()) {
    const std::string name = kernels->name;
    CAPTURE(name);
    f(*kernels);
  }
}

/// tanh of 16 numbers: those of a layer of one input, 1, whose weights they are.
std::vector<float> tanh_of(const Kernels& kernels, const std::vector<float>& x) {
  std::vector<float> y(x.size()), one(16), zeros(x.size());
  one[0] = 1;
  kernels.row(y.data(), one.data(), x.data(), zeros.data(), {1, 16}, Activation::kTanh);
  return y;
}

TEST_CASE("tanh is off by at most three in the last place, odd, and keeps NaN") {
  for_each_instruction_set([](const Kernels& kernels) {
    double worst = 0;
    for (double first = 1e-6; first < 30; first *= 1.003) {
      std::vector<float> x;
      for (int i = 0; i < 16; ++i)
        x.push_back(static_cast<float>(first * (1 + i / 16.0) * (i % 2 == 0 ? 1 : -1)));
      const std::vector<float> y = tanh_of(kernels, x);
      for (std::size_t i = 0; i < 16; ++i) {
        const double exact = std::tanh(static_cast<double>(x[i]));
        const float below = std::nextafter(static_cast<float>(std::abs(exact)), 0.0F);
        const double last_place = std::abs(exact) - static_cast<double>(below);
        worst = std::max(worst, std::abs(static_cast<double>(y[i]) - exact) /
                                    std::max(last_place, std::abs(exact) * 0x1p-24));
      }
    }
    CHECK(worst <= 3);
    const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
    std::vector<float> x(16, 0.0F);
    x[0] = nan, x[1] = 100, x[2] = -3e38F, x[3] = 1e-30F;
    const std::vector<float> y = tanh_of(kernels, x);
    CHECK(std::isnan(y[0]));
    CHECK(y[1] == 1);
    CHECK(y[2] == -1);
    CHECK(y[3] == 1e-30F);
    CHECK(y[4] == 0);
    CHECK(!kernels.finite(std::vector<float>(16, nan).data(), 16));
    CHECK(!kernels.finite(std::vector<float>(32, -inf).data(), 32));
    CHECK(kernels.finite(std::vector<float>(32, 3e38F).data(), 32));
  });
}

TEST_CASE("one number that is not finite is found wherever it stands") {
  for_each_instruction_set([](const Kernels& kernels) {
    for (std::size_t at = 0; at < 48; ++at) {
      std::vector<float> x(48, 1.0F);
      CHECK(kernels.finite(x.data(), 48));
      x[at] = std::numeric_limits<float>::infinity();
      CHECK(!kernels.finite(x.data(), 48));
    }
  });
}

TEST_CASE("squares are summed in double") {
  for_each_instruction_set([](const Kernels& kernels) {
    std::vector<float> x(64, 0.0F);
    for (std::size_t i = 0; i < 64; ++i) x[i] = i == 40 ? 4096.0F : 0.25F;
    CHECK(kernels.sum_of_squares(x.data(), 64) == 4096.0 * 4096.0 + 63 * 0.0625);  // float would lose these
    CHECK(kernels.sum_of_squares(x.data(), 0) == 0);
  });
}

TEST_CASE("a panel is transposed, and gathered from rows") {
  for_each_instruction_set([](const Kernels& kernels) {
    const auto width = static_cast<std::size_t>(kernels.panel);
    constexpr std::size_t kFeatures = 37;
    std::vector<float> rows(2 * width * kFeatures), panel(width * kFeatures, -1.0F);
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<float>(i);
    std::vector<Index> places;
    for (std::size_t n = 0; n < width; ++n) places.push_back(static_cast<Index>((n * 7) % (2 * width)));
    for (const std::size_t samples : {std::size_t{1}, width / 2, width / 2 + 1, width}) {
      kernels.gather(panel.data(), rows.data(), places.data(), kFeatures, kFeatures,
                     static_cast<Index>(samples));
      const std::size_t panels = (kFeatures + width - 1) / width;
      std::vector<float> turned(panels * width * width);
      kernels.transpose(turned.data(), kernels.panel, 0, panel.data(), kFeatures,
                        static_cast<Index>(samples));
      for (std::size_t n = 0; n < samples; ++n)
        for (std::size_t i = 0; i < kFeatures; ++i) {
          const float expected = rows[static_cast<std::size_t>(places[n]) * kFeatures + i];
          CHECK(panel[i * width + n] == expected);
          CHECK(turned[(i / width * width + n) * width + i % width] == expected);
        }
      for (std::size_t n = samples; n < width; ++n) CHECK(panel[n] == 0);
    }
  });
}

}  // namespace
}  // namespace bellman
