// Evaluations during training and at its end, and the parameters that they keep.
#include "rl/train/trainer_state.h"

namespace bellman {

/// A few lucky episodes do not solve anything: a mean that reaches solved_return must hold over
/// solve_confirm_episodes more, and then counts instead. False: it was stopped, and has changed nothing.
bool Trainer::State::evaluate() {
  const Index first_episode = evaluator.next_episode();
  EvalResult eval = evaluator.evaluate(q_function, config.eval_episodes, config.eval_epsilon, stop);
  if (eval.mean >= solved_return && config.solve_confirm_episodes > 0 && !stopped())
    eval = evaluator.evaluate(q_function, config.solve_confirm_episodes, config.eval_epsilon, stop);
  if (stopped()) {  // perhaps cut short: says nothing
    evaluator.set_next_episode(first_episode);
    return false;
  }
  evaluated_timestep = timestep;
  log.evaluated(eval);
  if (eval.mean >= solved_return && !result.solved_at_timestep) {
    result.solved_at_timestep = timestep;
    result.seconds_to_solve = log.seconds();
  }
  if (config.keep_best && !(eval.mean < kept_eval_mean)) keep_parameters(eval.mean);
  return true;
}

void Trainer::State::keep_parameters(double eval_mean) {
  kept_eval_mean = eval_mean;
  result.model_timestep = timestep;
  agent->get_parameters(kept_parameters);
  if (!normalizer) return;
  kept_mean.assign(normalizer->mean().begin(), normalizer->mean().end());
  kept_variance.assign(normalizer->variance().begin(), normalizer->variance().end());
}

TrainResult Trainer::State::finish() {
  const Index handed_over = result.model_timestep;
  if (config.eval_frequency > 0 && evaluated_timestep != timestep && !stopped()) evaluate();
  if (result.model_timestep != handed_over) hand_over_model();
  // A run whose end was moved to where it stands has its row of this step, from before the evaluation.
  if (reported_timestep != timestep) report();
  result.interrupted = stopped();
  result.timesteps = timestep;
  result.gradient_updates = gradient_updates;
  result.skipped_updates = agent->skipped_updates();
  result.skipped_steps = skipped_steps;
  result.wall_seconds = log.seconds();
  show_progress();
  evaluate_kept();
  log.flush();
  return result;
}

/// Episodes that no evaluation during training has seen: the kept parameters were chosen by those.
void Trainer::State::evaluate_kept() {
  agent->set_parameters(kept_parameters);
  if (normalizer) normalizer->set_state({1, kept_mean, kept_variance});
  result.eval_seed = derived_seed(config.eval_seed != 0 ? config.eval_seed : config.seed, 1);
  if (result.interrupted) return;
  Evaluator fresh(parts.make_env, config.final_eval_episodes, result.eval_seed, config.on_nan);
  result.eval = fresh.evaluate(q_function, config.final_eval_episodes, config.eval_epsilon, stop);
  if (result.eval.episodes == config.final_eval_episodes) return;
  result.interrupted = true;
  result.eval = {};  // the episodes that end first are no sample of all
}

}  // namespace bellman
