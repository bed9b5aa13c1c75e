#include <utility>

#include "core/base/check.h"
#include "envs/env.h"

namespace bellman {
namespace {

/// One Env after the other.
class EnvByEnv final : public BatchEnv {
 public:
  explicit EnvByEnv(std::vector<std::unique_ptr<Env>> envs)
      : envs_(std::move(envs)),
        observation_size_(static_cast<std::size_t>(spec().observation_shape.elements())) {
    ended_.reserve(envs_.size());
  }

  const EnvSpec& spec() const override { return envs_.front()->spec(); }
  Index size() const override { return static_cast<Index>(envs_.size()); }

  void reset(std::span<float> observations, std::span<const Index> which) override {
    for (const Index e : which) {
      env(e).reset();
      observe(observations, e);
    }
  }

  std::span<const Index> step(std::span<StepResult> results, std::span<float> observations, Index first,
                              std::span<const std::int32_t> actions) override {
    ended_.clear();
    Index e = first;
    for (const std::int32_t action : actions) {
      const StepResult result = env(e).step(action);
      results[static_cast<std::size_t>(e)] = result;
      observe(observations, e);
      if (result.terminated || result.truncated) ended_.push_back(e);
      ++e;
    }
    return ended_;
  }

  std::vector<double> state(Index e) const override { return envs_[static_cast<std::size_t>(e)]->state(); }
  void set_state(Index e, std::span<const double> state) override { env(e).set_state(state); }

 private:
  Env& env(Index e) { return *envs_[static_cast<std::size_t>(e)]; }
  void observe(std::span<float> observations, Index e) {
    env(e).observe(observations.subspan(static_cast<std::size_t>(e) * observation_size_, observation_size_));
  }

  std::vector<std::unique_ptr<Env>> envs_;
  std::size_t observation_size_;
  std::vector<Index> ended_;  // by the last step
};

}  // namespace

std::unique_ptr<BatchEnv> Env::batch(Index /*copies*/, const RandomStream& /*first*/) const {
  return nullptr;
}

std::unique_ptr<BatchEnv> one_by_one(std::vector<std::unique_ptr<Env>> envs) {
  return std::make_unique<EnvByEnv>(std::move(envs));
}

std::unique_ptr<BatchEnv> make_batch_env(const EnvFactory& make_env, Index copies,
                                         const RandomStream& first) {
  constexpr Index kMaxEnvs = (Index{1} << 24) - 1;  // the limit of RandomStream::index
  if (copies < 1 || copies > kMaxEnvs) fail("num_envs is ", copies, ", must be 1 to ", kMaxEnvs);
  if (Index{first.index} + copies > kMaxEnvs + 1)
    fail("there are ", kMaxEnvs + 1, " random streams, copies ", first.index, " to ",
         Index{first.index} + copies - 1, " need more");
  std::vector<std::unique_ptr<Env>> envs;
  envs.push_back(make_env());
  if (copies >= envs.front()->least_batch())
    if (auto batch = envs.front()->batch(copies, first)) return batch;
  while (static_cast<Index>(envs.size()) < copies) envs.push_back(make_env());
  for (std::size_t e = 0; e < envs.size(); ++e) envs[e]->seed(stream_of_copy(first, static_cast<Index>(e)));
  return one_by_one(std::move(envs));
}

}  // namespace bellman
