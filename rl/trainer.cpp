#include "rl/trainer.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "core/check.h"
#include "rl/epsilon_greedy.h"
#include "rl/from_config.h"
#include "rl/op_by_op_learner.h"
#include "rl/q_network.h"
#include "rl/replay_ring.h"
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

}  // namespace

struct Trainer::State {
  State(const TrainConfig& settings, const TrainerParts& brought);

  TrainResult run(const std::atomic<bool>* stop_flag);

  // One round: every environment makes one step, then what is due at each of these steps is done.
  void act();
  void step();
  void learn();
  void sync_target();
  void evaluate();
  void report();

  void begin_episode(Index e);
  void store(const ReplayWrite& write, Index e);
  float learning_reward(float reward) const;
  void do_what_is_due(Index t);
  bool learning_is_due(Index t) const;
  void keep_parameters(double eval_mean);
  TrainResult finish();
  void evaluate_kept();

  bool stopped() const { return stop && stop->load(std::memory_order_relaxed); }
  bool solved_and_done() const { return config.stop_when_solved && result.solved_at_timestep; }
  RunPosition position() const;

  TrainConfig config;
  TrainerParts parts;
  VectorEnv envs;
  Network network;
  std::unique_ptr<RunningNormalizer> normalizer;  // null: observations are not normalised
  ReplayRing ring;                                // what happened in which slot
  std::unique_ptr<Sampler> sampler;               // which slots a learn step gets
  std::unique_ptr<Learner> learner;               // observations, networks, optimiser
  QFunction q_function;
  Evaluator evaluator;
  RunLog log;

  Schedule epsilon, learning_rate, beta;
  BatchArrays arrays;
  std::vector<float> td_errors;
  std::vector<std::int32_t> actions;  // (E)
  std::vector<float> q;               // (E,A)

  const std::atomic<bool>* stop = nullptr;
  double solved_return = 0;
  Index rounds = 0;    // steps each environment has made
  Index timestep = 0;  // steps all environments together have made
  Index gradient_updates = 0;
  Index evaluated_timestep = -1, reported_timestep = -1;
  TrainResult result;

  double kept_eval_mean = kNone;
  std::vector<float> kept_parameters;
  std::vector<double> kept_mean, kept_variance;
};

Trainer::State::State(const TrainConfig& settings, const TrainerParts& brought)
    : config(settings),
      parts(brought),
      envs(parts.make_env, config.num_envs, config.seed),
      network(complete_network_text(config.network, envs.spec().num_actions, config.dueling),
              envs.spec().observation_shape),
      normalizer(config.normalize_observation
                     ? std::make_unique<RunningNormalizer>(envs.spec().observation_shape.elements())
                     : nullptr),
      ring(replay_slots(config), config.num_envs, config.n_step, config.gamma),
      sampler(make_sampler(config, ring.capacity())),
      learner(parts.make_learner(network, learner_options(config, ring.capacity(), normalizer.get()))),
      q_function([this](std::span<float> values, std::span<const float> observations, Index n) {
        learner->q_values(values, observations, n);
      }),
      evaluator(parts.make_env, std::max(config.eval_episodes, config.solve_confirm_episodes),
                config.eval_seed != 0 ? config.eval_seed : derived_seed(config.seed, 0)),
      epsilon(exploration_schedule(config)),
      learning_rate(LinearSchedule(config.learning_rate,
                                   config.anneal_learning_rate ? 0.0 : config.learning_rate,
                                   config.total_timesteps)),
      beta(LinearSchedule(config.per_beta_start, config.per_beta_end, config.total_timesteps)),
      arrays(max_batch(config)),
      td_errors(static_cast<std::size_t>(arrays.capacity())),
      actions(static_cast<std::size_t>(config.num_envs)),
      q(actions.size() * static_cast<std::size_t>(envs.spec().num_actions)),
      solved_return(std::isnan(config.solved_return) ? envs.spec().reward_threshold : config.solved_return),
      kept_parameters(static_cast<std::size_t>(network.layout().size())) {}

