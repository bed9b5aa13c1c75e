// Measures of a network, beside NumPy's (scripts/golden/network_measures.py) and by hand.
#include "rl/train/network_measures.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/golden.h"

namespace bellman {
namespace {

using test::Golden;

/// The script's array().
std::vector<float> formula(int count, int k, int zeros = 0) {
  std::vector<float> values;
  for (int i = 0; i < count; ++i)
    values.push_back(zeros > 0 && i % zeros == 0
                         ? 0.0F
                         : static_cast<float>((i * 37 + k * 61 + i * i % 17) % 101 - 50) / 64);
  return values;
}

/// The script's layer(): units 1, 4, 7, .. all but silent, unit 2 silent. (batch, units, positions).
std::vector<float> layer(std::size_t batch, std::size_t units, std::size_t positions, int k) {
  std::vector<float> h = formula(static_cast<int>(batch * units * positions), k);
  for (std::size_t i = 0; i < h.size(); ++i) {
    const std::size_t unit = i / positions % units;
    if (unit % 3 == 1) h[i] /= 128;
    if (unit == 2) h[i] = 0;
  }
  return h;
}

/// The script's features().
std::vector<float> features(int rows, int columns, int inner, int k) {
  const std::vector<float> left = formula(rows * inner, k), right = formula(inner * columns, k + 1);
  std::vector<float> product(static_cast<std::size_t>(rows * columns), 0.0F);
  for (int r = 0; r < rows; ++r)
    for (int c = 0; c < columns; ++c)
      for (int i = 0; i < inner; ++i)
        product[static_cast<std::size_t>(r * columns + c)] +=
            std::ldexp(left[static_cast<std::size_t>(r * inner + i)], -std::min(i, 6)) *
            right[static_cast<std::size_t>(i * columns + c)];
  return product;
}

TEST_CASE("norms, distances, quantiles, churn and sample size are NumPy's") {
  const Golden golden("golden_network_measures");
  const std::vector<float> a = formula(40, 1), b = formula(40, 2);
  CHECK(euclidean_norm(a) == doctest::Approx(golden.number("norm")).epsilon(1e-12));
  CHECK(euclidean_distance(a, b) == doctest::Approx(golden.number("distance")).epsilon(1e-12));
  CHECK(mean_distance(a, b) == doctest::Approx(golden.number("mean_distance")).epsilon(1e-12));
  const std::vector<float> q = formula(60, 3);
  std::vector<float> after = formula(60, 13), weights = formula(32, 5);
  for (std::size_t i = 0; i < q.size(); ++i) after[i] += q[i];
  CHECK(policy_churn(q, after, 3) == doctest::Approx(golden.number("churn")).epsilon(1e-12));
  for (float& w : weights) w = std::abs(w) + 1.0F / 64;
  CHECK(effective_sample_size(weights) == doctest::Approx(golden.number("sample_size")).epsilon(1e-12));
  std::vector<double> errors;
  for (const float e : formula(37, 6)) errors.push_back(std::abs(static_cast<double>(e)));
  std::sort(errors.begin(), errors.end());
  CHECK(lower_quantile(errors, 0.1) == golden.number("quantiles.p10"));
  CHECK(lower_quantile(errors, 0.5) == golden.number("quantiles.p50"));
  CHECK(lower_quantile(errors, 0.9) == golden.number("quantiles.p90"));
  CHECK(lower_quantile(errors, 1) == golden.number("quantiles.max"));
}

TEST_CASE("shares of dead and dormant units are NumPy's, a channel being one unit") {
  const Golden golden("golden_network_measures");
  std::vector<float> outputs = formula(96, 7, 3);
  for (float& y : outputs) y = std::max(y, 0.0F);
  CHECK(dead_share(activities(outputs, 8)) == doctest::Approx(golden.number("dead")).epsilon(1e-12));
  CHECK(dormant_share(activities(layer(8, 12, 1, 7), 8), 12) ==
        doctest::Approx(golden.number("dormant.dense")).epsilon(1e-12));
  CHECK(dormant_share(activities(layer(4, 6, 6, 8), 4), 6) ==
        doctest::Approx(golden.number("dormant.conv")).epsilon(1e-12));
}

TEST_CASE("a unit is dormant up to tau times the layer's mean activity, and all are in a silent layer") {
  const std::vector<float> outputs = {1, -3, 0.125F, 0, -1, 1, 0.125F, 0};  // (2,4): means 1, 2, 1/8, 0
  const std::vector<double> means = activities(outputs, 2);
  CHECK(means == std::vector<double>{1, 2, 0.125, 0});
  CHECK(dead_share(means) == 0.25);
  CHECK(dormant_share(means, 4) == 0.25);       // the mean is 25/32
  CHECK(dormant_share(means, 4, 0.16) == 0.5);  // at most: 1/8 = 0.16 * 25/32
  CHECK(dormant_share(means, 4, 0.159) == 0.25);
  CHECK(dormant_share(std::vector<double>(3, 0.0), 3) == 1);
}

TEST_CASE("effective ranks are those of NumPy's singular values") {
  const Golden golden("golden_network_measures");
  for (const std::string& name : golden.keys("srank")) {
    CAPTURE(name);
    const auto number = [&](const char* key) {
      return static_cast<int>(golden.number("srank." + name + "." + key));
    };
    const std::vector<float> f = features(number("rows"), number("columns"), number("inner"), 9);
    CHECK(effective_rank(f, number("rows")) == number("srank"));
  }
}

TEST_CASE("the effective rank of known singular values") {
  const std::vector<float> diagonal = {8, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0.0625F};
  CHECK(effective_rank(diagonal, 4) == 3);       // 8, 9, 10, 10.0625: 99.4 % by three
  CHECK(effective_rank(diagonal, 4, 0.3) == 1);  // 79.5 % by the first
  CHECK(effective_rank(diagonal, 4, 0) == 4);
  CHECK(effective_rank(std::vector<float>(12, 0.0F), 3) == 0);
  CHECK(effective_rank(std::vector<float>(12, 0.5F), 3) == 1);
}

TEST_CASE("an effective sample size is between 1 and the batch") {
  CHECK(effective_sample_size(std::vector<float>(7, 0.3F)) == doctest::Approx(7));
  CHECK(effective_sample_size(std::array{0.0F, 0.0F, 2.0F}) == 1);
  CHECK(effective_sample_size(std::array{1.0F, 0.5F}) == doctest::Approx(1.8));
  CHECK(std::isnan(effective_sample_size(std::array{0.0F, 0.0F})));
}

TEST_CASE("churn counts first largest entries") {
  const std::vector<float> before = {1, 1, 0, /**/ 0, 2, 1, /**/ 3, 2, 1},
                           after = {1, 1, 1, /**/ 0, 1, 2, /**/ 4, 0, 0};
  CHECK(policy_churn(before, after, 3) == doctest::Approx(1.0 / 3));
  CHECK(policy_churn(before, before, 3) == 0);
}

}  // namespace
}  // namespace bellman
