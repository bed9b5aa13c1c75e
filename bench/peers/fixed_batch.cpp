// Ten gradient steps of bellman's learner on one fixed batch, from weights of a formula: the same calculation
// as its peers do on the batch of formula.py. Prints {"fixed_batch_losses": [...]}, the loss
// before each step. scripts/bench.sh compares the two before it times anything, so that only the same
// work is timed.
//
//   fixed_batch [cpu|simt|cuda] [4-64-64-2|8-256-256-4|nature_dqn|sb3]
//
// sb3: 4-64-64-2 with Stable-Baselines3's loss, Huber's, and its clipping of the gradient's norm to 10.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <memory>
#include <string_view>
#include <vector>

#include "core/cpu/cpu_backend.h"
#include "core/nn/network.h"
#include "cuda/backend/make_cuda_backend.h"
#include "rl/learn/make_learner.h"
#include "rl/train/from_config.h"

namespace bellman {
namespace {

struct Workload {
  std::string_view name;
  const char* network;
  Shape observation;
  Index batch;
  double learning_rate = 1e-3;
  bool stable_baselines = false;
};

constexpr const char* kSmall = "dense 64, relu, dense 64, relu, dense 2";

Workload workload_of(std::string_view name) {
  const Workload all[] = {
      {"4-64-64-2", kSmall, {4}, 64},
      {"8-256-256-4", "dense 256, relu, dense 256, relu, dense 4", {8}, 128},
      {"nature_dqn",
       "conv 32 8x8 stride 4, relu, conv 64 4x4 stride 2, relu, conv 64 3x3, relu, flatten, dense 512, relu, "
       "dense 6",
       {4, 84, 84},
       32,
       1e-4},
      {"sb3", kSmall, {4}, 64, 1e-3, true},
  };
  for (const Workload& workload : all)
    if (workload.name == name) return workload;
  fail("there is no workload \"", name, "\"; known: 4-64-64-2, 8-256-256-4, nature_dqn, sb3");
}

/// The `k`-th number of formula() in formula.py.
float formula(std::int64_t k) {
  const std::int64_t scattered = (k * 7919 + k * k % 1009 * 31 + 104729) % 2001 - 1000;
  return static_cast<float>(static_cast<double>(scattered) / 1000.0);
}

/// All parameters, one tensor after the other, each divided by the root of its layer's fan-in. Returns how
/// many numbers of the formula were used.
std::int64_t formula_parameters(const Network& network, std::vector<float>& parameters) {
  parameters.assign(static_cast<std::size_t>(network.layout().size()), 0.0F);
  std::int64_t k = 0;
  float root = 1;
  for (const ArenaLayout::Entry& entry : network.layout().entries()) {
    if (entry.shape.rank() > 1) root = std::sqrt(static_cast<float>(entry.shape.elements() / entry.shape[0]));
    for (Index i = 0; i < entry.shape.elements(); ++i)
      parameters[static_cast<std::size_t>(entry.offset + i)] = formula(k++) / root;
  }
  return k;
}

/// s of transition n lies in slot n, s' in slot `batch` + n.
struct FixedBatch {
  std::vector<Index> slots, next_slots;
  std::vector<std::int32_t> actions;
  std::vector<float> rewards, discounts, terminated, weights;

  FixedBatch(Index batch, float gamma) {
    for (Index n = 0; n < batch; ++n) {
      slots.push_back(n);
      next_slots.push_back(batch + n);
      actions.push_back(static_cast<std::int32_t>(n * 5 % 7 % 2));
      rewards.push_back(static_cast<float>(n % 3));
      discounts.push_back(gamma);
      terminated.push_back(n % 5 == 0 ? 1.0F : 0.0F);
      weights.push_back(1.0F);
    }
  }
  Batch view(const ObservationStore& observations) const {
    return {slots, next_slots, actions, rewards, discounts, terminated, weights, &observations};
  }
};

std::unique_ptr<Backend> make_backend(std::string_view device) {
  if (device == "cpu") return std::make_unique<CpuBackend>();
  if (device == "simt") return make_simt_backend();
  if (device == "cuda") return make_cuda_backend();
  fail("there is no device \"", device, "\"; known: cpu, simt, cuda");
}

TrainConfig config_of(const Workload& workload) {
  TrainConfig config;  // the textbook's settings, as far as a learn step knows them
  config.learning_rate = workload.learning_rate;
  config.gamma = 0.99;
  config.batch_size = workload.batch;
  if (workload.stable_baselines) {
    config.loss = LossKind::kHuber;
    config.max_grad_norm = 10;
  }
  return config;
}

void print_losses(Backend& backend, const Workload& workload) {
  const TrainConfig config = config_of(workload);
  const Network network(workload.network, workload.observation);
  const LearnerOptions options = learner_options(config, nullptr);
  const LearnerKind kind = chosen_learner(config.learner, backend, network, options);
  const std::unique_ptr<Learner> made = make_learner(kind, backend, network, options);
  Learner& learner = *made;

  std::vector<float> parameters;
  std::int64_t k = formula_parameters(network, parameters);
  learner.set_parameters(parameters);
  learner.update_target(1.0F);
  std::vector<float> observation(static_cast<std::size_t>(workload.observation.elements()));
  ObservationStore observations(2 * workload.batch, workload.observation.elements(),
                                options.observation_type);
  for (Index slot = 0; slot < observations.capacity(); ++slot) {
    for (float& value : observation) value = formula(k++);
    observations.store(slot, observation);
  }

  const FixedBatch batch(workload.batch, static_cast<float>(config.gamma));
  std::vector<float> td_error(static_cast<std::size_t>(workload.batch));
  std::printf("{\"fixed_batch_losses\": [");
  for (int step = 0; step < 10; ++step) {
    const LearnStats stats =
        learner.learn(batch.view(observations), static_cast<float>(config.learning_rate), td_error);
    std::printf("%s%.9g", step > 0 ? ", " : "", static_cast<double>(stats.loss));
  }
  std::printf("]}\n");
}

}  // namespace
}  // namespace bellman

int main(int argc, char** argv) {
  try {
    const auto backend = bellman::make_backend(argc > 1 ? argv[1] : "cpu");
    bellman::print_losses(*backend, bellman::workload_of(argc > 2 ? argv[2] : "4-64-64-2"));
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "fixed_batch: %s\n", error.what());
    return 2;
  }
}
