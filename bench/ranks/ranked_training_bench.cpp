// How fast several ranks train one run, and where their time goes:
//
//   mpirun -n 2 ranked_training_bench nature|cartpole [batch size] [environments] [train frequency]
//   mpirun -n 2 ranked_training_bench messages
//   mpirun -n 2 ranked_training_bench devices cuda|simt
//
// nature   the network of Mnih et al. 2015 on pictures of 84 x 84 that cost nothing to make, 4 to a state; a gradient step
//          every 4 environment steps
// cartpole CartPole-v1 and a network of 2 x 64, a gradient step every environment step
// messages the collectives alone, by size, and the mean of a gradient
// devices  the mean of a gradient in the memory of each rank's device: by NCCL where it links them, and through host memory
//
// Prints one JSON object on a line: medians over blocks of steps, of rank 0. bench/ranks/scaling.py runs it and fits the model
// of docs/scaling.md.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "apps/ranks/mpi_ranks.h"
#include "core/base/check.h"
#include "core/cpu/cpu_backend.h"
#include "cuda/backend/make_cuda_backend.h"
#include "envs/env.h"
#include "rl/ranks/device_gradient_average.h"
#include "rl/ranks/device_link.h"
#include "rl/ranks/host_exchange.h"
#include "rl/ranks/ranked_gradient_average.h"
#include "rl/train/trainer.h"

namespace bellman {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

/// Counts the seconds within each kind of collective: messages, and waiting for ranks that are late.
class TimedRanks final : public Ranks {
 public:
  explicit TimedRanks(Ranks& inner) : inner_(inner) {}

  int rank() const override { return inner_.rank(); }
  int size() const override { return inner_.size(); }
  void all_gather(std::span<std::byte> all, std::span<const std::size_t> sizes) override {
    const Clock::time_point begin = Clock::now();
    inner_.all_gather(all, sizes);
    gathering += seconds_since(begin);
  }
  void all_to_all(std::span<const std::byte> out, std::span<const std::size_t> out_sizes,
                  std::span<std::byte> in, std::span<const std::size_t> in_sizes) override {
    const Clock::time_point begin = Clock::now();
    inner_.all_to_all(out, out_sizes, in, in_sizes);
    exchanging += seconds_since(begin);
  }
  void send(int to, std::span<const std::byte> bytes) override { inner_.send(to, bytes); }
  std::optional<RankMessage> receive() override { return inner_.receive(); }
  [[noreturn]] void abort(int status) override {
    inner_.abort(status);
    std::abort();  // for the compiler
  }

  double gathering = 0, exchanging = 0;

 private:
  Ranks& inner_;
};

/// Pictures that scroll. An episode has 500 steps.
class Pictures final : public Env {
 public:
  Pictures() {
    spec_.id = "Pictures";
    spec_.observation_shape = {1, kSide, kSide};
    spec_.num_actions = 6;
    spec_.byte_observations = true;
    spec_.action_names.assign(6, "none");
  }

  const EnvSpec& spec() const override { return spec_; }
  void seed(const RandomStream& stream) override { shift_ = 37 * static_cast<int>(stream.index); }
  void reset() override { step_ = 0; }
  StepResult step(int action) override {
    ++step_;
    shift_ += action;
    return {.reward = shift_ % 7 == 0 ? 1.0F : 0.0F, .terminated = false, .truncated = step_ == 500};
  }
  void observe(std::span<float> out) const override {
    for (int y = 0; y < kSide; ++y)
      for (int x = 0; x < kSide; ++x)
        out[static_cast<std::size_t>(y * kSide + x)] =
            static_cast<float>((5 * (x + shift_) + 11 * (y + step_)) & 255);
  }
  std::vector<double> state() const override {
    return {static_cast<double>(step_), static_cast<double>(shift_)};
  }
  void set_state(std::span<const double> state) override {
    step_ = static_cast<int>(state[0]);
    shift_ = static_cast<int>(state[1]);
  }
  void set_physical_state(std::span<const double>) override {}

