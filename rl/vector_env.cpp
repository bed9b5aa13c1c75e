#include "rl/vector_env.h"

#include <cmath>
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
    const auto state = in.get<double>(name);
    in.hand_over(name, [&] { envs_[e]->set_state(state); });
  }
  observations_ = in.get<float>("envs.observations", observations_.size());
  returns_ = in.get<double>("envs.returns", returns_.size());
  lengths_ = in.get<Index>("envs.lengths", lengths_.size());
  for (std::size_t i = 0; i < observations_.size(); ++i)
    if (!std::isfinite(observations_[i]))
      fail(in.source(), ": envs.observations has ", observations_[i], " at place ", i, ", must be finite");
  for (std::size_t e = 0; e < envs_.size(); ++e) {
    if (!std::isfinite(returns_[e]))
      fail(in.source(), ": envs.returns of environment ", e, " is ", returns_[e]);
    if (lengths_[e] < 0 || lengths_[e] > Index{1} << 53)
      fail(in.source(), ": envs.lengths of environment ", e, " is ", lengths_[e]);
  }
}

}  // namespace bellman
