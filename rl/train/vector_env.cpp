#include "rl/train/vector_env.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "core/base/check.h"
#include "core/base/memory.h"

namespace bellman {

VectorEnv::VectorEnv(const EnvFactory& make_env, Index num_envs, std::uint64_t seed, RankShare here)
    : here_(here.count > 0 ? here : RankShare{0, num_envs}),
      envs_(make_batch_env(make_env, here_.count,
                           {seed, Purpose::kEnvironment, static_cast<std::uint32_t>(here_.first)})),
      observation_size_(static_cast<std::size_t>(spec().observation_shape.elements())) {
  const auto n = static_cast<std::size_t>(num_envs);
  check_memory(checked_product(here_.count, spec().observation_shape.elements() * Index{sizeof(float)},
                               "the observations of num_envs"),
               "what num_envs show");
  observations_.resize(static_cast<std::size_t>(here_.count) * observation_size_);
  results_.resize(n);
  returns_.resize(n);
  lengths_.resize(n);
}

void VectorEnv::reset(Index e) {
  const Index place = e - here_.first;
  if (here_.has(e)) envs_->reset(observations_, {&place, 1});
  returns_[static_cast<std::size_t>(e)] = 0;
  lengths_[static_cast<std::size_t>(e)] = 0;
}

StepResult VectorEnv::step(Index e, std::int32_t action) {
  step(e - here_.first, {&action, 1});
  return result(e);
}

void VectorEnv::step(std::span<const std::int32_t> actions) {
  if (static_cast<Index>(actions.size()) != here_.count)
    fail(actions.size(), " actions for ", here_.count, " environments, must be as many");
  step(0, actions);
}

/// From environment `first` of those here on.
void VectorEnv::step(Index first, std::span<const std::int32_t> actions) {
  const std::span<StepResult> results = std::span(results_).subspan(static_cast<std::size_t>(here_.first),
                                                                    static_cast<std::size_t>(here_.count));
  envs_->step(results, observations_, first, actions);
  const Index begin = here_.first + first;
  for (Index e = begin; e < begin + static_cast<Index>(actions.size()); ++e) count(e);
}

void VectorEnv::set_result(Index e, const StepResult& result) {
  results_[static_cast<std::size_t>(e)] = result;
  count(e);
}

void VectorEnv::count(Index env) {
  const auto e = static_cast<std::size_t>(env);
  if (results_[e].began) {
    returns_[e] = 0;
    lengths_[e] = 0;
    return;
  }
  returns_[e] += static_cast<double>(results_[e].reward);
  ++lengths_[e];
}

void VectorEnv::save(StateWriter& out) const {
  for (Index e = here_.first; e < here_.end(); ++e)
    out.add("env." + std::to_string(e), envs_->state(e - here_.first));
  out.add("envs.observations", observations_);
  out.add("envs.returns", returns_);
  out.add("envs.lengths", lengths_);
}

void VectorEnv::load(const StateReader& in) {
  for (Index e = here_.first; e < here_.end(); ++e) {
    const std::string name = "env." + std::to_string(e);
    const auto state = in.get<double>(name);
    in.hand_over(name, [&] { envs_->set_state(e - here_.first, state); });
  }
  const auto all = in.view<float>("envs.observations", results_.size() * observation_size_);
  const auto first = static_cast<std::size_t>(here_.first) * observation_size_;
  std::ranges::copy(all.subspan(first, observations_.size()), observations_.begin());
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
