#include "rl/trainer.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "core/check.h"
#include "rl/agent.h"
#include "rl/from_config.h"
#include "rl/host_agent.h"
#include "rl/op_by_op_learner.h"
#include "rl/q_network.h"
#include "rl/resident_agent.h"
#include "rl/run_log.h"
#include "rl/running_normalizer.h"
#include "rl/vector_env.h"

namespace bellman {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

const TrainConfig& validated(const TrainConfig& config) {
  config.validate();
  return config;
}

TrainerParts completed(TrainerParts parts, const TrainConfig& config, Backend& backend) {
  if (!parts.make_env) parts.make_env = [options = config.env] { return make_env(options); };
  if (!parts.make_learner)
    parts.make_learner = [&backend](const Network& network, const LearnerOptions& options) {
      return std::make_unique<OpByOpLearner>(backend, network, options);
    };
  return parts;
}

/// Replay in the backend's memory where that was offered and the settings allow it, else in the host's.
std::unique_ptr<Agent> make_agent(const TrainConfig& config, const TrainerParts& parts, Backend& backend,
                                  const Network& network, const RunningNormalizer* normalizer) {
  ReplayRing ring(replay_slots(config), config.num_envs, config.n_step, config.gamma);
  const LearnerOptions options = learner_options(config, ring.capacity(), normalizer);
  if (parts.replay_ops && config.replay && !normalizer)
    return std::make_unique<ResidentAgent>(
        backend, *parts.replay_ops, network, std::move(ring), options,
        ResidentAgent::Options{.prioritized = config.prioritized,
                               .priorities = {.alpha = config.per_alpha, .epsilon = config.per_epsilon},
                               .seed = config.seed});
  auto sampler = make_sampler(config, ring.capacity());
  return std::make_unique<HostAgent>(std::move(ring), std::move(sampler),
                                     parts.make_learner(network, options), max_batch(config),
                                     network.output_shape()[0]);
}

}  // namespace

struct Trainer::State {
  State(const TrainConfig& settings, Backend& backend, const TrainerParts& brought);

  TrainResult run(const std::atomic<bool>* stop_flag);

  // One round: every environment makes one step, then what is due at each of these steps is done.
  void act();
  void step();
  void learn();
  void sync_target();
  bool evaluate();
  void report();

  void begin_episode(Index e);
  std::span<const float> observation(Index e);
  float learning_reward(float reward) const;
  void finish_round();
  void learn_and_sync(Index t);
  bool learning_is_due(Index t) const;
  void keep_parameters(double eval_mean);
  TrainResult finish();
  void evaluate_kept();

  void save(StateWriter& out);
  void load(const StateReader& in);
  void load_counts(const StateReader& in);
  void load_kept(const StateReader& in);
  void checkpoint_when_due(Index before);
  void checkpoint();

  bool stopped() const { return stop && stop->load(std::memory_order_relaxed); }
  bool solved_and_done() const { return config.stop_when_solved && result.solved_at_timestep; }
  RunPosition position() const;
  void show_progress(bool force = false);

  TrainConfig config;
  TrainerParts parts;
  VectorEnv envs;
  Network network;
  std::unique_ptr<RunningNormalizer> normalizer;  // null: observations are not normalised
  std::unique_ptr<Agent> agent;                   // replay, networks, optimiser
  QFunction q_function;
  Evaluator evaluator;
  RunLog log;

  Schedule epsilon, learning_rate, beta;
  std::vector<std::int32_t> actions;  // (E)

  Index checkpoint_frequency = 0;
  std::function<void(Index)> checkpoint_hook;
  bool resumed = false, ran = false;

  const std::atomic<bool>* stop = nullptr;
  double solved_return = 0;
  Index rounds = 0;                // steps each environment has made
  Index timestep = 0;              // steps all environments together have made
  Index done_timestep = 0;         // up to here all that was due is done: == timestep between two rounds, but
  bool evaluation_is_cut = false;  // after a stop within the evaluation at done_timestep + 1
  Index gradient_updates = 0;
  Index evaluated_timestep = -1, reported_timestep = -1;
  TrainResult result;

  double kept_eval_mean = kNone;
  std::vector<float> kept_parameters;
  std::vector<double> kept_mean, kept_variance;
};

