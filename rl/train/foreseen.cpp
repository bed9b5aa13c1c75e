#include "rl/train/foreseen.h"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <thread>

#include "rl/train/evaluator.h"
#include "rl/train/from_config.h"

namespace bellman {
namespace {

template <class... Parts>
std::string sentence(const Parts&... parts) {
  std::ostringstream text;
  (text << ... << parts);
  return text.str();
}

/// The first environment step after which the run would learn.
Index first_learning(const TrainConfig& config) {
  const Index first = std::max<Index>(1, config.learning_starts);
  return (first + config.train_frequency - 1) / config.train_frequency * config.train_frequency;
}

void add_learning(std::vector<std::string>& found, const TrainConfig& config) {
  if (!config.replay || first_learning(config) <= steps_to_make(config)) return;
  found.push_back(sentence("learning never starts: its first step would come at step ",
                           first_learning(config), " (learning_starts ", config.learning_starts,
                           ", train_frequency ", config.train_frequency, "), and the run has ",
                           steps_to_make(config)));
}

void add_threads(std::vector<std::string>& found, const TrainConfig& config) {
  const unsigned processors = std::thread::hardware_concurrency();  // 0: not known
  if (config.device != "cpu" || processors == 0 || config.threads <= static_cast<int>(processors)) return;
  found.push_back(sentence("threads is ", config.threads, ", but this process may use ", processors,
                           processors == 1 ? " processor" : " processors",
                           ": threads that take turns on one make every learn step slower"));
}

void add_returns(std::vector<std::string>& found, const TrainConfig& config, const EnvSpec& spec) {
  if (!spec.goal_in_reach)
    found.push_back(sentence("no way leads from the start to the goal of ", spec.id,
                             ": an episode returns at most ", spec.highest_return));
  const double wanted = solved_return(config, spec);
  if (config.eval_frequency > 0 && wanted > spec.highest_return)
    found.push_back(sentence("no run can count as solved: solved_return is ", wanted,
                             ", and an episode returns at most ", spec.highest_return));
  if (config.eval_frequency > 0 && wanted <= spec.lowest_return)
    found.push_back(sentence("every run counts as solved: solved_return is ", wanted,
                             ", and an episode returns at least ", spec.lowest_return));
}

/// A greedy policy that walks in circles ends at the time limit alone.
void add_evaluation(std::vector<std::string>& found, const TrainConfig& config, const EnvSpec& spec) {
  if (spec.max_episode_steps <= std::max(Evaluator::kStepLimit, steps_to_make(config))) return;
  found.push_back(
      sentence("an evaluation may last longer than the whole run: an episode in which the policy "
               "never comes to an end is cut after max_episode_steps, which is ",
               spec.max_episode_steps, " (0, no limit, cuts it after ", Evaluator::kStepLimit, ")"));
}

void add_environment(std::vector<std::string>& found, const EnvSpec& spec) {
  if (spec.narrows_observations)
    found.push_back(sentence("observations of ", spec.id, " are narrowed to 32-bit floats"));
  if (!spec.saves_episodes)
    found.push_back(sentence("an episode of ", spec.id,
                             " cannot be saved: a run that is resumed begins new episodes, and differs from "
                             "one that was never interrupted"));
}

}  // namespace

std::vector<std::string> foreseen(const TrainConfig& config, const EnvSpec& spec) {
  std::vector<std::string> found;
  add_environment(found, spec);
  add_learning(found, config);
  add_returns(found, config, spec);
  add_evaluation(found, config, spec);
  add_threads(found, config);
  return found;
}

std::vector<std::string> foreseen_jumps(const TrainConfig& before, const TrainConfig& after, Index timestep) {
  std::vector<std::string> found;
  if (before.total_timesteps == after.total_timesteps) return found;
  TrainConfig stretched = before;
  stretched.total_timesteps = after.total_timesteps;
  const auto compare = [&](const char* name, const auto& schedule) {
    const double was = value_at(schedule(before), timestep), is = value_at(schedule(stretched), timestep);
    if (is != value_at(schedule(after), timestep)) return;  // the schedule is another, as was asked for
    if (std::abs(is - was) > 1e-9 * std::max(std::abs(is), std::abs(was)))
      found.push_back(sentence(name, " goes from ", was, " to ", is, " at step ", timestep,
                               ": its schedule follows total_timesteps, which is ", after.total_timesteps,
                               " instead of ", before.total_timesteps));
  };
  compare("epsilon", exploration_schedule);
  compare("the learning rate", learning_rate_schedule);
  if (before.prioritized && after.prioritized)
    compare("beta, the importance weights' exponent,", beta_schedule);
  return found;
}

}  // namespace bellman
