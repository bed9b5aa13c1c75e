// Trains a network on two spirals: forward, loss, backward and Adam, each called by hand.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <vector>

#include <bellman/core/cpu/cpu_backend.h>
#include <bellman/core/nn/initialisers.h>
#include <bellman/core/nn/network.h>
#include <bellman/core/nn/optimizer.h>
#include <bellman/core/ops/arena.h>

constexpr bellman::Index kPoints = 200;

void report(int step, float loss, bellman::ConstTensor logits, const std::vector<std::int32_t>& arms) {
  int right = 0;
  for (int n = 0; n < kPoints; ++n)
    right += (logits.data()[2 * n + 1] > logits.data()[2 * n]) == (arms[n] == 1);
  std::printf("step %3d  loss %.4f  accuracy %5.1f %%\n", step, loss, 100.0 * right / kPoints);
}

int main() {
  // Point n lies on arm n % 2. The second arm is the first one, turned by half a circle.
  std::vector<float> points(2 * kPoints);
  std::vector<std::int32_t> arms(kPoints);
  for (int n = 0; n < kPoints; ++n) {
    const float t = static_cast<float>(n) / kPoints, angle = 9 * t + 3.14159F * static_cast<float>(n % 2);
    points[2 * n] = t * std::cos(angle);
    points[2 * n + 1] = t * std::sin(angle);
    arms[n] = n % 2;
  }

  bellman::CpuBackend backend;
  const bellman::Network network("dense 32, tanh, dense 32, tanh, dense 2", {2});
  bellman::Workspace pass(backend, network, kPoints, /*with_gradients=*/true);
  const bellman::Arena weights(backend, network.layout()), gradients(backend, network.layout());
  bellman::Optimizer adam(backend, network.layout(), bellman::AdamOptions{});
  bellman::initialise(backend, weights, network, bellman::Initialiser::kPytorch, /*seed=*/1);
  std::copy(points.begin(), points.end(), pass.activation(0, kPoints).data());  // (B,2)

  const bellman::ConstIntTensor labels(arms.data(), {kPoints});                  // (B)
  const bellman::Tensor dlogits = pass.d_activation(network.layers(), kPoints);  // (B,2)
  float loss = 0;
  for (int step = 0; step <= 500; ++step) {
    const bellman::ConstTensor logits = network.forward(backend, pass, weights, kPoints);
    backend.softmax_cross_entropy(dlogits, {&loss, {1}}, logits, labels);
    if (step % 100 == 0) report(step, loss, logits, arms);
    backend.fill(gradients.flat(), 0.0F);  // backward adds to them
    network.backward(backend, pass, weights, gradients, kPoints);
    adam.step(weights, gradients, /*learning_rate=*/0.01F);
  }
}
