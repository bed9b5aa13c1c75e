// An environment of one's own, and a DQN agent that learns it.
//
//   cell   0   1   2   3   4   5   6   7   8
//        [+1]        start               [+10]
//
// Both ends end the episode, and every step costs 0.1. The best return is 10 - 5 * 0.1 = 9.5: five steps to the
// right. A walk to the left returns 1 - 3 * 0.1 = 0.7.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>

#include <bellman/core/base/check.h>
#include <bellman/core/cpu/cpu_backend.h>
#include <bellman/envs/episode_env.h>
#include <bellman/rl/train/trainer.h>

// EpisodeEnv counts steps, keeps the time limit and saves the state; only the rules are left to write.
class Corridor final : public bellman::EpisodeEnv {
 public:
  Corridor() : EpisodeEnv(corridor_spec(), /*physical_size=*/1) {}
  void observe(std::span<float> out) const override {
    for (int i = 0; i < 9; ++i) out[i] = i == cell_ ? 1.0F : 0.0F;
  }

 private:
  static bellman::EnvSpec corridor_spec() {
    return {.id = "Corridor",
            .observation_shape = {9},
            .num_actions = 2,
            .max_episode_steps = 50,
            .reward_threshold = 9.5,
            .action_names = {"left", "right"}};
  }
  void start(const bellman::RandomStream&, std::uint64_t) override { cell_ = 3; }
  Transition advance(int action, const bellman::RandomStream&, std::uint64_t) override {
    cell_ += action == 1 ? 1 : -1;
    return {(cell_ == 0 ? 1.0 : cell_ == 8 ? 10.0 : 0.0) - 0.1, cell_ == 0 || cell_ == 8};
  }
  // The physical state, for checkpoints.
  void write_physical(std::span<double> out) const override { out[0] = cell_; }
  void read_physical(std::span<const double> values) override { cell_ = static_cast<int>(values[0]); }
  bool is_terminal(std::span<const double> values) const override {
    if (!(values[0] >= 0 && values[0] <= 8) || values[0] != std::floor(values[0]))
      bellman::fail("Corridor: cell ", values[0], " must be a whole number from 0 to 8");
    return values[0] == 0 || values[0] == 8;
  }

  int cell_ = 3;
};

int main() {
  bellman::TrainConfig config;  // defaults are CleanRL's
  config.network = "dense 32, relu";
  config.learning_rate = 1e-3;
  config.total_timesteps = 5'000;
  config.learning_starts = 500;
  config.train_frequency = 1;
  config.target_network_frequency = 100;
  config.eval_frequency = 1'000;

  bellman::CpuBackend backend;
  bellman::Trainer trainer(config, backend, {.make_env = [] { return std::make_unique<Corridor>(); }});
  const bellman::TrainResult result = trainer.run();
  std::printf("mean return %.2f over %d episodes; the optimum is 9.50\n", result.eval.mean,
              static_cast<int>(result.eval.episodes));
}
