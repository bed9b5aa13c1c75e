// One learn step of DQN by hand: Q-values, TD target, loss, gradient, update. Every number is printed beside
// what its formula gives. The network is linear, which keeps the formulas short: Q(s,a) = w[a].s + b[a].
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include <bellman/core/cpu/cpu_backend.h>
#include <bellman/core/nn/network.h>
#include <bellman/core/nn/optimizer.h>
#include <bellman/core/ops/arena.h>

void show(const char* name, float computed, float formula) {
  std::printf("%-24s %8.4f   formula %8.4f\n", name, computed, formula);
  if (!(std::abs(computed - formula) <= 1e-5F)) std::exit(1);
}

int main() {
  bellman::CpuBackend backend;
  const bellman::Network network("dense 2", {2});  // two inputs, two actions
  const bellman::Arena theta(backend, network.layout()), gradients(backend, network.layout());
  const std::array w = {0.5F, -0.25F, 0.1F, 0.3F};  // w[2a], w[2a + 1]: the row of action a
  const std::array b = {0.0F, 0.2F};
  std::copy(w.begin(), w.end(), theta[0].data());
  std::copy(b.begin(), b.end(), theta[1].data());
  bellman::Workspace pass(backend, network, /*max_batch=*/1, /*with_gradients=*/true);

  // One transition: in s, action 1 earned 1 and led to s2, where the episode goes on.
  const std::array s = {1.0F, 2.0F}, s2 = {-1.0F, 0.5F};
  const std::int32_t action = 1;
  const float reward = 1, gamma = 0.9F, terminated = 0, weight = 1;

  // Q(s2,.) by the target network, here still equal to the online one.
  std::copy(s2.begin(), s2.end(), pass.activation(0, 1).data());
  const bellman::ConstTensor next_q = network.forward(backend, pass, theta, 1);
  const float next0 = w[0] * s2[0] + w[1] * s2[1] + b[0], next1 = w[2] * s2[0] + w[3] * s2[1] + b[1];
  show("Q(s2,0)", next_q.data()[0], next0);
  show("Q(s2,1)", next_q.data()[1], next1);

  float y = 0;                                // TD target
  const bellman::ConstTensor no_double = {};  // Double DQN would pass the online network's Q(s2,.)
  backend.td_target({&y, {1}}, {next_q, no_double, {&reward, {1}}, {&gamma, {1}}, {&terminated, {1}}});
  show("y = r + gamma max Q(s2,.)", y, reward + gamma * std::max(next0, next1));

  std::copy(s.begin(), s.end(), pass.activation(0, 1).data());
  const bellman::ConstTensor q = network.forward(backend, pass, theta, 1);
  const float q1 = w[2] * s[0] + w[3] * s[1] + b[1];
  show("Q(s,1)", q.data()[1], q1);

  float td_error = 0, loss = 0;
  const bellman::Tensor dq = pass.d_activation(network.layers(), 1);
  backend.td_loss(dq, {&td_error, {1}}, {&loss, {1}}, q, {&action, {1}}, {&y, {1}}, {&weight, {1}},
                  bellman::LossKind::kMeanSquaredError, /*delta=*/1);
  show("loss = (y - Q(s,1))^2", loss, (y - q1) * (y - q1));
  show("dloss/dQ(s,1)", dq.data()[1], -2 * (y - q1));

  network.backward(backend, pass, theta, gradients, 1);
  for (int i = 0; i < 2; ++i) {
    show("dloss/dw[0], not chosen", gradients[0].data()[i], 0);
    show("dloss/dw[1] = dQ s", gradients[0].data()[2 + i], -2 * (y - q1) * s[i]);
  }
  bellman::Optimizer sgd(backend, network.layout(), bellman::SgdOptions{});
  sgd.step(theta, gradients, /*learning_rate=*/0.1F);
  for (int i = 0; i < 2; ++i)
    show("w[1] - 0.1 dloss/dw[1]", theta[0].data()[2 + i], w[2 + i] + 0.2F * (y - q1) * s[i]);
  show("b[1] - 0.1 dloss/db[1]", theta[1].data()[1], b[1] + 0.2F * (y - q1));
}
