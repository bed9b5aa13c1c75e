#include <cmath>
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

using Labels = HostTensor<std::int32_t>;

TEST_CASE("softmax_cross_entropy: finite differences in the logits") {
  ReferenceBackend<double> ops;
  RandomSequence random = test_sequence(11);
  auto logits = random_tensor(random, {4, 5}, -3, 3);
  const Labels label({4}, {0, 4, 2, 2});
  HostTensor<double> dlogits({4, 5}, 7.0), loss({1}), unused({4, 5});
  ops.softmax_cross_entropy(dlogits, loss, logits, label);
  const auto compute = [&] {
    ops.softmax_cross_entropy(unused, loss, logits, label);
    return loss[0];
  };
  check_gradient("logits", compute, logits, dlogits);
}

TEST_CASE("softmax_cross_entropy agrees with PyTorch") {
  ReferenceBackend<double> ops;
  const Golden golden("golden_ops");
  for (const std::string& name : golden.keys("softmax_cross_entropy")) {
    const std::string at = "softmax_cross_entropy." + name + ".";
    INFO(at);
    const auto& logits = golden[at + "logits"];
    HostTensor<double> dlogits(logits.shape()), loss({1});
    ops.softmax_cross_entropy(dlogits, loss, logits, golden.integers(at + "label"));
    check_golden(dlogits, golden[at + "dlogits"]);
    check_golden(loss, golden[at + "loss"]);
  }
}

TEST_CASE("softmax_cross_entropy by hand: equal logits, and logits that overflow exp") {
  ReferenceBackend<double> ops;
  HostTensor<double> dlogits({1, 4}), loss({1});
  ops.softmax_cross_entropy(dlogits, loss, HostTensor<double>({1, 4}, 3.0), Labels({1}, 1));
  CHECK(loss[0] == doctest::Approx(std::log(4)).epsilon(1e-15));
  CHECK(dlogits.values() == std::vector<double>{0.25, -0.75, 0.25, 0.25});

  ops.softmax_cross_entropy(dlogits, loss, HostTensor<double>({1, 4}, {5000, 0, 0, -5000}), Labels({1}, 3));
  CHECK(loss[0] == 10000);
  CHECK(dlogits.values() == std::vector<double>{1, 0, 0, -1});
}

TEST_CASE("softmax_cross_entropy: a label out of range is refused, with its place and value") {
  ReferenceBackend<double> ops;
  const HostTensor<double> logits({2, 3});
  HostTensor<double> dlogits({2, 3}), loss({1});
  CHECK_THROWS_WITH_AS(ops.softmax_cross_entropy(dlogits, loss, logits, Labels({2}, {0, 3})),
                       "softmax_cross_entropy: label[1] is 3 but there are 3", Error);
}

}  // namespace
}  // namespace bellman::test