Trainer::State::State(const TrainConfig& settings, Backend& backend, const TrainerParts& brought)
    : config(settings),
      parts(completed(brought, config, backend)),
      envs(parts.make_env, config.num_envs, config.seed),
      network(complete_network_text(config.network, envs.spec().num_actions, config.dueling),
              envs.spec().observation_shape),
      normalizer(config.normalize_observation
                     ? std::make_unique<RunningNormalizer>(envs.spec().observation_shape.elements())
                     : nullptr),
      agent(make_agent(config, parts, backend, network, normalizer.get())),
      q_function([this](std::span<float> values, std::span<const float> observations, Index n) {
        agent->q_values(values, observations, n);
      }),
      evaluator(parts.make_env, std::max(config.eval_episodes, config.solve_confirm_episodes),
                config.eval_seed != 0 ? config.eval_seed : derived_seed(config.seed, 0)),
      epsilon(exploration_schedule(config)),
      learning_rate(LinearSchedule(config.learning_rate,
                                   config.anneal_learning_rate ? 0.0 : config.learning_rate,
                                   config.total_timesteps)),
      beta(LinearSchedule(config.per_beta_start, config.per_beta_end, config.total_timesteps)),
      actions(static_cast<std::size_t>(config.num_envs)),
      solved_return(std::isnan(config.solved_return) ? envs.spec().reward_threshold : config.solved_return),
      kept_parameters(static_cast<std::size_t>(network.layout().size())) {}

// ---- the loop

TrainResult Trainer::State::run(const std::atomic<bool>* stop_flag) {
  stop = stop_flag;
  ran = true;
  if (!resumed) {
    log.start();
    for (Index e = 0; e < envs.size(); ++e) begin_episode(e);
  }
  show_progress(true);
  finish_round();  // the one in whose evaluation the run that is resumed was stopped
  while (timestep < config.total_timesteps && !stopped() && !solved_and_done()) {
    act();
    step();
    finish_round();
    checkpoint_when_due(timestep - envs.size());
    show_progress();
  }
  checkpoint();
  return finish();
}

/// Epsilon-greedy. Every environment has a stream and a draw of its own.
void Trainer::State::act() {
  agent->act(actions, envs.observations(),
             {.seed = config.seed,
              .round = static_cast<std::uint64_t>(rounds),
              .epsilon = value_at(epsilon, timestep)});
}

/// Every environment takes its action, and the replay what came of it.
void Trainer::State::step() {
  ++rounds;
  for (Index e = 0; e < envs.size(); ++e) {
    const std::int32_t action = actions[static_cast<std::size_t>(e)];
    const StepResult outcome = envs.step(e, action);
    ++timestep;
    agent->add(e, action, learning_reward(outcome.reward), outcome.terminated, outcome.truncated,
               observation(e));
    if (outcome.terminated || outcome.truncated) {
      log.episode(envs.episode_return(e), envs.episode_length(e), timestep);
      begin_episode(e);
    }
  }
}

void Trainer::State::begin_episode(Index e) {
  envs.reset(e);
  agent->begin_episode(e, observation(e));
}

/// What environment e shows now. The running statistics see every observation once.
std::span<const float> Trainer::State::observation(Index e) {
  if (normalizer) normalizer->update(envs.observation(e));
  return envs.observation(e);
}

/// Scaled, then clipped: what is learnt from. Returns that are reported are of raw rewards.
float Trainer::State::learning_reward(float reward) const {
  const double scaled = config.reward_scale * static_cast<double>(reward);
  if (config.reward_clip == 0) return static_cast<float>(scaled);
  return static_cast<float>(std::clamp(scaled, -config.reward_clip, config.reward_clip));
}

/// Counts environment steps one by one, so a round of several never jumps over what is due. A stop within an
/// evaluation ends it there: a checkpoint says so, and the run that goes on with it begins with that
/// evaluation.
void Trainer::State::finish_round() {
  for (; done_timestep < timestep; ++done_timestep) {
    const Index t = done_timestep + 1;
    if (!evaluation_is_cut) learn_and_sync(t);
    const bool evaluation_is_due = config.eval_frequency > 0 && t % config.eval_frequency == 0;
    evaluation_is_cut = evaluation_is_due && !evaluate();
    if (evaluation_is_cut) return;
    if (evaluation_is_due || t % config.log_frequency == 0) report();
  }
}

