// The comparisons that all tests rely on must fail when they should: each case here is one that fails.
#include "tests/support/compare.h"

#include <limits>

#include <doctest/doctest.h>

#include "tests/support/golden.h"
#include "tests/support/gradcheck.h"
#include "tests/support/host_tensor.h"
#include "tests/support/not_finite.h"

namespace bellman::test {
namespace {

const HostTensor<double> ones({2}, 1.0), nans({2}, kNan), slightly_more({2}, 1.0 + 1e-9), one({1}, 1.0);

TEST_CASE("compare: what is equal passes") {
  check_close(ones, ones, 0.0);
  check_close(slightly_more, ones, 1e-8);
  check_within(slightly_more.span(), ones.span(), HostTensor<double>({2}, 1e-8).view().host());
  check_golden(ones, ones);
}

TEST_CASE("compare: NaN never passes check_close, as the actual value" * doctest::should_fail()) {
  check_close(nans, ones, std::numeric_limits<double>::infinity());
}

TEST_CASE("compare: NaN never passes check_close, as the expected value" * doctest::should_fail()) {
  check_close(ones, nans, std::numeric_limits<double>::infinity());
}

TEST_CASE("compare: NaN never passes check_close, on both sides" * doctest::should_fail()) {
  check_close(nans, nans, 1.0);
}

TEST_CASE("compare: NaN never passes check_within" * doctest::should_fail()) {
  check_within(nans.span(), nans.span(), ones.span());
}

TEST_CASE("compare: NaN is no bound" * doctest::should_fail()) {
  check_within(ones.span(), ones.span(), nans.span());
}

TEST_CASE("compare: check_close finds a difference above its bound" * doctest::should_fail()) {
  check_close(slightly_more, ones, 1e-10);
}

TEST_CASE("compare: check_golden finds a difference in the tenth digit" * doctest::should_fail()) {
  check_golden(slightly_more, ones);
}

TEST_CASE("compare: tensors of different lengths differ" * doctest::should_fail()) {
  check_close(one, ones, 1.0);
}

TEST_CASE("compare: check_added finds an overwritten tensor" * doctest::should_fail()) {
  check_added(ones, 10.0, ones);
}

TEST_CASE("compare: check_gradient finds an error of one part in 100 000" * doctest::should_fail()) {
  HostTensor<double> x({1}, 2.0);
  check_gradient(
      "x", [&] { return x[0] * x[0]; }, x, HostTensor<double>({1}, 4.0 * (1 + 1e-5)));
}

TEST_CASE("compare: check_gradient does not pass over a kink" * doctest::should_fail()) {
  HostTensor<double> x({1}, 0.0);
  check_gradient(
      "x", [&] { return x[0] > 0 ? x[0] : 0.0; }, x, HostTensor<double>({1}, 1.0));
}

TEST_CASE("golden files: a missing file, and a missing path, are named") {
  CHECK_THROWS_WITH_AS(Golden("no_such"), doctest::Contains("no_such.json: cannot be opened"), Error);
  const Golden golden("golden_ops");
  CHECK_THROWS_WITH_AS(golden["dense.small.z"],
                       doctest::Contains("golden_ops.json: there is no dense.small.z"), Error);
  CHECK_THROWS_AS(golden.keys("dance"), Error);
  CHECK_THROWS_AS(golden.integers("dense.small.x"), Error);
  CHECK(golden.text("made_by").starts_with("scripts/golden/ops.py"));
}

}  // namespace
}  // namespace bellman::test
