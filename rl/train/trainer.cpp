#include "rl/train/trainer.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <utility>
#include <vector>

#include "core/base/check.h"
#include "core/base/finite.h"
#include "core/base/number_text.h"
#include "rl/train/from_config.h"
#include "rl/train/trainer_state.h"

namespace bellman {
namespace {

const TrainConfig& validated(const TrainConfig& config) {
  config.validate();
  return config;
}

}  // namespace

// ---- the loop

TrainResult Trainer::State::run(const std::atomic<bool>* stop_flag) {
  stop = stop_flag;
  ran = true;
  if (!resumed) {
    log.start();
    for (Index e = 0; e < envs.size(); ++e) begin_episode(e);
  }
  show_progress();
  if (is_within_round()) {  // the run that is resumed ended there
    go_on_with_round();
    checkpoint_when_due();
  }
  while (timestep < config.total_timesteps && !stopped() && !solved_and_done()) {
    if (episodes_are_due)
      for (Index e = 0; e < envs.size(); ++e) restart_episode(e);
    episodes_are_due = false;
    act();
    step();
    finish_round();
    checkpoint_when_due();
    look_at_clock();
  }
  save_results();
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
  envs.step(actions);
  for (Index e = 0; e < envs.size(); ++e) {
    const std::int32_t action = actions[static_cast<std::size_t>(e)];
    const StepResult outcome = envs.result(e);
    ++timestep;
    const float reward = learning_reward(outcome.reward);
    if (!std::isfinite(outcome.reward) || !std::isfinite(reward) || !all_finite(envs.observation(e))) {
      skip_step(e, outcome.reward);
      continue;
    }
    agent->add(e, action, reward, outcome.terminated, outcome.truncated, observation(e));
    if (outcome.terminated || outcome.truncated) {
      log.episode(envs.episode_return(e), envs.episode_length(e), timestep);
      begin_episode(e);
    }
  }
}

void Trainer::State::begin_episode(Index e) {
  envs.reset(e);
  require_finite(e, "first observation of an episode");
  agent->begin_episode(e, observation(e));
}

/// Environment e made a step whose reward or observation is not finite: nothing of it is learnt from, and the
/// episode ends with the step before.
void Trainer::State::skip_step(Index e, float reward) {
  if (config.on_nan == OnNan::kStop) {
    require_finite(e, "observation");
    fail("environment ", e, " (", envs.spec().id, "), step ", envs.episode_length(e),
         " of its episode, at environment step ", timestep, ": the reward is ", shown(reward),
         ", times reward_scale ", shown(learning_reward(reward)));
  }
  ++skipped_steps;
  restart_episode(e);
}

/// The episode of environment e ends with its last step, and another begins.
void Trainer::State::restart_episode(Index e) {
  envs.reset(e);
  require_finite(e, "first observation of an episode");
  agent->restart_episode(e, observation(e));
}

/// Throws: Error for what environment e shows now.
void Trainer::State::require_finite(Index e, const char* what) const {
  const std::span<const float> seen = envs.observation(e);
  for (std::size_t i = 0; i < seen.size(); ++i)
    if (!std::isfinite(seen[i]))
      fail("environment ", e, " (", envs.spec().id, "), step ", envs.episode_length(e),
           " of its episode, at environment step ", timestep, ": element ", i, " of the ", what, " is ",
           shown(seen[i]));
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

/// Learns and syncs after each of the round's steps, one by one, as with a single environment. Evaluation and
/// row come once, at the round's end, when one of its steps is a multiple of their frequency: they then speak
/// of the parameters that all the round's learn steps have made. A stop between two gradient steps ends the
/// round there: a checkpoint says so, and the run that resumes from it begins with the next gradient step.
void Trainer::State::finish_round() {
  for (; learnt_timestep < timestep; ++learnt_timestep)
    if (!learn_and_sync(learnt_timestep + 1)) return;
  evaluation_is_due = round_passes(config.eval_frequency);
  row_is_due = evaluation_is_due || round_passes(config.log_frequency);
  conclude_round();
}

/// A stop within the evaluation leaves both due: a checkpoint says so, and the run that goes on with it
/// begins here. The last round's row waits for the run's last evaluation (finish()).
void Trainer::State::conclude_round() {
  if (evaluation_is_due && !evaluate()) return;
  evaluation_is_due = false;
  if (row_is_due && timestep < config.total_timesteps) report();
}

void Trainer::State::go_on_with_round() {
  if (learnt_timestep < timestep)
    finish_round();
  else if (is_within_round())
    conclude_round();
}

/// Whether a step of the round that was made last is a multiple of `frequency`; 0: never.
bool Trainer::State::round_passes(Index frequency) const {
  return frequency > 0 && timestep / frequency > (timestep - envs.size()) / frequency;
}

/// False: stopped between two gradient steps.
bool Trainer::State::learn_and_sync(Index t) {
  if (learning_is_due(t) && !learn()) return false;
  phase_steps = 0;
  if (config.target_network && t % config.target_network_frequency == 0) sync_target();
  return true;
}

bool Trainer::State::learning_is_due(Index t) const {
  if (!config.replay) return t == timestep;  // once a round, from all that the round brought
  return t >= config.learning_starts && t % config.train_frequency == 0;
}

/// The gradient steps of a training phase. False: stopped between two of them; the next call makes the rest.
bool Trainer::State::learn() {
  while (phase_steps < config.gradient_steps) {
    if (phase_steps > 0) {
      if (stopped()) return false;
      look_at_clock();
    }
    const Index wanted = std::min(agent->steps_at_once(), config.gradient_steps - phase_steps);
    const Index made =
        agent->learn_steps({.number = static_cast<std::uint64_t>(gradient_updates),
                            .timestep = timestep,
                            .learning_rate = static_cast<float>(value_at(learning_rate, timestep)),
                            .beta = value_at(beta, timestep)},
                           wanted);
    gradient_updates += made;
    phase_steps += made;
    if (made < wanted) break;  // there is nothing to learn from yet
  }
  return true;
}

void Trainer::State::sync_target() { agent->update_target(static_cast<float>(config.tau)); }

void Trainer::State::report() {
  row_is_due = false;
  reported_timestep = timestep;
  RunPosition now = position();
  now.skipped_updates = agent->skipped_updates();
  now.skipped_steps = skipped_steps;
  log.row(now, agent->take_summary());
}

RunPosition Trainer::State::position() const {
  return {.timestep = timestep,
          .total_timesteps = config.total_timesteps,
          .epsilon = value_at(epsilon, timestep),
          .learning_rate = value_at(learning_rate, timestep),
          .gradient_updates = gradient_updates};
}

/// The loss is asked for only when somebody looks: a device has to be waited for.
void Trainer::State::show_progress() { log.progress(position(), agent->last_loss()); }

/// What is due by time: progress about ten times a second, and a checkpoint, which is asked for as often
/// unless it may be due sooner.
void Trainer::State::look_at_clock() {
  const bool is_shown = log.progress_is_due();
  if (is_shown) show_progress();
  const bool asks = is_shown || config.checkpoint_seconds < RunLog::kSecondsBetween;
  if (asks && checkpoint_is_due && checkpoint_is_due()) checkpoint();
}

// ---- checkpoints

void Trainer::State::checkpoint_when_due() {
  if (round_passes(checkpoint_frequency)) checkpoint();
}

void Trainer::State::checkpoint() {
  if (!checkpoint_hook) return;
  log.flush();
  checkpoint_hook(timestep);
}

/// The model comes first: it is small, and there may be no room for the checkpoint. A model that cannot be
/// saved is no reason to lose the checkpoint.
void Trainer::State::save_results() {
  std::exception_ptr failure;
  try {
    hand_over_model();
  } catch (...) {
    failure = std::current_exception();
  }
  checkpoint();
  if (failure) std::rethrow_exception(failure);
}

void Trainer::State::hand_over_model() {
  agent->skipped_updates();  // throws for a step that went wrong on a device: no model is made of it
  if (std::isnan(kept_eval_mean)) keep_parameters(kept_eval_mean);  // no evaluation has chosen
  if (model_hook) model_hook();
}

// ---- the public face

Trainer::Trainer(const TrainConfig& config, Backend& backend, const TrainerParts& parts)
    : state_(std::make_unique<State>(validated(config), backend, parts)) {}
Trainer::~Trainer() = default;

void Trainer::save(StateWriter& out) { state_->save(out); }
void Trainer::load(const StateReader& in) {
  if (state_->ran || state_->resumed)
    fail("this trainer has run or was loaded before; a saved run needs a new one");
  try {
    state_->load(in);
  } catch (...) {
    // Some parts are loaded and others not: made anew, they are what they were. The old ones go first, to
    // need no more memory.
    const TrainConfig config = state_->config;
    const TrainerParts parts = state_->parts;
    Backend& backend = state_->backend;
    const std::vector<MetricSink*> sinks = state_->log.sinks();
    auto hook = std::move(state_->checkpoint_hook);
    auto is_due = std::move(state_->checkpoint_is_due);
    auto model_hook = std::move(state_->model_hook);
    const Index frequency = state_->checkpoint_frequency;
    state_.reset();
    state_ = std::make_unique<State>(config, backend, parts);
    for (MetricSink* sink : sinks) add_sink(*sink);
    set_checkpoint_hook(frequency, std::move(hook), std::move(is_due));
    set_model_hook(std::move(model_hook));
    throw;
  }
}
bool Trainer::conclude_round(const std::atomic<bool>* stop) {
  State& state = *state_;
  state.stop = stop;
  state.go_on_with_round();
  state.log.flush();
  return state.learnt_timestep == state.timestep && !state.evaluation_is_due;
}
void Trainer::set_checkpoint_hook(Index frequency, std::function<void(Index)> hook,
                                  std::function<bool()> is_due) {
  state_->checkpoint_frequency = frequency;
  state_->checkpoint_hook = std::move(hook);
  state_->checkpoint_is_due = std::move(is_due);
}
void Trainer::set_model_hook(std::function<void()> hook) { state_->model_hook = std::move(hook); }

void Trainer::add_sink(MetricSink& sink) { state_->log.add_sink(sink); }

TrainResult Trainer::run(const std::atomic<bool>* stop) {
  if (state_->ran) fail("this trainer has run before; a second run needs a new one");
  try {
    return state_->run(stop);
  } catch (...) {
    try {
      state_->log.flush();    // what led here
    } catch (const Error&) {  // the first error is told
    }
    throw;
  }
}

const RunMemory& Trainer::memory() const { return state_->memory; }
const std::optional<AvailableMemory>& Trainer::memory_before() const { return state_->memory_before; }
const EnvSpec& Trainer::env_spec() const { return state_->envs.spec(); }
std::unique_ptr<Env> Trainer::make_env() const { return state_->parts.make_env(); }
const Network& Trainer::network() const { return state_->network; }
const std::string& Trainer::learner() const { return state_->learner; }
std::span<const float> Trainer::kept_parameters() const { return state_->kept_parameters; }
Index Trainer::model_timestep() const { return state_->result.model_timestep; }
std::span<const double> Trainer::observation_mean() const { return state_->kept_mean; }
std::span<const double> Trainer::observation_variance() const { return state_->kept_variance; }
void Trainer::q_values(std::span<float> q, std::span<const float> observations, Index n) {
  const auto actions = static_cast<std::size_t>(state_->envs.spec().num_actions);
  const auto width = static_cast<std::size_t>(state_->envs.spec().observation_shape.elements());
  const Index most = max_acting_batch(state_->config);
  for (Index done = 0; done < n; done += most) {
    const Index rows = std::min(most, n - done);
    const auto from = static_cast<std::size_t>(done), size = static_cast<std::size_t>(rows);
    state_->q_function(q.subspan(from * actions, size * actions),
                       observations.subspan(from * width, size * width), rows);
  }
}

}  // namespace bellman