// ---- the loop

TrainResult Trainer::State::run(const std::atomic<bool>* stop_flag) {
  stop = stop_flag;
  log.start();
  log.progress(position(), true);
  for (Index e = 0; e < envs.size(); ++e) begin_episode(e);
  while (timestep < config.total_timesteps && !stopped() && !solved_and_done()) {
    act();
    step();
    for (Index t = timestep - envs.size() + 1; t <= timestep; ++t) do_what_is_due(t);
    log.progress(position());
  }
  return finish();
}

/// Epsilon-greedy. Every environment has a stream and a draw of its own.
void Trainer::State::act() {
  const double e_now = value_at(epsilon, timestep);
  const int num_actions = envs.spec().num_actions;
  constexpr std::int32_t kGreedy = -1;
  bool somebody_is_greedy = false;
  for (std::size_t e = 0; e < actions.size(); ++e) {
    const RandomStream stream = {config.seed, Purpose::kExploration, static_cast<std::uint32_t>(e)};
    actions[e] =
        exploratory_action(stream, static_cast<std::uint64_t>(rounds), e_now, num_actions).value_or(kGreedy);
    somebody_is_greedy |= actions[e] == kGreedy;
  }
  if (!somebody_is_greedy) return;
  learner->q_values(q, envs.observations(), envs.size());
  const auto width = static_cast<std::size_t>(num_actions);
  for (std::size_t e = 0; e < actions.size(); ++e)
    if (actions[e] == kGreedy)
      actions[e] = greedy_action(std::span<const float>(q).subspan(e * width, width));
}

/// Every environment takes its action, and the replay what came of it.
void Trainer::State::step() {
  ++rounds;
  for (Index e = 0; e < envs.size(); ++e) {
    const std::int32_t action = actions[static_cast<std::size_t>(e)];
    const StepResult outcome = envs.step(e, action);
    ++timestep;
    store(ring.add(e, action, learning_reward(outcome.reward), outcome.terminated, outcome.truncated), e);
    if (outcome.terminated || outcome.truncated) {
      log.episode(envs.episode_return(e), envs.episode_length(e), timestep);
      begin_episode(e);
    }
  }
}

void Trainer::State::begin_episode(Index e) {
  envs.reset(e);
  store(ring.begin_episode(e), e);
}

/// The observation that environment e is in goes where the ring's write says.
void Trainer::State::store(const ReplayWrite& write, Index e) {
  if (normalizer) normalizer->update(envs.observation(e));
  learner->store(write.slot, envs.observation(e));
  sampler->on_write(write);
}

/// Scaled, then clipped: what is learnt from. Returns that are reported are of raw rewards.
float Trainer::State::learning_reward(float reward) const {
  const double scaled = config.reward_scale * static_cast<double>(reward);
  if (config.reward_clip == 0) return static_cast<float>(scaled);
  return static_cast<float>(std::clamp(scaled, -config.reward_clip, config.reward_clip));
}

/// `t` counts environment steps one by one, so a round of several never jumps over what is due.
void Trainer::State::do_what_is_due(Index t) {
  if (learning_is_due(t))
    for (Index i = 0; i < config.gradient_steps; ++i) learn();
  if (config.target_network && t % config.target_network_frequency == 0) sync_target();
  const bool evaluation_is_due = config.eval_frequency > 0 && t % config.eval_frequency == 0;
  if (evaluation_is_due) evaluate();
  if (evaluation_is_due || t % config.log_frequency == 0) report();
}

bool Trainer::State::learning_is_due(Index t) const {
  if (!config.replay) return t == timestep;  // once a round, from all that the round brought
  return t >= config.learning_starts && t % config.train_frequency == 0;
}

