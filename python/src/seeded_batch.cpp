#include "python/src/seeded_batch.h"

#include <utility>

namespace bellman::python {
namespace {

class SeededBatch final : public BatchEnv {
 public:
  explicit SeededBatch(std::vector<std::unique_ptr<Env>> envs) : envs_(std::move(envs)) {
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
    const auto size = static_cast<std::size_t>(spec().observation_shape.elements());
    env(e).observe(observations.subspan(static_cast<std::size_t>(e) * size, size));
  }

  std::vector<std::unique_ptr<Env>> envs_;
  std::vector<Index> ended_;
};

}  // namespace

std::unique_ptr<BatchEnv> seeded_batch(const EnvFactory& make_env, const std::vector<RandomStream>& streams) {
  std::vector<std::unique_ptr<Env>> envs;
  for (const RandomStream& stream : streams) {
    envs.push_back(make_env());
    envs.back()->seed(stream);
  }
  return std::make_unique<SeededBatch>(std::move(envs));
}

}  // namespace bellman::python
