#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/reference/losses.h"
#include "core/reference/reference_backend.h"
#include "tests/support/compare.h"
#include "tests/support/golden.h"
#include "tests/support/host_tensor.h"

namespace bellman::test {
namespace {

TEST_CASE("td_target agrees with PyTorch, single and double") {
  ReferenceBackend<double> ops;
  const Golden golden("golden_ops");
  for (const std::string& name : golden.keys("td_target")) {
    const std::string at = "td_target." + name + ".";
    INFO(at);
    TensorView<const double> q_online;
    if (name == "double") q_online = golden[at + "q_online"];
    HostTensor<double> y({6}, 7.0);
    ops.td_target(y, {golden[at + "q_target"], q_online, golden[at + "reward"], golden[at + "discount"],
                      golden[at + "terminated"]});
    check_golden(y, golden[at + "y"]);
  }
}

TEST_CASE("Double DQN: arg max by the online network, value by the target network") {
  ReferenceBackend<double> ops;
  const HostTensor<double> q_target({2, 3}, {1, 20, 300, 1, 20, 300}), q_online({2, 3}, {9, 5, 5, 0, 4, 4});
  const HostTensor<double> reward({2}, {1000, 2000}), discount({2}, {0.5, 0.5}), terminated({2}, 0.0);
  HostTensor<double> y({2});
  ops.td_target(y, {q_target, q_online, reward, discount, terminated});
  CHECK(y.values() == std::vector<double>{1000.5, 2010});
  ops.td_target(y, {q_target, {}, reward, discount, terminated});
  CHECK(y.values() == std::vector<double>{1150, 2150});
}

TEST_CASE("Only terminated removes the bootstrap; n-step bootstraps with gamma^k") {
  ReferenceBackend<double> ops;
  const HostTensor<double> q_target({3, 2}, {8, 16, 8, 16, 8, 16});
  const HostTensor<double> reward({3}, {1, 1, 1}), discount({3}, {0.5, 0.125, 0.5}),
      terminated({3}, {0, 0, 1});
  HostTensor<double> y({3});
  ops.td_target(y, {q_target, {}, reward, discount, terminated});
  CHECK(y.values() == std::vector<double>{9, 3, 1});
}

/// Munchausen's target of one transition as the paper writes it: with the probabilities, and the sum over
/// actions.
double munchausen_by_the_paper(const std::vector<double>& q, std::size_t action,
                               const std::vector<double>& q_next, double reward, double discount,
                               double alpha, double tau, double clip) {
  const auto softmax = [tau](const std::vector<double>& values) {
    double total = 0;
    for (double value : values) total += std::exp(value / tau);
    std::vector<double> pi;
    for (double value : values) pi.push_back(std::exp(value / tau) / total);
    return pi;
  };
  const std::vector<double> pi = softmax(q), pi_next = softmax(q_next);
  double value = 0;
  for (std::size_t a = 0; a < q_next.size(); ++a)
    value += pi_next[a] * (q_next[a] - tau * std::log(pi_next[a]));
  return reward + alpha * std::clamp(tau * std::log(pi[action]), clip, 0.0) + discount * value;
}

TEST_CASE("Munchausen's target is that of the paper's equation") {
  ReferenceBackend<double> ops;
  const std::vector<std::vector<double>> q = {{1, 1.2, 0.9}, {-0.4, 0.3, 0.25}, {2, 2, 2}, {0.5, 0.1, 0.2}};
  const std::vector<std::vector<double>> next = {
      {0.7, 0.65, 0.2}, {1, -1, 0.5}, {0.1, 0.1, 0.1}, {3, 3.01, 2}};
  const std::vector<std::int32_t> actions = {1, 0, 2, 2};
  for (double tau : {0.03, 0.5}) {
    TdTargetInputs<double> in;
    HostTensor<double> q_now({4, 3}), q_target({4, 3}), y({4}, 7.0);
    for (std::size_t n = 0; n < 4; ++n)
      for (std::size_t a = 0; a < 3; ++a) {
        q_now[3 * n + a] = q[n][a];
        q_target[3 * n + a] = next[n][a];
      }
    const HostTensor<double> reward({4}, {1, -2, 0.5, 3}), discount({4}, 0.75), terminated({4}, {0, 0, 0, 1});
    const HostTensor<std::int32_t> action({4}, actions);
    in = {q_target, {}, reward, discount, terminated, q_now, action, 0.9, tau, -0.25};
    ops.td_target(y, in);
    for (std::size_t n = 0; n < 4; ++n) {
      INFO("tau ", tau, ", transition ", n);
      const double kept = discount[n] * (1 - terminated[n]);
      const auto taken = static_cast<std::size_t>(actions[n]);
      CHECK(y[n] ==
            doctest::Approx(munchausen_by_the_paper(q[n], taken, next[n], reward[n], kept, 0.9, tau, -0.25))
                .epsilon(1e-12));
    }
  }
}

TEST_CASE("Munchausen's target: its log-policy is clipped, and far Q-values overflow nothing") {
  ReferenceBackend<double> ops;
  const HostTensor<double> q_now({2, 2}, {1e6, -1e6, 0, 0}), q_target({2, 2}, {-1e6, 1e6, 4, 4});
  const HostTensor<double> reward({2}, {10, 10}), discount({2}, 1.0), terminated({2}, 0.0);
  const HostTensor<std::int32_t> action({2}, {1, 0});
  HostTensor<double> y({2});
  ops.td_target(y, {q_target, {}, reward, discount, terminated, q_now, action, 0.5, 0.03, -1});
  CHECK(y[0] == 10 - 0.5 + 1e6);
  CHECK(y[1] == doctest::Approx(10 - 0.5 * 0.03 * std::log(2.0) + 4 + 0.03 * std::log(2.0)).epsilon(1e-14));
}

}  // namespace
}  // namespace bellman::test
