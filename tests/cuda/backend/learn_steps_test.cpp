// A thousand learn steps of the same DQN on every backend: the same batches, target updates and learning
// rates.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include <doctest/doctest.h>

#include "core/base/rng.h"
#include "rl/learn/op_by_op_learner.h"
#include "rl/replay/replay.h"
#include "tests/support/backends.h"
#include "tests/support/compare.h"

namespace bellman::test {
namespace {

constexpr Index kSlots = 64, kInputs = 4, kActions = 2, kBatch = 8, kSteps = 1000;
constexpr float kLearningRate = 1e-3F;

LearnerOptions options() {
  LearnerOptions o;
  o.max_batch = kBatch;
  o.double_dqn = true;
  o.loss = LossKind::kHuber;
  o.max_grad_norm = 10;
  o.optimizer = AdamOptions{.epsilon = 1e-4};
  return o;
}

struct Trained {
  std::vector<float> parameters;
  std::vector<double> losses;
};

Trained train(Backend& backend) {
  const Network network("dense 16, relu, dense 16, relu, dense 2", {kInputs});
  OpByOpLearner learner(backend, network, options());
  RandomSequence random({21, Purpose::kTest, 0});
  ObservationStore observations(kSlots, kInputs, ObservationType::kFloat32);
  std::vector<float> observation(kInputs);
  for (Index slot = 0; slot < kSlots; ++slot) {
    for (float& x : observation) x = static_cast<float>(random.uniform(-1, 1));
    observations.store(slot, observation);
  }
  BatchArrays batch(kBatch);
  std::vector<float> td_error(kBatch);
  Trained trained;
  for (Index step = 0; step < kSteps; ++step) {
    RandomSequence draw({22, Purpose::kTest, 0}, static_cast<std::uint64_t>(step));
    for (std::size_t n = 0; n < kBatch; ++n) {
      const auto slot = static_cast<Index>(uniform_index(draw.word(), kSlots - 1));
      batch.slots[n] = slot;
      batch.next_slots[n] = slot + 1;
      batch.actions[n] = static_cast<std::int32_t>(slot % kActions);
      batch.rewards[n] = static_cast<float>(slot % 7) / 4 - 0.5F;
      batch.discounts[n] = 0.9F;
      batch.terminated[n] = slot % 9 == 0 ? 1.0F : 0.0F;
    }
    trained.losses.push_back(learner.learn(batch.first(kBatch, &observations), kLearningRate, td_error).loss);
    if (step % 100 == 99) learner.update_target(1.0F);
  }
  trained.parameters.resize(static_cast<std::size_t>(network.layout().size()));
  learner.get_parameters(trained.parameters);
  return trained;
}

// A gradient of B samples through sums of up to 16 terms differs between backends by at most some (B + 3 *
// 17) u of its terms' size, u = 2^-24. Adam divides by sqrt(v) + epsilon: where the gradient is of the size
// of epsilon, 1e-4, that is an error of (B + 51) u / 1e-4 = 0.035 of a learning rate at worst, of random
// sign, in each of 1000 steps; and what one step changed, the next steps carry on. 0.035 lr sqrt(1000)
// = 1.1e-3.
constexpr double kBound = 1.1e-3;

TEST_CASE("1000 learn steps on every backend end with the same parameters, within what rounding can do") {
  ReferenceBackend<float> reference;
  const Trained expected = train(reference);
  // It is training: the loss falls.
  const auto mean = [](auto from, auto to) {
    return std::accumulate(from, to, 0.0) / static_cast<double>(to - from);
  };
  CHECK(mean(expected.losses.end() - 100, expected.losses.end()) <
        0.9 * mean(expected.losses.begin(), expected.losses.begin() + 50));
  for_each_backend(float_backends(), [&](Backend& backend) {
    const Trained actual = train(backend);
    double largest = 0;
    for (std::size_t i = 0; i < expected.parameters.size(); ++i)
      largest = std::max(largest, std::abs(double(actual.parameters[i]) - double(expected.parameters[i])));
    INFO("largest difference ", largest);
    check_close<float, float>(actual.parameters, expected.parameters, kBound);
    check_close<double, double>(actual.losses, expected.losses, kBound);
  });
}

}  // namespace
}  // namespace bellman::test