void Trainer::State::learn() {
  if (sampler->size() == 0) return;  // no window of n steps is complete yet
  const Index b = config.replay ? config.batch_size : sampler->size();
  const auto count = static_cast<std::size_t>(b);
  sampler->set_beta(value_at(beta, timestep));
  sampler->sample(static_cast<std::uint64_t>(gradient_updates), std::span(arrays.slots).first(count),
                  std::span(arrays.weights).first(count));
  const Batch batch = ring.assemble(arrays, b);
  const std::span<float> td_error = std::span(td_errors).first(count);
  const LearnStats stats =
      learner->learn(batch, static_cast<float>(value_at(learning_rate, timestep)), td_error);
  ++gradient_updates;
  if (!std::isfinite(stats.loss))
    fail("the loss of gradient update ", gradient_updates, ", at environment step ", timestep, ", is ",
         stats.loss);
  sampler->on_td_error(batch.slots, td_error);
  log.learned(stats);
}

void Trainer::State::sync_target() { learner->update_target(static_cast<float>(config.tau)); }

/// A few lucky episodes do not solve anything: a mean that reaches solved_return must hold over
/// solve_confirm_episodes more, and then counts instead.
void Trainer::State::evaluate() {
  EvalResult eval = evaluator.evaluate(q_function, config.eval_episodes, config.eval_epsilon, stop);
  if (eval.mean >= solved_return && config.solve_confirm_episodes > 0 && !stopped())
    eval = evaluator.evaluate(q_function, config.solve_confirm_episodes, config.eval_epsilon, stop);
  if (stopped()) return;  // cut short: says nothing
  evaluated_timestep = timestep;
  log.evaluated(eval);
  if (eval.mean >= solved_return && !result.solved_at_timestep) {
    result.solved_at_timestep = timestep;
    result.seconds_to_solve = log.seconds();
  }
  if (config.keep_best && !(eval.mean < kept_eval_mean)) keep_parameters(eval.mean);
}

void Trainer::State::report() {
  reported_timestep = timestep;
  log.row(position());
}

RunPosition Trainer::State::position() const {
  return {.timestep = timestep,
          .total_timesteps = config.total_timesteps,
          .epsilon = value_at(epsilon, timestep),
          .learning_rate = value_at(learning_rate, timestep),
          .gradient_updates = gradient_updates};
}

// ---- what is kept

void Trainer::State::keep_parameters(double eval_mean) {
  kept_eval_mean = eval_mean;
  result.model_timestep = timestep;
  learner->get_parameters(kept_parameters);
  if (!normalizer) return;
  kept_mean.assign(normalizer->mean().begin(), normalizer->mean().end());
  kept_variance.assign(normalizer->variance().begin(), normalizer->variance().end());
}

TrainResult Trainer::State::finish() {
  if (config.eval_frequency > 0 && evaluated_timestep != timestep && !stopped()) {
    evaluate();
    report();
  }
  if (std::isnan(kept_eval_mean)) keep_parameters(kNone);  // no evaluation was asked to choose
  if (reported_timestep != timestep) report();
  result.interrupted = stopped();
  result.timesteps = timestep;
  result.gradient_updates = gradient_updates;
  result.wall_seconds = log.seconds();
  log.progress(position(), true);
  evaluate_kept();
  log.flush();
  return result;
}

/// Episodes that no evaluation during training has seen: the kept parameters were chosen by those.
void Trainer::State::evaluate_kept() {
  learner->set_parameters(kept_parameters);
  if (normalizer) normalizer->set_state({1, kept_mean, kept_variance});
  result.eval_seed = derived_seed(config.eval_seed != 0 ? config.eval_seed : config.seed, 1);
  Evaluator fresh(parts.make_env, config.final_eval_episodes, result.eval_seed);
  result.eval = fresh.evaluate(q_function, config.final_eval_episodes, config.eval_epsilon);
}

// ---- the public face

Trainer::Trainer(const TrainConfig& config, Backend& backend, const TrainerParts& parts)
    : state_(std::make_unique<State>(validated(config), completed(parts, config, backend))) {}
Trainer::~Trainer() = default;

void Trainer::add_sink(MetricSink& sink) { state_->log.add_sink(sink); }

TrainResult Trainer::run(const std::atomic<bool>* stop) {
  if (state_->rounds > 0) fail("this trainer has run before; a second run needs a new one");
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