void Trainer::State::learn_and_sync(Index t) {
  if (learning_is_due(t))
    for (Index i = 0; i < config.gradient_steps; ++i) learn();
  if (config.target_network && t % config.target_network_frequency == 0) sync_target();
}

bool Trainer::State::learning_is_due(Index t) const {
  if (!config.replay) return t == timestep;  // once a round, from all that the round brought
  return t >= config.learning_starts && t % config.train_frequency == 0;
}

void Trainer::State::learn() {
  if (agent->learn({.number = static_cast<std::uint64_t>(gradient_updates),
                    .timestep = timestep,
                    .learning_rate = static_cast<float>(value_at(learning_rate, timestep)),
                    .beta = value_at(beta, timestep)}))
    ++gradient_updates;
}

void Trainer::State::sync_target() { agent->update_target(static_cast<float>(config.tau)); }

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

void Trainer::State::report() {
  reported_timestep = timestep;
  log.row(position(), agent->take_summary());
}

RunPosition Trainer::State::position() const {
  return {.timestep = timestep,
          .total_timesteps = config.total_timesteps,
          .epsilon = value_at(epsilon, timestep),
          .learning_rate = value_at(learning_rate, timestep),
          .gradient_updates = gradient_updates};
}

/// The loss is asked for only when somebody looks: a device has to be waited for.
void Trainer::State::show_progress(bool force) {
  if (force || log.progress_is_due()) log.progress(position(), agent->last_loss());
}

// ---- checkpoints

/// A round of several environments may pass a multiple of the frequency without hitting it.
void Trainer::State::checkpoint_when_due(Index before) {
  if (checkpoint_frequency > 0 && timestep / checkpoint_frequency > before / checkpoint_frequency)
    checkpoint();
}

void Trainer::State::checkpoint() {
  if (!checkpoint_hook) return;
  log.flush();
  checkpoint_hook(timestep);
}

void Trainer::State::save(StateWriter& out) {
  agent->save(out);
  envs.save(out);
  if (normalizer) normalizer->save(out);
  log.save(out);
  out.add("trainer.rounds", rounds);
  out.add("trainer.timestep", timestep);
  out.add("trainer.done_timestep", done_timestep);
  out.add("trainer.evaluation_is_cut", Index{evaluation_is_cut});
  out.add("trainer.gradient_updates", gradient_updates);
  out.add("trainer.evaluated_timestep", evaluated_timestep);
  out.add("trainer.reported_timestep", reported_timestep);
  out.add("trainer.evaluation_episodes", evaluator.next_episode());
  out.add("trainer.solved_at_timestep", result.solved_at_timestep.value_or(-1));
  out.add("time.to_solve", result.seconds_to_solve);
  out.add("kept.timestep", result.model_timestep);
  out.add("kept.eval_mean", kept_eval_mean);
  out.add("kept.parameters", kept_parameters);
  out.add("kept.mean", kept_mean);
  out.add("kept.variance", kept_variance);
}

void Trainer::State::load(const StateReader& in) {
  agent->load(in);
  envs.load(in);
  if (normalizer) normalizer->load(in);
  log.load(in);
  load_counts(in);
  load_kept(in);
  resumed = true;
}

void Trainer::State::load_counts(const StateReader& in) {
  rounds = in.count("trainer.rounds");
  timestep = in.count("trainer.timestep");
  if (timestep % envs.size() != 0 || timestep / envs.size() != rounds)
    fail(in.source(), ": trainer.rounds and trainer.timestep: ", rounds, " rounds of ", envs.size(),
         " environments do not make ", timestep, " steps");
  const auto moment = [&](const char* name, Index least) {
    const Index t = in.count(name, least);
    if (t > timestep) fail(in.source(), ": ", name, " is ", t, ", but only ", timestep, " steps were made");
    return t;
  };
  gradient_updates = in.count("trainer.gradient_updates");
  evaluated_timestep = moment("trainer.evaluated_timestep", -1);
  reported_timestep = moment("trainer.reported_timestep", -1);
  done_timestep = moment("trainer.done_timestep", std::max<Index>(0, timestep - envs.size()));
  evaluation_is_cut = in.count("trainer.evaluation_is_cut") != 0;
  evaluator.set_next_episode(in.count("trainer.evaluation_episodes"));
  const Index solved = moment("trainer.solved_at_timestep", -1);
  result.solved_at_timestep = solved >= 0 ? std::optional(solved) : std::nullopt;
  result.seconds_to_solve = in.number<double>("time.to_solve");
  if (!(result.seconds_to_solve >= 0 && result.seconds_to_solve < 1e10))
    fail(in.source(), ": time.to_solve is ", result.seconds_to_solve);
  result.model_timestep = moment("kept.timestep", 0);
}

