// What a checkpoint of a large replay costs: 10^6 observations of 4 floats (CartPole-v1), the ring full. How
// long the training waits, set against a gradient step; how long the writing takes beside it; how large the
// file is.
//
//     checkpoint_bench [DIRECTORY]      writes there, or in the system's temporary directory; removes it all
//     again
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "apps/checkpoint.h"
#include "apps/checkpoint_hook.h"
#include "apps/checkpoint_writer.h"
#include "apps/run_directory.h"
#include "apps/run_files.h"
#include "core/cpu/cpu_backend.h"
#include "rl/op_by_op_learner.h"
#include "rl/trainer.h"

namespace bellman {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr Index kSlots = 1'000'000, kFrequency = 10'000, kCheckpoints = 21;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// The learner of the command, with a clock beside it.
class TimedLearner final : public Learner {
 public:
  TimedLearner(Backend& backend, const Network& network, const LearnerOptions& options,
               std::vector<double>& seconds)
      : learner_(backend, network, options), seconds_(seconds) {}
  void store(Index slot, std::span<const float> observation) override { learner_.store(slot, observation); }
  void q_values(std::span<float> q, std::span<const float> observations, Index n) override {
    learner_.q_values(q, observations, n);
  }
  LearnStats learn(const Batch& batch, float learning_rate, std::span<float> td_error) override {
    const auto begin = Clock::now();
    const LearnStats stats = learner_.learn(batch, learning_rate, td_error);
    seconds_.push_back(seconds_since(begin));
    return stats;
  }
  void update_target(float tau) override { learner_.update_target(tau); }
  void get_parameters(std::span<float> out) override { learner_.get_parameters(out); }
  void set_parameters(std::span<const float> in) override { learner_.set_parameters(in); }
  void save(StateWriter& out) const override { learner_.save(out); }
  void load(const StateReader& in) override { learner_.load(in); }

 private:
  OpByOpLearner learner_;
  std::vector<double>& seconds_;
};

/// Flushed before anybody else: there the training begins to wait.
class Bell final : public MetricSink {
 public:
  void flush() override { rung = Clock::now(); }
  Clock::time_point rung{};
};

/// The preset of CartPole, with a larger replay and nothing learnt before that is full.
TrainConfig config_of(bool prioritized) {
  TrainConfig config;
  config.network = "dense 64, relu, dense 64, relu";
  config.learning_rate = 4e-3;
  config.double_dqn = true;
  config.batch_size = 64;
  config.train_frequency = 2;
  config.buffer_size = config.learning_starts = kSlots;
  config.total_timesteps = kSlots + (kCheckpoints + 1) * kFrequency;
  config.checkpoint_frequency = kFrequency;
  config.eval_frequency = 0;
  config.final_eval_episodes = 1;
  config.prioritized = prioritized;
  return config;
}

void measure(const fs::path& top, bool prioritized) {
  const TrainConfig config = config_of(prioritized);
  CpuBackend backend;
  std::vector<double> steps, pauses, writes;
  const auto make_learner = [&](const Network& network, const LearnerOptions& options) {
    return std::make_unique<TimedLearner>(backend, network, options, steps);
  };
  Trainer trainer(config, backend, {.make_env = {}, .make_learner = make_learner, .replay_ops = nullptr});
  RunDirectory directory(top / (prioritized ? "prioritised" : "uniform"), false);
  const RunFiles files(directory, config);
  Bell bell;
  trainer.add_sink(bell);
  files.attach(trainer);
  CheckpointWriter checkpoints(directory.path(), 1, [&files] { files.sync(); });
  const auto save = checkpoint_hook(checkpoints, trainer, config, backend.name(), files);
  trainer.set_checkpoint_hook(kFrequency, [&](Index timestep) {
    if (timestep < kSlots) return;  // not yet full; the first that is saved copies all, and is not counted
    save(timestep);
    const double pause = seconds_since(bell.rung);
    const auto begin = Clock::now();
    checkpoints.finish();  // so that each pause is one's own; the training need not wait for it
    if (timestep <= kSlots) return;
    pauses.push_back(pause);
    writes.push_back(seconds_since(begin));
  });
  trainer.run();
  const auto bytes = fs::file_size(checkpoints_of(directory.path()).front());
  std::printf(
      "checkpoint of 10^6 x 4 floats, %s: pause %.2f ms (median of %zu, longest %.2f), a gradient step %.1f "
      "us, so "
      "%.0f steps; %.1f MB, written in %.0f ms beside the training\n",
      prioritized ? "prioritised" : "uniform", 1e3 * median(pauses), pauses.size(),
      1e3 * *std::max_element(pauses.begin(), pauses.end()), 1e6 * median(steps),
      median(pauses) / median(steps), static_cast<double>(bytes) / 1e6, 1e3 * median(writes));
}

}  // namespace
}  // namespace bellman

int main(int argc, char** argv) {
  namespace fs = std::filesystem;
  const fs::path top =
      (argc > 1 ? fs::path(argv[1]) : fs::temp_directory_path()) / "bellman-checkpoint-bench";
  fs::remove_all(top);
  for (const bool prioritized : {false, true}) bellman::measure(top, prioritized);
  fs::remove_all(top);
  return 0;
}
