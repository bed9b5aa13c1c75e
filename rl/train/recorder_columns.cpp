#include "rl/train/recorder_columns.h"

#include <array>
#include <memory>

#include "envs/grid/tabular_env.h"
#include "rl/learn/phase_clock.h"
#include "rl/train/trainer.h"
#include "rl/train/value_errors.h"

namespace bellman {
namespace {

std::vector<ActivationLayer> activations_of(const Network& network) {
  std::vector<ActivationLayer> layers;
  for (std::size_t i = 0; i < network.layers(); ++i) {
    const Activation::Kind kind = network.layer(i).activation().kind;
    if (kind == Activation::kNone) continue;
    layers.push_back({i, std::string("a").append(std::to_string(i + 1)), network.layer(i).output_shape()[0],
                      kind == Activation::kRelu});
  }
  return layers;
}

Index table_entries_of(const Trainer& trainer) {
  constexpr Index kMost = 400;
  const std::unique_ptr<Env> env = trainer.make_env();
  const TabularEnv* const grid = as_tabular(*env);
  if (!grid) return 0;
  const Index entries = grid->task().mdp.num_states() * env->spec().num_actions;
  return entries <= kMost ? entries : 0;
}

}  // namespace

RecorderColumns::RecorderColumns(const Trainer& trainer)
    : activations(activations_of(trainer.network())), table_entries(table_entries_of(trainer)) {
  const TrainConfig& config = trainer.config();
  const auto per_tensor = [&](std::string_view kind) {
    const std::size_t first = names.size();
    for (const ArenaLayout::Entry& entry : trainer.network().layout().entries()) add(kind, entry.name);
    return first;
  };
  weight_norm = per_tensor("weight_norm");
  grad_norm = per_tensor("grad_norm");
  update_ratio = per_tensor("update_ratio");
  dead_share = names.size();
  for (const ActivationLayer& a : activations)
    if (a.is_relu) add("dead_share", std::to_string(a.layer));
  dormant_share = names.size();
  for (const ActivationLayer& a : activations) add("dormant_share", std::to_string(a.layer));
  td_error = names.size();
  for (const TdErrorQuantile& quantile : kTdErrorQuantiles) add("td_error", quantile.name);
  if (config.replay && config.prioritized) effective_size = add("batch", "effective_size");
  if (config.target_network) target_gap = add("target_gap", "parameters");
  if (config.diagnostics == Diagnostics::kFull) {
    if (config.target_network) {
      target_gap_q = add("target_gap", "q");
      churn_target = add("policy_churn", "target");
    }
    churn_step = add("policy_churn", "step");
    effective_rank = add("effective_rank", "features");
  }
  q = names.size();
  for (Index i = 0; i < table_entries; ++i) add("q", std::to_string(i));
  value_error = names.size();
  if (table_entries > 0)
    for (const std::string_view name : kValueErrorNames) add("value_error", name);
  seconds = names.size();
  for (const std::string_view phase : kPhaseNames) add("seconds", phase);
}

std::vector<std::pair<std::string, std::string>> diagnostics_meanings() {
  std::vector<std::pair<std::string, std::string>> meanings = {
      {"time/total_timesteps", "environment steps so far, all environments together"},
      {"weight_norm/PARAMETER", "norm of the parameter: weight_norm/0.weight"},
      {"grad_norm/PARAMETER", "norm of its gradient before clipping"},
      {"update_ratio/PARAMETER", "norm of the optimiser's step over the parameter's norm"},
      {"dead_share/LAYER", "share of a relu's outputs that are 0 for the whole batch"},
      {"dormant_share/LAYER", "share of an activation layer's units that hardly ever act"}};
  for (const TdErrorQuantile& quantile : kTdErrorQuantiles)
    meanings.emplace_back(
        std::string("td_error/").append(quantile.name),
        quantile.share == 1 ? "the largest |delta| of the batch" : "lower quantile of |delta| in the batch");
  meanings.insert(meanings.end(),
                  {{"batch/effective_size", "prioritised replay: effective sample size of the weights"},
                   {"target_gap/parameters", "norm of online less target parameters"},
                   {"target_gap/q", "full: mean |Q - Q of the target network|"},
                   {"policy_churn/target", "full: share of states where the two act differently"},
                   {"policy_churn/step", "full: share of states whose action the step changes"},
                   {"effective_rank/features", "full: rank of what the last layer sees"},
                   {"q/N", "after an evaluation of a small gridworld: Q(s, a) with N = s actions + a"}});
  constexpr std::array<const char*, kValueErrorNames.size()> kOfErrors = {
      "likewise: mean |Q - Q*|, exact", "likewise: mean |Q - Q of the greedy policy|, exact",
      "likewise: mean of max Q - V*: overestimation",
      "likewise: mean of max Q - V of the greedy policy: overestimation",
      "likewise: mean of V* - V of the greedy policy: what it loses"};
  for (std::size_t i = 0; i < kOfErrors.size(); ++i)
    meanings.emplace_back(std::string("value_error/").append(kValueErrorNames[i]), kOfErrors[i]);
  for (std::size_t i = 0; i < kPhaseNames.size(); ++i)
    meanings.emplace_back(std::string("seconds/").append(kPhaseNames[i]),
                          std::string(kPhaseMeanings[i]).append(", seconds since the row before"));
  return meanings;
}

std::size_t RecorderColumns::add(std::string_view kind, std::string_view name) {
  names.push_back(std::string(kind).append("/").append(name));
  return names.size() - 1;
}

}  // namespace bellman
