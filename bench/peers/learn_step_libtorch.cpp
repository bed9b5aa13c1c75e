// DQN's learn step in LibTorch, PyTorch without Python, eager, on one thread of a CPU: a peer of
// scripts/bench.sh where LibTorch is installed. The same work as learn_step_torch.py:
//
//   learn_step_libtorch --losses         ten gradient steps a network from the formula's weights and batch
//   learn_step_libtorch [--seconds S]    microseconds of CPU time a step, {"us": {name: us}}
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <utility>
#include <vector>

#include <torch/torch.h>
#include <torch/version.h>

namespace {

namespace nn = torch::nn;

nn::Sequential dense(int64_t inputs, int64_t hidden1, int64_t hidden2, int64_t outputs) {
  return nn::Sequential(nn::Linear(inputs, hidden1), nn::ReLU(), nn::Linear(hidden1, hidden2), nn::ReLU(),
                        nn::Linear(hidden2, outputs));
}

nn::Sequential nature_dqn() {  // Mnih et al. 2015
  return nn::Sequential(nn::Conv2d(nn::Conv2dOptions(4, 32, 8).stride(4)), nn::ReLU(),
                        nn::Conv2d(nn::Conv2dOptions(32, 64, 4).stride(2)), nn::ReLU(),
                        nn::Conv2d(nn::Conv2dOptions(64, 64, 3)), nn::ReLU(), nn::Flatten(),
                        nn::Linear(3136, 512), nn::ReLU(), nn::Linear(512, 6));
}

struct Workload {
  std::string name;
  nn::Sequential (*make)();
  std::vector<int64_t> observation;
  int64_t batch;
  double learning_rate;
};

std::vector<Workload> workloads() {
  return {{"4-64-64-2", [] { return dense(4, 64, 64, 2); }, {4}, 64, 1e-3},
          {"8-256-256-4", [] { return dense(8, 256, 256, 4); }, {8}, 128, 1e-3},
          {"nature_dqn", nature_dqn, {4, 84, 84}, 32, 1e-4}};
}

struct Batch {
  torch::Tensor state, action, reward, next_state, terminated;
};

class Learner {
 public:
  Learner(nn::Sequential online, nn::Sequential target, double learning_rate)
      : online_(std::move(online)),
        target_(std::move(target)),
        parameters_(online_->parameters()),
        adam_(parameters_, torch::optim::AdamOptions(learning_rate)) {
    const torch::NoGradGuard guard;
    const auto to = target_->parameters();
    for (std::size_t i = 0; i < to.size(); ++i) to[i].copy_(parameters_[i]);
  }

  torch::Tensor learn(const Batch& b) {
    torch::Tensor y;
    {
      const torch::NoGradGuard guard;
      y = b.reward + 0.99 * (1 - b.terminated) * std::get<0>(target_->forward(b.next_state).max(1));
    }
    const torch::Tensor q = online_->forward(b.state).gather(1, b.action).squeeze(1);
    const torch::Tensor loss = torch::mse_loss(q, y);
    for (torch::Tensor& parameter : parameters_) parameter.mutable_grad() = torch::Tensor();
    loss.backward();
    adam_.step();
    return loss;
  }

