#include "apps/explain/step_question.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <string_view>

#include "apps/base/numbers.h"
#include "apps/explain/q_change.h"
#include "apps/explain/update_trace.h"
#include "core/base/check.h"
#include "core/base/text.h"
#include "envs/env.h"
#include "rl/train/from_config.h"

namespace bellman {

std::optional<Index> StepQuestion::wanted_step() const {
  constexpr Index kMost = Index{1} << 53;
  return step ? std::optional(parse_integer("--step", *step, 1, kMost)) : std::nullopt;
}

std::optional<Index> StepQuestion::wanted_sample(const TrainConfig& config) const {
  if (!sample) return std::nullopt;
  return parse_integer("--sample", *sample, 0, learner_options(config, nullptr).max_batch - 1);
}

std::optional<Index> StepQuestion::wanted_action(const TrainConfig& config) const {
  if (!action) return std::nullopt;
  return parse_integer("--action", *action, 0, make_env(config.env)->spec().num_actions - 1);
}

std::optional<std::vector<double>> StepQuestion::wanted_state(const TrainConfig& config) const {
  if (!state) return std::nullopt;
  constexpr double kMost = std::numeric_limits<float>::max();
  std::vector<double> numbers = parse_reals("--state", *state, -kMost, kMost);
  try {
    check_state(config, numbers);
  } catch (const Error& error) {
    fail("--state ", printable(*state), ": ", error.what());
  }
  return numbers;
}

void StepQuestion::check(const TrainConfig& config) const {
  wanted_sample(config);
  wanted_action(config);
  wanted_state(config);
  if (!tensor) return;
  const std::vector<std::string> names = traced_names(config, make_env(config.env)->spec());
  if (std::ranges::find(names, *tensor) != names.end()) return;
  const std::vector<std::string_view> known(names.begin(), names.end());
  fail("--tensor: the step has no tensor \"", printable(*tensor), "\"", suggestion(*tensor, known));
}

}  // namespace bellman
