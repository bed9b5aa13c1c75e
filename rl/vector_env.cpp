#include "rl/vector_env.h"

#include "core/check.h"

namespace bellman {

VectorEnv::VectorEnv(const EnvFactory& make_env, Index num_envs, std::uint64_t seed) {
  constexpr Index kMaxEnvs = (Index{1} << 24) - 1;  // what a RandomStream's index holds
  if (num_envs < 1 || num_envs > kMaxEnvs) fail("num_envs is ", num_envs, ", must be 1 to ", kMaxEnvs);
  for (Index e = 0; e < num_envs; ++e) {
    envs_.push_back(make_env());
    env(e).seed({seed, Purpose::kEnvironment, static_cast<std::uint32_t>(e)});
  }
  observation_size_ = static_cast<std::size_t>(spec().observation_shape.elements());
  observations_.resize(envs_.size() * observation_size_);
  returns_.resize(envs_.size());
  lengths_.resize(envs_.size());
}

void VectorEnv::reset(Index e) {
  env(e).reset();
  returns_[static_cast<std::size_t>(e)] = 0;
  lengths_[static_cast<std::size_t>(e)] = 0;
  observe(e);
}

StepResult VectorEnv::step(Index e, std::int32_t action) {
  const StepResult result = env(e).step(action);
  returns_[static_cast<std::size_t>(e)] += static_cast<double>(result.reward);
  ++lengths_[static_cast<std::size_t>(e)];
  observe(e);
  return result;
}

void VectorEnv::observe(Index e) {
  env(e).observe(
      std::span(observations_).subspan(static_cast<std::size_t>(e) * observation_size_, observation_size_));
}

}  // namespace bellman