void Trainer::State::load_kept(const StateReader& in) {
  kept_eval_mean = in.number<double>("kept.eval_mean");
  kept_parameters = in.get<float>("kept.parameters", kept_parameters.size());
  // Nothing was kept yet, or the statistics belong to it.
  const std::size_t features =
      normalizer && !in.get<double>("kept.mean").empty() ? normalizer->mean().size() : 0;
  kept_mean = in.get<double>("kept.mean", features);
  kept_variance = in.get<double>("kept.variance", features);
  for (std::size_t j = 0; j < features; ++j)
    if (!std::isfinite(kept_mean[j]) || !(kept_variance[j] >= 0) || !std::isfinite(kept_variance[j]))
      fail(in.source(), ": kept.mean and kept.variance of feature ", j, " are ", kept_mean[j], " and ",
           kept_variance[j]);
}

// ---- what is kept

void Trainer::State::keep_parameters(double eval_mean) {
  kept_eval_mean = eval_mean;
  result.model_timestep = timestep;
  agent->get_parameters(kept_parameters);
  if (!normalizer) return;
  kept_mean.assign(normalizer->mean().begin(), normalizer->mean().end());
  kept_variance.assign(normalizer->variance().begin(), normalizer->variance().end());
}

TrainResult Trainer::State::finish() {
  if (config.eval_frequency > 0 && evaluated_timestep != timestep && !stopped()) {
    if (evaluate()) report();
  }
  if (std::isnan(kept_eval_mean)) keep_parameters(kNone);  // no evaluation was asked to choose
  if (reported_timestep != timestep) report();
  result.interrupted = stopped();
  result.timesteps = timestep;
  result.gradient_updates = gradient_updates;
  result.wall_seconds = log.seconds();
  show_progress(true);
  evaluate_kept();
  log.flush();
  return result;
}

/// Episodes that no evaluation during training has seen: the kept parameters were chosen by those.
void Trainer::State::evaluate_kept() {
  agent->set_parameters(kept_parameters);
  if (normalizer) normalizer->set_state({1, kept_mean, kept_variance});
  result.eval_seed = derived_seed(config.eval_seed != 0 ? config.eval_seed : config.seed, 1);
  Evaluator fresh(parts.make_env, config.final_eval_episodes, result.eval_seed);
  result.eval = fresh.evaluate(q_function, config.final_eval_episodes, config.eval_epsilon);
}

// ---- the public face

Trainer::Trainer(const TrainConfig& config, Backend& backend, const TrainerParts& parts)
    : state_(std::make_unique<State>(validated(config), backend, parts)) {}
Trainer::~Trainer() = default;

void Trainer::save(StateWriter& out) { state_->save(out); }
void Trainer::load(const StateReader& in) {
  if (state_->ran) fail("this trainer has run before; a saved run needs a new one");
  state_->load(in);
}
void Trainer::set_checkpoint_hook(Index frequency, std::function<void(Index)> hook) {
  state_->checkpoint_frequency = frequency;
  state_->checkpoint_hook = std::move(hook);
}

void Trainer::add_sink(MetricSink& sink) { state_->log.add_sink(sink); }

TrainResult Trainer::run(const std::atomic<bool>* stop) {
  if (state_->ran) fail("this trainer has run before; a second run needs a new one");
  return state_->run(stop);
}

const EnvSpec& Trainer::env_spec() const { return state_->envs.spec(); }
const Network& Trainer::network() const { return state_->network; }
std::span<const float> Trainer::kept_parameters() const { return state_->kept_parameters; }
std::span<const double> Trainer::observation_mean() const { return state_->kept_mean; }
std::span<const double> Trainer::observation_variance() const { return state_->kept_variance; }
void Trainer::q_values(std::span<float> q, std::span<const float> observations, Index n) {
  state_->q_function(q, observations, n);
}

}  // namespace bellman
