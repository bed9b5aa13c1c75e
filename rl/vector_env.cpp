#include "rl/vector_env.h"

#include <string>

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

void VectorEnv::save(StateWriter& out) const {
  for (std::size_t e = 0; e < envs_.size(); ++e) out.add("env." + std::to_string(e), envs_[e]->state());
  out.add("envs.observations", observations_);
  out.add("envs.returns", returns_);
  out.add("envs.lengths", lengths_);
}

void VectorEnv::load(const StateReader& in) {
  for (std::size_t e = 0; e < envs_.size(); ++e) {
    const std::string name = "env." + std::to_string(e);
    try {
      envs_[e]->set_state(in.get<double>(name));
    } catch (const Error& error) {
      fail(in.source(), ": ", name, ": ", error.what());
    }
  }
  observations_ = in.get<float>("envs.observations", observations_.size());
  returns_ = in.get<double>("envs.returns", returns_.size());
  lengths_ = in.get<Index>("envs.lengths", lengths_.size());
}

}  // namespace bellman
