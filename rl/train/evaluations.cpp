#include "rl/train/evaluations.h"

#include "rl/train/from_config.h"

namespace bellman {
namespace {

bool is_set(const std::atomic<bool>* stop) { return stop && stop->load(std::memory_order_relaxed); }

}  // namespace

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
