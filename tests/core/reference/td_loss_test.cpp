#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/reference/losses.h"
#include "core/reference/reference_backend.h"
#include "tests/support/compare.h"
#include "tests/support/golden.h"
#include "tests/support/gradcheck.h"

namespace bellman::test {
namespace {

using Actions = HostTensor<std::int32_t>;

TEST_CASE("td_loss: finite differences in q") {
  ReferenceBackend<double> ops;
  RandomSequence random = test_sequence(10);
  const Actions action({6}, {0, 2, 1, 1, 0, 2});
  auto q = random_tensor(random, {6, 3});
  const auto weight = random_tensor(random, {6}, 0.1, 1);
  // Errors well inside and well beyond delta, of both signs: none near |d| = delta.
  const HostTensor<double> wanted({6}, {0.3, -0.6, 2.5, -3.0, 0.1, 1.4});
  HostTensor<double> y({6}), dq({6, 3}, 7.0), td_error({6}), loss({1}), unused({6, 3});
  for (std::size_t n = 0; n < 6; ++n) y[n] = q[3 * n + static_cast<std::size_t>(action[n])] + wanted[n];

  for (const auto& [kind, delta] :
       {std::pair{LossKind::kMeanSquaredError, 1.0}, {LossKind::kHuber, 1.0}, {LossKind::kHuber, 2.0}}) {
    ops.td_loss(dq, td_error, loss, q, action, y, weight, kind, delta);
    check_golden(td_error, wanted);
    const auto compute = [&, kind = kind, delta = delta] {
      ops.td_loss(unused, td_error, loss, q, action, y, weight, kind, delta);
      return loss[0];
    };
    check_gradient("q", compute, q, dq);
  }
}

TEST_CASE("td_loss agrees with PyTorch") {
  ReferenceBackend<double> ops;
  const Golden golden("golden_ops");
  for (const std::string& name : golden.keys("td_loss")) {
    const std::string at = "td_loss." + name + ".";
    INFO(at);
    const auto& q = golden[at + "q"];
    HostTensor<double> dq(q.shape()), td_error({6}), loss({1});
    ops.td_loss(dq, td_error, loss, q, golden.integers(at + "action"), golden[at + "y"],
                golden[at + "weight"], name == "mse" ? LossKind::kMeanSquaredError : LossKind::kHuber,
                golden.number(at + "delta"));
    check_golden(dq, golden[at + "dq"]);
    check_golden(td_error, golden[at + "td_error"]);
    check_golden(loss, golden[at + "loss"]);
  }
}

TEST_CASE("td_loss by hand: the mean over the batch, one sample's weight, and only the chosen action") {
  ReferenceBackend<double> ops;
  const HostTensor<double> q({2, 2}, {1, 5, 2, 9}), y({2}, {4, 0}), weight({2}, {1, 0.5});
  const Actions action({2}, {0, 0});
  HostTensor<double> dq({2, 2}, 7.0), td_error({2}), loss({1});
  ops.td_loss(dq, td_error, loss, q, action, y, weight, LossKind::kMeanSquaredError, 1.0);
  CHECK(td_error.values() == std::vector<double>{3, -2});
  CHECK(loss[0] == (9 + 0.5 * 4) / 2);
  CHECK(dq.values() == std::vector<double>{-3, 0, 1, 0});
}

TEST_CASE("td_loss: Huber's branches meet at |d| = delta, in value and slope") {
  ReferenceBackend<double> ops;
  const double delta = 0.5, above = std::nextafter(delta, 1.0);
  const Actions action({1}, 0);
  const HostTensor<double> q({1, 1}), weight({1}, 1.0);
  HostTensor<double> dq({1, 1}), td_error({1}), loss({1});
  for (const double d : {delta, above, -delta, -above}) {
    CAPTURE(d);
    ops.td_loss(dq, td_error, loss, q, action, HostTensor<double>({1}, d), weight, LossKind::kHuber, delta);
    CHECK(loss[0] == doctest::Approx(0.125).epsilon(1e-15));
    CHECK(dq[0] == (d > 0 ? -0.5 : 0.5));
  }
}

TEST_CASE("td_loss: finite differences at Huber's edge and beside it, where the second derivative jumps") {
  ReferenceBackend<double> ops;
  const double delta = 0.5;
  for (const double d : {delta, -delta, delta + 3e-5, delta - 3e-5, -delta + 1e-6}) {
    CAPTURE(d);
    HostTensor<double> q({1, 2}), dq({1, 2}, 7.0), td_error({1}), l({1});
    const HostTensor<double> y({1}, d), weight({1}, 1.0);
    const Actions action({1}, 1);
    const auto loss = [&] {
      HostTensor<double> unused({1, 2});
      ops.td_loss(unused, td_error, l, q, action, y, weight, LossKind::kHuber, delta);
      return l[0];
    };
    ops.td_loss(dq, td_error, l, q, action, y, weight, LossKind::kHuber, delta);
    check_gradient("q", loss, q, dq);
  }
}

TEST_CASE("td_loss: a NaN is seen in the loss and in the gradient") {
  ReferenceBackend<double> ops;
  const HostTensor<double> y({1}, std::numeric_limits<double>::quiet_NaN()), weight({1}, 1.0), q({1, 1});
  for (const LossKind kind : {LossKind::kMeanSquaredError, LossKind::kHuber}) {
    HostTensor<double> dq({1, 1}), td_error({1}), loss({1});
    ops.td_loss(dq, td_error, loss, q, Actions({1}, 0), y, weight, kind, 1.0);
    CHECK(std::isnan(loss[0]));
    CHECK(std::isnan(dq[0]));
  }
}

TEST_CASE("td_loss: an action out of range is refused, with its place and value") {
  ReferenceBackend<double> ops;
  const HostTensor<double> q({3, 2}), y({3}), weight({3}, 1.0);
  HostTensor<double> dq({3, 2}, 7.0), td_error({3}), loss({1});
  const auto with = [&](std::int32_t bad) {
    ops.td_loss(dq, td_error, loss, q, Actions({3}, {0, 1, bad}), y, weight, LossKind::kHuber, 1.0);
  };
  CHECK_THROWS_WITH_AS(with(2), "td_loss: action[2] is 2 but there are 2", Error);
  CHECK_THROWS_WITH_AS(with(-1), "td_loss: action[2] is -1 but there are 2", Error);
  CHECK(dq.values() == std::vector<double>(6, 7.0));  // nothing was written
}

}  // namespace
}  // namespace bellman::test