 private:
  static constexpr int kSide = 84;
  EnvSpec spec_;
  int step_ = 0, shift_ = 0;
};

TrainConfig config_of(std::string_view workload, Index batch, Index envs) {
  TrainConfig config;
  config.num_envs = envs;
  config.batch_size = batch;
  config.buffer_size = 8192;
  config.eval_frequency = 0;
  config.final_eval_episodes = 1;
  config.log_frequency = Index{1} << 40;
  config.target_network_frequency = 1000;
  config.threads = 1;
  if (workload == "nature") {
    config.env.frame_stack = 4;
    config.observation_scale = 1.0 / 255;
    config.network =
        "conv 32 8x8 stride 4, relu, conv 64 4x4 stride 2, relu, conv 64 3x3, relu, flatten, dense 512, relu";
    config.train_frequency = 4;
    config.learning_starts = 512;
  } else if (workload == "cartpole") {
    config.network = "dense 64, relu, dense 64, relu";
    config.train_frequency = 1;
    config.learning_starts = 512;
  } else {
    fail("the workload is \"", std::string(workload), "\", must be nature or cartpole");
  }
  return config;
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  return values[values.size() / 2];
}

/// Median microseconds of collectives in which every rank has `bytes` for all: an all_gather, and an all_to_all of the same.
int time_messages(Ranks& ranks) {
  const auto n = static_cast<std::size_t>(ranks.size());
  std::string lines;
  for (const std::size_t bytes : {std::size_t{16}, std::size_t{1} << 12, std::size_t{1} << 16,
                                  std::size_t{1} << 20, std::size_t{1} << 22}) {
    std::vector<std::byte> out(bytes * n), in(bytes * n);
    const std::vector<std::size_t> sizes(n, bytes);
    const int times = bytes < 100'000 ? 2000 : 60;
    std::vector<double> gather, exchange;
    for (int i = 0; i < times; ++i) {
      Clock::time_point begin = Clock::now();
      ranks.all_gather(in, sizes);
      gather.push_back(seconds_since(begin));
      begin = Clock::now();
      ranks.all_to_all(out, sizes, in, sizes);
      exchange.push_back(seconds_since(begin));
    }
    lines += "{\"workload\": \"messages\", \"ranks\": " + std::to_string(n) +
             ", \"bytes\": " + std::to_string(bytes) +
             ", \"all_gather\": " + std::to_string(1e6 * median(gather)) +
             ", \"all_to_all\": " + std::to_string(1e6 * median(exchange)) + "}\n";
  }
  for (const std::size_t parameters : {std::size_t{4624}, std::size_t{1'687'216}}) {  // CartPole's, Nature's
    RankedGradientAverage average(ranks);
    std::vector<float> gradient(parameters, 1.0F);
    std::vector<double> times;
    for (int i = 0; i < 100; ++i) {
      float loss = 1;
      const Clock::time_point begin = Clock::now();
      average.average(gradient, loss);
      times.push_back(seconds_since(begin));
    }
    lines += "{\"workload\": \"average\", \"ranks\": " + std::to_string(n) +
             ", \"parameters\": " + std::to_string(parameters) +
             ", \"microseconds\": " + std::to_string(1e6 * median(times)) + "}\n";
  }
  if (ranks.rank() == 0) std::cout << lines;
  return 0;
}

/// Median microseconds of a mean by this exchange, until the host has the loss. Throws: Error for a wrong mean.
double time_exchange(DeviceBackend& device, Ranks& ranks, DeviceExchange& exchange, Index parameters) {
  DeviceGradientAverage average(device, device.rank_ops(), ranks, &exchange);
  std::vector<float> numbers(static_cast<std::size_t>(parameters), 1.0F);
  const Block<float> gradient(device, std::span(numbers).size_bytes()), loss(device, sizeof(float));
  device.upload(gradient.data(), numbers.data(), gradient.bytes());
  std::vector<double> times;
  for (int i = 0; i < 100; ++i) {
    float mean = 3;
    device.upload(loss.data(), &mean, sizeof mean);
    const Clock::time_point begin = Clock::now();
    average.average(gradient.view<float>({parameters}), loss.view<float>({1}));
    device.download(&mean, loss.data(), sizeof mean);
    times.push_back(seconds_since(begin));
    if (mean != 3) fail("the mean of 3 on every rank is ", mean);
  }
  device.download(numbers.data(), gradient.data(), gradient.bytes());
  if (std::ranges::count(numbers, 1.0F) != parameters) fail("the mean of 1 on every rank is another number");
  return 1e6 * median(times);
}

int time_devices(Ranks& ranks, const std::string& name) {
  const std::unique_ptr<DeviceBackend> device = name == "simt" ? make_simt_backend() : make_cuda_backend();
  const DeviceLink link = link_devices(device->rank_ops(), ranks);
  HostExchange host(ranks, *device);
  if (ranks.rank() == 0 && !link.exchange) std::cerr << "not linked: " << link.reason << "\n";
  for (const Index parameters : {Index{4624}, Index{1'687'216}})  // CartPole's, Nature's
    for (DeviceExchange* const exchange : {link.exchange.get(), static_cast<DeviceExchange*>(&host)}) {
      if (!exchange) continue;
      const double microseconds = time_exchange(*device, ranks, *exchange, parameters);
      if (ranks.rank() > 0) continue;
      std::cout << "{\"workload\": \"devices\", \"ranks\": " << ranks.size()
                << ", \"parameters\": " << parameters << ", \"exchange\": \"" << exchange->description()
                << "\", \"microseconds\": " << microseconds << "}\n";
    }
  return 0;
}

struct Reached {};

int run(int argc, char** argv) {
  const std::string workload = argc > 1 ? argv[1] : "nature";
  const Index batch = argc > 2 ? std::atoll(argv[2]) : 256, envs = argc > 3 ? std::atoll(argv[3]) : 8;
  const std::unique_ptr<MpiRanks> ranks = ranks_of_this_launch();
  std::optional<TimedRanks> timed;
  if (ranks) timed.emplace(*ranks);
  if (workload == "messages") {
    if (!ranks) fail("messages need mpirun");
    return time_messages(*ranks);
  }
  if (workload == "devices") {
    if (!ranks) fail("devices need mpirun");
    return time_devices(*ranks, argc > 2 ? argv[2] : "cuda");
  }
  TrainConfig config = config_of(workload, batch, envs);
  if (argc > 4) config.train_frequency = std::atoll(argv[4]);
  const Index block = workload == "nature" ? 4 * envs : 500 * envs, blocks = workload == "nature" ? 7 : 21;
  config.total_timesteps = config.learning_starts + block * (blocks + 2);

  CpuBackend backend(1);
  TrainerParts parts;
  if (workload == "nature") parts.make_env = [] { return std::make_unique<Pictures>(); };
  parts.ranks = timed ? &*timed : nullptr;
  Trainer trainer(config, backend, parts);
  std::vector<double> times, gathering, exchanging;
  Clock::time_point begin = Clock::now();
  double gathered = 0, exchanged = 0;
  trainer.set_checkpoint_hook(block, [&](Index timestep) {
    if (timestep > config.learning_starts + block) {  // the first one warms up
      times.push_back(seconds_since(begin));
      if (timed) {
        gathering.push_back(timed->gathering - gathered);
        exchanging.push_back(timed->exchanging - exchanged);
      }
    }
    begin = Clock::now();
    if (timed) gathered = timed->gathering, exchanged = timed->exchanging;
    if (static_cast<Index>(times.size()) == blocks) throw Reached();
  });
  try {
    trainer.run();
    fail("the run ended before all blocks were timed");
  } catch (const Reached&) {
  }
  if (ranks && ranks->rank() > 0) return 0;
  const double updates = static_cast<double>(block / config.train_frequency),
               rounds = static_cast<double>(block / envs);
  std::cout << "{\"workload\": \"" << workload << "\", \"ranks\": " << (ranks ? ranks->size() : 1)
            << ", \"mpi\": " << (ranks ? "true" : "false") << ", \"batch\": " << batch
            << ", \"envs\": " << envs << ", \"train_frequency\": " << config.train_frequency
            << ", \"parameters\": " << trainer.network().layout().size() << ", \"rounds\": " << rounds
            << ", \"updates\": " << updates << ", \"seconds\": " << median(times)
            << ", \"fastest\": " << *std::ranges::min_element(times)
            << ", \"gathering\": " << median(gathering) << ", \"exchanging\": " << median(exchanging)
            << ", \"steps_per_second\": " << static_cast<double>(block) / median(times) << "}\n";
  return 0;
}

}  // namespace
}  // namespace bellman

int main(int argc, char** argv) {
  try {
    return bellman::run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "ranked_training_bench: " << error.what() << "\n";
    return 2;
  }
}
