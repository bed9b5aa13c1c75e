#include "rl/train/training_run.h"

#include <algorithm>
#include <exception>
#include <string>
#include <utility>

#include "core/base/check.h"
#include "envs/frame_stack.h"
#include "envs/process/atari_options.h"
#include "rl/ranks/device_gradient_average.h"
#include "rl/ranks/ranked_gradient_average.h"
#include "rl/replay/replay_ring.h"
#include "rl/train/from_config.h"

namespace bellman {
namespace {

/// No environment that is made later reads the map's file again.
TrainConfig with_map_read(TrainConfig config, const TrainerParts& parts) {
  config.validate();
  if (has_ranks(parts))
    if (const std::string reason = ranks_unsupported_reason(config, parts); !reason.empty())
      fail("several ranks cannot train this: ", reason);
  if (!parts.make_env) read_map(config.env);
  return config;
}

TrainerParts completed(TrainerParts parts, const TrainConfig& config) {
  parts.make_env =
      parts.make_env ? frame_stacked(parts.make_env, config.env.frame_stack) : env_factory(config.env);
  return parts;
}

/// What evaluations play: an environment that was brought, as it is.
EnvFactory evaluation_factory(const TrainerParts& brought, const TrainerParts& parts,
                              const TrainConfig& config) {
  const EnvOptions options = evaluation_options(config.env);
  return brought.make_env || options == config.env ? parts.make_env : env_factory(options);
}

/// Null: there is one rank.
std::unique_ptr<GradientAverage> average_of_ranks(const TrainerParts& parts, Backend& backend) {
  if (!has_ranks(parts)) return nullptr;
  if (backend.is_on_host()) return std::make_unique<RankedGradientAverage>(*parts.ranks);
  if (!parts.rank_ops) fail("several ranks cannot train on ", backend.name(), " without its RankOps");
  return std::make_unique<DeviceGradientAverage>(backend, *parts.rank_ops, *parts.ranks, parts.exchange);
}

/// Of memory that several ranks of a machine share.
std::optional<AvailableMemory> own_part(std::optional<AvailableMemory> available, int ranks) {
  if (available && ranks > 1) {
    available->bytes /= ranks;
    available->limit += ", in equal parts for " + std::to_string(ranks) + " ranks,";
  }
  return available;
}

/// Before any of it is taken. What no machine could run is refused for that.
RunMemory checked(const TrainConfig& config, const RunMemory& memory,
                  const std::optional<AvailableMemory>& available) {
  ReplayRing::check_sizes(replay_slots(config), config.num_envs, config.n_step, config.env.frame_stack);
  check_run_memory(memory, available);
  return memory;
}

}  // namespace

TrainingRun::TrainingRun(const TrainConfig& settings, Backend& brought_backend, const TrainerParts& brought)
    : config(with_map_read(settings, brought)),
      parts(completed(brought, config)),
      backend(brought_backend),
      lockstep(has_ranks(parts) ? std::make_unique<Lockstep>(*parts.ranks, config.num_envs) : nullptr),
      gradient_average(average_of_ranks(parts, backend)),
      collector(config, parts.make_env, lockstep.get()),
      network(q_network(config, collector.spec())),
      memory_before(own_part(available_memory(), parts.ranks_on_machine)),
      memory(checked(config,
                     run_memory(config, collector.spec(), network, backend, uses_device_replay(config, parts),
                                parts.records, lockstep ? lockstep->size() : 1),
                     memory_before)),
      agent(make_agent(config, collector.spec(), parts, backend, network, collector.normalizer(),
                       {lockstep.get(), gradient_average.get()})),
      q_function([this](std::span<float> values, std::span<const float> observations, Index n) {
        agent.q_values(values, observations, n);
      }),
      evaluations_(config, evaluation_factory(brought, parts, config), collector.spec()),
      counts_{.num_envs = config.num_envs},
      epsilon_(exploration_schedule(config)),
      learning_rate_(learning_rate_schedule(config)),
      beta_(beta_schedule(config)) {
  kept.parameters.resize(static_cast<std::size_t>(network.layout().size()));
}

// ---- the loop

/// Of several ranks each hears its own signals and clock; all act on what they have told each other.
void TrainingRun::listen(const std::atomic<bool>* stop) {
  stop_ = lockstep ? &lockstep->is_stopped() : stop;
  if (lockstep) lockstep->listen(stop, hooks.checkpoint_is_due);
}

TrainResult TrainingRun::run(const std::atomic<bool>* stop) {
  listen(stop);
  ran = true;
  if (parts.records) log.clock().start();
  if (!resumed) {
    log.start();
    collector.begin_episodes(agent, counts_);
  }
  show_progress();
  const auto checkpoint_when_due = [&] {
    if (counts_.round_passes(hooks.checkpoint_frequency)) checkpoint();
  };
  if (counts_.is_within_round()) {  // the run that is resumed ended there
    go_on_with_round();
    checkpoint_when_due();
  }
  while (counts_.timestep < config.total_timesteps && !is_stopped() && !is_solved_and_done()) {
    if (counts_.episodes_are_due) collector.restart_episodes(agent, counts_);
    counts_.episodes_are_due = false;
    log.clock().begin_round(static_cast<std::uint64_t>(counts_.rounds));
    collector.step(agent, log, counts_, value_at(epsilon_, counts_.timestep));
    finish_round();
    checkpoint_when_due();
    check_clock();
    log.clock().end_round();
  }
  save_results();
  return finish();
}

/// Learns and syncs after each of the round's steps. Evaluation and row come once, when one of these steps is
/// a multiple of their frequency: they then describe the parameters after all the round's learn steps. A stop
/// between two gradient steps ends the round there: a checkpoint says so, and the run that resumes from it
/// begins with the next gradient step.
void TrainingRun::finish_round() {
  for (; counts_.learnt_timestep < counts_.timestep; ++counts_.learnt_timestep)
    if (!learn_and_sync(counts_.learnt_timestep + 1)) return;
  counts_.evaluation_is_due = counts_.round_passes(config.eval_frequency);
  counts_.row_is_due = counts_.evaluation_is_due || counts_.round_passes(config.log_frequency);
  finish_evaluation_and_row();
}

/// A stop within the evaluation leaves both due: a checkpoint says so, and the run that resumes from it
/// begins here. The last round's row waits for the run's last evaluation (finish()).
void TrainingRun::finish_evaluation_and_row() {
  if (counts_.evaluation_is_due && !evaluate()) return;
  counts_.evaluation_is_due = false;
  if (counts_.row_is_due && counts_.timestep < config.total_timesteps) report();
}

void TrainingRun::go_on_with_round() {
  if (counts_.learnt_timestep < counts_.timestep)
    finish_round();
  else if (counts_.is_within_round())
    finish_evaluation_and_row();
}

bool TrainingRun::conclude_round(const std::atomic<bool>* stop) {
  listen(stop);
  go_on_with_round();
  log.flush();
  return counts_.learnt_timestep == counts_.timestep && !counts_.evaluation_is_due;
}

/// False: stopped between two gradient steps.
bool TrainingRun::learn_and_sync(Index t) {
  if (learning_is_due(t) && !learn()) return false;
  counts_.phase_steps = 0;
  if (config.target_network && t % config.target_network_frequency == 0) {
    if (hooks.sync && counts_.gradient_updates > 0) hooks.sync(t);
    agent.update_target(static_cast<float>(config.tau));
  }
  return true;
}

bool TrainingRun::learning_is_due(Index t) const {
  if (!config.replay) return t == counts_.timestep;  // once a round, from all that the round brought
  return t >= config.learning_starts && t % config.train_frequency == 0;
}

/// The gradient steps of a training phase. False: stopped between two of them; the next call makes the rest.
bool TrainingRun::learn() {
  while (counts_.phase_steps < config.gradient_steps) {
    if (counts_.phase_steps > 0) {
      if (is_stopped()) return false;
      check_clock();
    }
    Index wanted = std::min(agent.steps_at_once(), config.gradient_steps - counts_.phase_steps);
    const bool is_watched = hooks.learn && agent.replay().size() > 0;
    if (is_watched) {
      wanted = 1;
      hooks.learn(counts_.gradient_updates + 1, StepMoment::kBefore);
    }
    const Index made = agent.learn_steps(learn_step(), wanted);
    counts_.gradient_updates += made;
    counts_.phase_steps += made;
    if (is_watched) hooks.learn(counts_.gradient_updates, StepMoment::kAfter);
    if (made < wanted) break;  // there is nothing to learn from yet
    log.after_long_step();
  }
  return true;
}

/// The next one.
LearnStep TrainingRun::learn_step() {
  const Index timestep = counts_.timestep;
  return {.number = static_cast<std::uint64_t>(counts_.gradient_updates),
          .timestep = timestep,
          .learning_rate = static_cast<float>(value_at(learning_rate_, timestep)),
          .beta = value_at(beta_, timestep),
          .clock = &log.clock()};
}

/// False: it was stopped, and has changed nothing.
bool TrainingRun::evaluate() {
  const PhaseClock::Whole timed(log.clock(), Phase::kEvaluation);
  const std::optional<EvalResult> eval = evaluations_.evaluate(q_function, stop_);
  if (!eval) return false;
  counts_.evaluated_timestep = counts_.timestep;
  log.evaluated(*eval);
  log.after_long_step();
  evaluations_.check_solved(eval->mean, counts_.timestep, log.seconds());
  if (config.keep_best && !(eval->mean < kept.eval_mean))
    kept.keep(eval->mean, counts_.timestep, agent, collector.normalizer());
  return true;
}

void TrainingRun::report() {
  counts_.row_is_due = false;
  counts_.reported_timestep = counts_.timestep;
  RunPosition now = position();
  now.skipped_updates = agent.skipped_updates();
  now.skipped_steps = counts_.skipped_steps;
  log.row(now, agent.take_summary());
}

RunPosition TrainingRun::position() const {
  const Index timestep = counts_.timestep;
  return {.timestep = timestep,
          .total_timesteps = config.total_timesteps,
          .epsilon = value_at(epsilon_, timestep),
          .learning_rate = value_at(learning_rate_, timestep),
          .gradient_updates = counts_.gradient_updates};
}

/// The loss is read only when it is shown: a device has to be waited for.
void TrainingRun::show_progress() { log.progress(position(), agent.last_loss()); }

/// What is due by time: progress about ten times a second, and a checkpoint, which is asked for as often
/// unless it may be due sooner.
void TrainingRun::check_clock() {
  const bool is_shown = log.progress_is_due();
  if (is_shown) show_progress();
  if (lockstep) {
    if (lockstep->take_checkpoint_due()) checkpoint();
    return;
  }
  const bool asks = is_shown || config.checkpoint_seconds < RunLog::kSecondsBetween;
  if (asks && hooks.checkpoint_is_due && hooks.checkpoint_is_due()) checkpoint();
}

void TrainingRun::checkpoint() {
  if (!hooks.checkpoint) return;
  const PhaseClock::Whole timed(log.clock(), Phase::kCheckpoints);
  log.flush();
  hooks.checkpoint(counts_.timestep);
}

// ---- the end

/// The model comes first: it is small, and there may be no room for the checkpoint. A model that cannot be
/// saved is no reason to lose the checkpoint.
void TrainingRun::save_results() {
  std::exception_ptr failure;
  try {
    hand_over_model();
  } catch (...) {
    failure = std::current_exception();
  }
  checkpoint();
  if (failure) std::rethrow_exception(failure);
}

void TrainingRun::hand_over_model() {
  agent.skipped_updates();  // throws for a step on a device that was not finite: no model is made of it
  if (!kept.chosen()) kept.keep(kept.eval_mean, counts_.timestep, agent, collector.normalizer());
  if (hooks.model) hooks.model();
}

TrainResult TrainingRun::finish() {
  const Index handed_over = kept.timestep;
  if (config.eval_frequency > 0 && counts_.evaluated_timestep != counts_.timestep && !is_stopped())
    evaluate();
  if (kept.timestep != handed_over) hand_over_model();
  // A run whose end was moved to where it stands has its row of this step, from before the evaluation.
  if (counts_.reported_timestep != counts_.timestep) report();
  TrainResult result = {.timesteps = counts_.timestep,
                        .gradient_updates = counts_.gradient_updates,
                        .skipped_updates = agent.skipped_updates(),
                        .skipped_steps = counts_.skipped_steps,
                        .wall_seconds = log.seconds(),
                        .solved_at_timestep = evaluations_.solved_at_timestep(),
                        .seconds_to_solve = evaluations_.seconds_to_solve(),
                        .model_timestep = kept.timestep,
                        .eval = {},
                        .training_mean = log.recent_returns().mean(),
                        .training_episodes = static_cast<Index>(log.recent_returns().count()),
                        .interrupted = is_stopped()};
  show_progress();
  agent.set_parameters(kept.parameters);
  if (RunningNormalizer* const normalizer = collector.normalizer())
    normalizer->set_state({1, kept.mean, kept.variance});
  evaluations_.evaluate_finally(result, q_function, stop_);
  log.flush();
  return result;
}

NextStep TrainingRun::next_step() { return batch_for(learn_step(), agent.replay(), collector.normalizer()); }

// ---- state

void TrainingRun::save(StateWriter& out) {
  agent.save(out);
  collector.save(out);
  log.save(out);
  counts_.save(out);
  evaluations_.save(out);
  kept.save(out);
}

void TrainingRun::load(const StateReader& in) {
  agent.load(in);
  collector.load(in);
  log.load(in);
  counts_.load(in);
  evaluations_.load(in, counts_);
  kept.load(in, counts_, collector.normalizer() ? collector.normalizer()->mean().size() : 0);
  if (!collector.spec().saves_episodes) counts_.episodes_are_due = true;
  resumed = true;
}

}  // namespace bellman
