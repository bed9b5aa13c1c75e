#include "rl/train/evaluator.h"

#include <algorithm>
#include <cmath>

#include "core/base/check.h"
#include "core/base/numeric.h"
#include "rl/learn/epsilon_greedy.h"
#include "rl/train/from_config.h"

namespace bellman {
namespace {

constexpr Index kEpisodeNumbers = Index{1} << 24;  // what a RandomStream's index holds

EvalResult summary(std::span<const double> returns, Index steps) {
  EvalResult result;
  result.episodes = static_cast<Index>(returns.size());
  if (returns.empty()) return result;
  const double n = static_cast<double>(returns.size());
  double sum = 0, squares = 0;
  for (double r : returns) sum += r;
  result.mean = sum / n;
  for (double r : returns) squares = std::fma(r - result.mean, r - result.mean, squares);
  result.std = std::sqrt(squares / std::max(1.0, n - 1));
  const auto [min, max] = std::minmax_element(returns.begin(), returns.end());
  result.min = *min;
  result.max = *max;
  result.mean_length = static_cast<double>(steps) / n;
  return result;
}

bool is_set(const std::atomic<bool>* stop) { return stop && stop->load(std::memory_order_relaxed); }

}  // namespace

Evaluator::Evaluator(const EnvOptions& env, Index max_episodes, std::uint64_t seed, OnNan on_nan)
    : Evaluator(env_factory(env), max_episodes, seed, on_nan) {}

Evaluator::Evaluator(const EnvFactory& make_env, Index max_episodes, std::uint64_t seed, OnNan on_nan)
    : make_env_(make_env), max_episodes_(max_episodes), seed_(seed), on_nan_(on_nan) {
  if (max_episodes < 1 || max_episodes > kEpisodeNumbers)
    fail("an evaluator of ", max_episodes, " episodes at once, must be 1 to ", kEpisodeNumbers);
  envs_.push_back(make_env_());
  const EnvSpec& spec = envs_.front()->spec();
  observation_size_ = static_cast<std::size_t>(spec.observation_shape.elements());
  num_actions_ = static_cast<std::size_t>(spec.num_actions);
  step_limit_ = spec.max_episode_steps > 0 ? spec.max_episode_steps : kStepLimit;
}

EvalResult Evaluator::evaluate(const QFunction& q, Index episodes, double epsilon,
                               const std::atomic<bool>* stop) {
  if (episodes < 1 || episodes > max_episodes_)
    fail("cannot evaluate ", episodes, " episodes at once, only 1 to ", max_episodes_);
  begin(episodes);
  for (Index t = 0; !episodes_.empty(); ++t) {
    if (stop && stop->load(std::memory_order_relaxed)) break;
    observe(t);
    const std::size_t running = episodes_.size();
    if (running == 0) break;
    q(std::span(q_).first(running * num_actions_),
      std::span<const float>(observations_).first(running * observation_size_), static_cast<Index>(running));
    step_all(t, epsilon);
  }
  return summary(returns_, steps_of_ended_);
}

void Evaluator::begin(Index episodes) {
  episodes_.clear();
  returns_.clear();
  steps_of_ended_ = 0;
  const auto count = static_cast<std::size_t>(episodes);
  while (envs_.size() < count) envs_.push_back(make_env_());
  observations_.resize(std::max(observations_.size(), count * observation_size_));
  q_.resize(std::max(q_.size(), count * num_actions_));
  episodes_.reserve(count);
  returns_.reserve(count);
  for (Index i = 0; i < episodes; ++i) {
    Env& env = *envs_[static_cast<std::size_t>(i)];
    const auto number = static_cast<std::uint32_t>(next_episode_++ % kEpisodeNumbers);
    env.seed({seed_, Purpose::kEvaluation, number});
    env.reset();
    episodes_.push_back({&env, {seed_, Purpose::kEvaluationExploration, number}, 0.0});
  }
}

void Evaluator::observe(Index t) {
  std::size_t kept = 0;
  for (const Episode& episode : episodes_) {
    const std::span<float> row =
        std::span(observations_).subspan(kept * observation_size_, observation_size_);
    episode.env->observe(row);
    if (all_finite(row))
      episodes_[kept++] = episode;
    else
      cut(episode, t, "observation");
  }
  episodes_.resize(kept);
}

void Evaluator::cut(const Episode& episode, Index t, const char* what) {
  if (on_nan_ == OnNan::kStop)
    fail("evaluation episode ", episode.exploration.index, ": a number of the ", what, " after step ", t,
         " is NaN or infinite");
  returns_.push_back(episode.episode_return);
  steps_of_ended_ += t;
}

void Evaluator::step_all(Index t, double epsilon) {
  for (std::size_t i = 0; i < episodes_.size(); ++i) {
    const std::span<const float> q = std::span<const float>(q_).subspan(i * num_actions_, num_actions_);
    const auto random = exploratory_action(episodes_[i].exploration, static_cast<std::uint64_t>(t), epsilon,
                                           static_cast<int>(num_actions_));
    episodes_[i].env->begin_step(random ? *random : greedy_action(q));
  }
  std::size_t kept = 0;
  for (Episode& episode : episodes_) {
    const StepResult result = episode.env->end_step();
    if (!std::isfinite(result.reward)) {
      cut(episode, t + 1, "reward");
      continue;
    }
    episode.episode_return += static_cast<double>(result.reward);
    if (result.terminated || result.truncated || t + 1 >= step_limit_) {
      returns_.push_back(episode.episode_return);
      steps_of_ended_ += t + 1;
    } else {
      episodes_[kept++] = episode;  // those that run on stay together, for the next call of q
    }
  }
  episodes_.resize(kept);
}

// ---- of a run

Evaluations::Evaluations(const TrainConfig& config, const EnvFactory& make_env, const EnvSpec& spec)
    : config_(config),
      make_env_(make_env),
      evaluator_(make_env, most_eval_episodes(config),
                 config.eval_seed != 0 ? config.eval_seed : derived_seed(config.seed, 0), config.on_nan),
      solved_return_(solved_return(config, spec)) {}

std::optional<EvalResult> Evaluations::evaluate(const QFunction& q, const std::atomic<bool>* stop) {
  const Index first_episode = evaluator_.next_episode();
  EvalResult eval = evaluator_.evaluate(q, config_.eval_episodes, config_.eval_epsilon, stop);
  if (eval.mean >= solved_return_ && config_.solve_confirm_episodes > 0 && !is_set(stop))
    eval = evaluator_.evaluate(q, config_.solve_confirm_episodes, config_.eval_epsilon, stop);
  if (!is_set(stop)) return eval;
  evaluator_.set_next_episode(first_episode);  // perhaps cut short: says nothing
  return std::nullopt;
}

void Evaluations::check_solved(double mean, Index timestep, double seconds) {
  if (!(mean >= solved_return_) || solved_at_timestep_) return;
  solved_at_timestep_ = timestep;
  seconds_to_solve_ = seconds;
}

void Evaluations::evaluate_finally(TrainResult& result, const QFunction& q,
                                   const std::atomic<bool>* stop) const {
  result.eval_seed = derived_seed(config_.eval_seed != 0 ? config_.eval_seed : config_.seed, 1);
  if (result.interrupted) return;
  Evaluator fresh(make_env_, config_.final_eval_episodes, result.eval_seed, config_.on_nan);
  result.eval = fresh.evaluate(q, config_.final_eval_episodes, config_.eval_epsilon, stop);
  if (result.eval.episodes == config_.final_eval_episodes) return;
  result.interrupted = true;
  result.eval = {};  // the episodes that end first are no sample of all
}

void Evaluations::save(StateWriter& out) const {
  out.add("trainer.evaluation_episodes", evaluator_.next_episode());
  out.add("trainer.solved_at_timestep", solved_at_timestep_.value_or(-1));
  out.add("time.to_solve", seconds_to_solve_);
}

void Evaluations::load(const StateReader& in, const RunCounts& counts) {
  evaluator_.set_next_episode(in.count("trainer.evaluation_episodes"));
  const Index solved = counts.moment(in, "trainer.solved_at_timestep", -1);
  solved_at_timestep_ = solved >= 0 ? std::optional(solved) : std::nullopt;
  seconds_to_solve_ = in.seconds("time.to_solve");
}

}  // namespace bellman
