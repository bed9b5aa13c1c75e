#include "rl/train/vector_env.h"

#include <cmath>
#include <string>

#include "core/base/check.h"
#include "core/base/memory.h"

namespace bellman {

VectorEnv::VectorEnv(const EnvFactory& make_env, Index num_envs, std::uint64_t seed)
    : envs_(make_batch_env(make_env, num_envs, seed, Purpose::kEnvironment)),
      observation_size_(static_cast<std::size_t>(spec().observation_shape.elements())) {
  const auto n = static_cast<std::size_t>(num_envs);
  check_memory(checked_product(num_envs, spec().observation_shape.elements() * Index{sizeof(float)},
                               "the observations of num_envs"),
               "what num_envs show");
  observations_.resize(n * observation_size_);
  results_.resize(n);
  returns_.resize(n);
  lengths_.resize(n);
}

void VectorEnv::reset(Index e) {
  envs_->reset(observations_, {&e, 1});
  returns_[static_cast<std::size_t>(e)] = 0;
  lengths_[static_cast<std::size_t>(e)] = 0;
}

StepResult VectorEnv::step(Index e, std::int32_t action) {
  step(e, {&action, 1});
  return result(e);
}

void VectorEnv::step(std::span<const std::int32_t> actions) {
  if (static_cast<Index>(actions.size()) != size())
    fail(actions.size(), " actions for ", size(), " environments, must be as many");
  step(0, actions);
}

void VectorEnv::step(Index first, std::span<const std::int32_t> actions) {
  envs_->step(results_, observations_, first, actions);
  for (std::size_t e = static_cast<std::size_t>(first), end = e + actions.size(); e < end; ++e) {
    if (results_[e].began) {
      returns_[e] = 0;
      lengths_[e] = 0;
      continue;
    }
    returns_[e] += static_cast<double>(results_[e].reward);
    ++lengths_[e];
  }
}

void VectorEnv::save(StateWriter& out) const {
  for (Index e = 0; e < size(); ++e) out.add("env." + std::to_string(e), envs_->state(e));
  out.add("envs.observations", observations_);
  out.add("envs.returns", returns_);
  out.add("envs.lengths", lengths_);
}

void VectorEnv::load(const StateReader& in) {
  for (Index e = 0; e < size(); ++e) {
    const std::string name = "env." + std::to_string(e);
    const auto state = in.get<double>(name);
    in.hand_over(name, [&] { envs_->set_state(e, state); });
  }
  observations_ = in.get<float>("envs.observations", observations_.size());
  returns_ = in.get<double>("envs.returns", returns_.size());
  lengths_ = in.get<Index>("envs.lengths", lengths_.size());
  for (std::size_t i = 0; i < observations_.size(); ++i)
    if (!std::isfinite(observations_[i]))
      fail(in.source(), ": envs.observations has ", observations_[i], " at place ", i, ", must be finite");
  for (std::size_t e = 0; e < returns_.size(); ++e) {
    if (!std::isfinite(returns_[e]))
      fail(in.source(), ": envs.returns of environment ", e, " is ", returns_[e]);
    if (lengths_[e] < 0 || lengths_[e] > Index{1} << 53)
      fail(in.source(), ": envs.lengths of environment ", e, " is ", lengths_[e]);
  }
}

}  // namespace bellman
