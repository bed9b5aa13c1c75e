// The cost of a checkpoint of a large replay: 10^6 observations of 4 floats (CartPole-v1), the ring full. It
// prints how long training waits, beside a gradient step; how long the writer takes in parallel; and the file's
// size. Then it prints the share of the time that default checkpoints by time cost: the wait plus the writer's
// processor time, as if training could have used that. The whole ring has changed by then. Rings have this size
// and the preset's. The program fails when a share is above 1 %.
//
//     checkpoint_bench [DIRECTORY]      writes there, or in the system's temporary directory, and cleans up
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "apps/run/checkpoint.h"
#include "apps/run/checkpoint_writer.h"
#include "apps/run/run_directory.h"
#include "apps/run/run_files.h"
#include "core/cpu/cpu_backend.h"
#include "rl/learn/op_by_op_learner.h"
#include "rl/train/trainer.h"

namespace bellman {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr Index kSlots = 1'000'000, kPresetSlots = 10'000;

/// Checkpoints that are measured, and the environment steps between them, the ring full.
struct Measured {
  Index slots, frequency, checkpoints;
  bool prioritized;
};

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// The command's learner, timed.
class TimedLearner final : public Learner {
 public:
  TimedLearner(Backend& backend, const Network& network, const LearnerOptions& options,
               std::vector<double>& seconds)
      : learner_(backend, network, options), seconds_(seconds) {}
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

/// Flushed before all other sinks: here training begins to wait.
class Bell final : public MetricSink {
 public:
  void flush() override { rung = Clock::now(); }
  Clock::time_point rung{};
};

/// The preset of CartPole, with a larger replay; learning starts when it is full.
TrainConfig config_of(const Measured& measured) {
  TrainConfig config;
  config.network = "dense 64, relu, dense 64, relu";
  config.learning_rate = 4e-3;
  config.double_dqn = true;
  config.batch_size = 64;
  config.train_frequency = std::max<Index>(2, measured.frequency / 5'000);  // enough to be timed
  config.buffer_size = config.learning_starts = measured.slots;
  config.total_timesteps = measured.slots + (measured.checkpoints + 1) * measured.frequency;
  config.checkpoint_frequency = measured.frequency;
  config.eval_frequency = 0;
  config.final_eval_episodes = 1;
  config.prioritized = measured.prioritized;
  return config;
}

/// Times of a run's checkpoints, in seconds.
struct Taken {
  std::vector<double> steps, pauses, writes, costs;
  double bytes = 0;
};

Taken measure(const fs::path& top, const Measured& measured) {
  const TrainConfig config = config_of(measured);
  CpuBackend backend;
  Taken taken;
  const auto make_learner = [&](const Network& network, const LearnerOptions& options) {
    return std::make_unique<TimedLearner>(backend, network, options, taken.steps);
  };
  Trainer trainer(config, backend, {.make_env = {}, .make_learner = make_learner, .replay_ops = nullptr});
  RunDirectory directory(top, true);
  const RunFiles files(directory, config);
  Bell bell;
  trainer.add_sink(bell);
  files.attach(trainer);
  CheckpointWriter checkpoints(
      directory.path(), 1,
      checkpoint_source(trainer, config, {.device = backend.name(), .history = {}}, files), true,
      [&files] { files.sync(); });
  checkpoints.prepare();
  trainer.set_checkpoint_hook(measured.frequency, [&](Index timestep) {
    if (timestep < measured.slots) return;  // not yet full; the first that is saved is not counted
    checkpoints.write(timestep);
    const double pause = seconds_since(bell.rung);
    const auto begin = Clock::now();
    checkpoints.finish();  // so that each pause is one's own; the training need not wait for it
    if (timestep < measured.slots + measured.frequency) return;
    taken.costs.push_back(checkpoints.cost());
    taken.pauses.push_back(pause);
    taken.writes.push_back(seconds_since(begin));
  });
  trainer.run();
  taken.bytes = static_cast<double>(fs::file_size(checkpoints_of(directory.path()).front()));
  return taken;
}

const char* name(bool prioritized) { return prioritized ? "prioritised" : "uniform"; }

void print_pause(const fs::path& top, bool prioritized) {
  const Taken taken = measure(top, {kSlots, 10'000, 21, prioritized});
  std::printf(
      "checkpoint of 10^6 x 4 floats, %s: pause %.2f ms (median of %zu, longest %.2f), a gradient step "
      "%.1f us, so %.0f steps; %.1f MB, written in %.0f ms beside the training\n",
      name(prioritized), 1e3 * median(taken.pauses), taken.pauses.size(),
      1e3 * *std::max_element(taken.pauses.begin(), taken.pauses.end()), 1e6 * median(taken.steps),
      median(taken.pauses) / median(taken.steps), taken.bytes / 1e6, 1e3 * median(taken.writes));
}

/// Whether the share is at most 1 % of the time.
bool print_share(const fs::path& top, Index slots, bool prioritized) {
  const double between = TrainConfig().checkpoint_seconds;
  const Taken taken = measure(top, {slots, slots, 3, prioritized});
  const double cost = median(taken.costs);
  std::printf(
      "checkpoints by time, 10^%.0f x 4 floats, %s: one costs %.1f ms of waiting and of a processor; "
      "one every %.0f s costs %.3f %% of the time\n",
      std::log10(static_cast<double>(slots)), name(prioritized), 1e3 * cost, between, 100 * cost / between);
  return cost <= 0.01 * between;
}

}  // namespace
}  // namespace bellman

int main(int argc, char** argv) {
  namespace fs = std::filesystem;
  const fs::path top =
      (argc > 1 ? fs::path(argv[1]) : fs::temp_directory_path()) / "bellman-checkpoint-bench";
  fs::remove_all(top);
  for (const bool prioritized : {false, true}) bellman::print_pause(top, prioritized);
  bool good = true;
  for (const bellman::Index slots : {bellman::kSlots, bellman::kPresetSlots})
    for (const bool prioritized : {false, true}) good = bellman::print_share(top, slots, prioritized) && good;
  fs::remove_all(top);
  return good ? 0 : 1;
}