 private:
  nn::Sequential online_, target_;
  std::vector<torch::Tensor>
      parameters_;  // of the online network; no gradient (not zero) before a backward pass
  torch::optim::Adam adam_;
};

std::vector<int64_t> with_count(int64_t n, const std::vector<int64_t>& observation) {
  std::vector<int64_t> shape = {n};
  shape.insert(shape.end(), observation.begin(), observation.end());
  return shape;
}

/// The next numbers of formula() in formula.py.
torch::Tensor numbers(int64_t& at, at::IntArrayRef shape) {
  torch::Tensor result = torch::empty(shape);
  auto* values = result.data_ptr<float>();
  for (int64_t i = 0; i < result.numel(); ++i, ++at)
    values[i] = static_cast<float>(
        static_cast<double>((at * 7919 + at * at % 1009 * 31 + 104729) % 2001 - 1000) / 1000.0);
  return result;
}

/// Weights, biases and the batch by the formula: fixed_batch.cpp.
std::pair<Learner, Batch> fixed(const Workload& workload) {
  int64_t at = 0;
  nn::Sequential online = workload.make();
  {
    const torch::NoGradGuard guard;
    double fan_in = 1;
    for (torch::Tensor& parameter : online->parameters()) {
      if (parameter.dim() > 1) fan_in = static_cast<double>(parameter[0].numel());
      parameter.copy_(numbers(at, parameter.sizes()) / std::sqrt(fan_in));
    }
  }
  const torch::Tensor n = torch::arange(workload.batch);
  const auto shape = with_count(workload.batch, workload.observation);
  Batch batch;
  batch.state = numbers(at, shape);
  batch.next_state = numbers(at, shape);
  batch.action = (n * 5 % 7 % 2).reshape({-1, 1});
  batch.reward = (n % 3).to(torch::kFloat32);
  batch.terminated = (n % 5 == 0).to(torch::kFloat32);
  return {Learner(online, workload.make(), workload.learning_rate), batch};
}

/// A full replay of made-up transitions, sampled uniformly with replacement.
struct Replay {
  static constexpr int64_t kSlots = 10'000;

  explicit Replay(const std::vector<int64_t>& observation)
      : state(torch::rand(with_count(kSlots, observation)) * 2 - 1),
        next_state(torch::rand(with_count(kSlots, observation)) * 2 - 1),
        action(torch::randint(2, {kSlots, 1})),
        reward(torch::rand({kSlots})),
        terminated((torch::arange(kSlots) % 200 == 199).to(torch::kFloat32)) {}

  Batch sample(int64_t n) const {
    const torch::Tensor i = torch::randint(kSlots, {n});
    return {state.index_select(0, i), action.index_select(0, i), reward.index_select(0, i),
            next_state.index_select(0, i), terminated.index_select(0, i)};
  }

  torch::Tensor state, next_state, action, reward, terminated;
};

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

template <class Step>
double time_us(double seconds, Step step) {
  for (int i = 0; i < 3; ++i) step();
  int count = 0;
  const double start = cpu_seconds();
  double used = 0;
  while (used < seconds || count < 3) {
    step();
    ++count;
    used = cpu_seconds() - start;
  }
  return 1e6 * used / count;
}

void print_losses() {
  const char* between = "";
  std::printf("\"fixed_batch_losses\": {");
  for (const Workload& workload : workloads()) {
    auto [learner, batch] = fixed(workload);
    std::printf("%s\"%s\": [", between, workload.name.c_str());
    for (int i = 0; i < 10; ++i)
      std::printf("%s%.9g", i > 0 ? ", " : "", static_cast<double>(learner.learn(batch).item<float>()));
    std::printf("]");
    between = ", ";
  }
  std::printf("}");
}

void print_times(double seconds) {
  const char* between = "";
  std::printf("\"us\": {");
  for (const Workload& workload : workloads()) {
    auto [learner, batch] = fixed(workload);
    std::printf("%s\"learn_step/%s\": %.6g", between, workload.name.c_str(),
                time_us(seconds, [&, &learner = learner, &batch = batch] { learner.learn(batch); }));
    between = ", ";
    if (workload.observation.size() > 1) continue;
    const Replay replay(workload.observation);
    std::printf(", \"sampled_step/%s\": %.6g", workload.name.c_str(),
                time_us(seconds, [&, &learner = learner] { learner.learn(replay.sample(workload.batch)); }));
  }
  std::printf("}");
}

}  // namespace

int main(int argc, char** argv) {
  torch::set_num_threads(1);
  torch::manual_seed(1);
  const std::string first = argc > 1 ? argv[1] : "";
  std::printf("{\"program\": \"learn_step_libtorch\", \"version\": \"%s\", ", TORCH_VERSION);
  if (first == "--losses")
    print_losses();
  else
    print_times(first == "--seconds" && argc > 2 ? std::atof(argv[2]) : 0.5);
  std::printf("}\n");
}
