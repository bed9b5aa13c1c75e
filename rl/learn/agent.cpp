#include "rl/learn/agent.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/base/check.h"
#include "rl/learn/device_training_step.h"
#include "rl/learn/epsilon_greedy.h"

namespace bellman {

HostTrainingStep::HostTrainingStep(HostReplay& replay, std::unique_ptr<Learner> learner, Index num_actions)
    : TrainingStep(std::move(learner)),
      replay_(replay),
      td_errors_(static_cast<std::size_t>(replay.max_batch())),
      q_(static_cast<std::size_t>(replay.num_envs() * num_actions)) {}

void HostTrainingStep::act(std::span<std::int32_t> actions, std::span<const float> observations,
                           const EpsilonGreedy& /*exploration*/) {
  const std::size_t width = q_.size() / static_cast<std::size_t>(replay_.num_envs());
  const std::span<float> q = std::span(q_).first(actions.size() * width);
  learner().q_values(q, observations, static_cast<Index>(actions.size()));
  for (std::size_t e = 0; e < actions.size(); ++e)
    if (actions[e] == kGreedy)
      actions[e] = greedy_action(std::span<const float>(q).subspan(e * width, width));
}

void HostTrainingStep::learn(const LearnStep& first, Index /*steps*/) {
  const auto lap = [&](Phase phase) {
    if (first.clock) first.clock->lap(phase);
  };
  const Batch batch = replay_.sample(first.number, first.beta);
  lap(Phase::kSampling);
  const std::span<float> td_error = std::span(td_errors_).first(batch.slots.size());
  LearnStats stats = learner().learn(batch, first.learning_rate, td_error);
  lap(Phase::kLearning);
  verdict_.held = stats.non_finite != NonFinite::kNothing;
  verdict_.overflowed = stats.non_finite == NonFinite::kParameters;
  if (verdict_.held) {
    ++verdict_.skipped;
    non_finite_ = {.what = stats.non_finite,
                   .number = static_cast<Index>(first.number) + 1,
                   .timestep = first.timestep,
                   .loss = static_cast<double>(stats.loss),
                   .where = std::move(stats.where)};
    return;
  }
  replay_.update_priorities(batch, td_error);
  lap(Phase::kSampling);
  last_loss_ = stats.loss;
  sums_[0] += static_cast<double>(stats.loss);
  sums_[1] += static_cast<double>(stats.gradient_norm);
  sums_[2] += static_cast<double>(stats.mean_q);
  sums_[3] += 1;
}

void HostTrainingStep::save(StateWriter& out) {
  learner().save(out);
  out.add("summary.sums", std::span<const double>(sums_).first(3));
  out.add("summary.steps", static_cast<Index>(sums_[3]));
  out.add("summary.last_loss", last_loss_);
}

void HostTrainingStep::load(const StateReader& in) {
  learner().load(in);
  const auto sums = in.get<double>("summary.sums", 3);
  sums_ = {sums[0], sums[1], sums[2], static_cast<double>(in.count("summary.steps"))};
  last_loss_ = in.number<float>("summary.last_loss");
}

Agent::Agent(std::unique_ptr<Replay> replay, std::unique_ptr<TrainingStep> step, Index num_actions,
             OnNan on_nan)
    : replay_(std::move(replay)), step_(std::move(step)), num_actions_(num_actions), on_nan_(on_nan) {}

void Agent::act(std::span<std::int32_t> actions, std::span<const float> observations,
                const EpsilonGreedy& exploration) {
  if (explore(actions, exploration, static_cast<std::uint32_t>(num_actions_))) return;
  step_->act(actions, observations, exploration);
}

Index Agent::learn_steps(const LearnStep& first, Index steps) {
  LearnStep step = first;
  Index made = 0;
  while (made < steps && replay_->size() > 0) {  // before: no window of n steps is complete yet
    const Index now = std::min(step_->most_steps(), steps - made);
    if (step.clock) step.clock->begin_gradient_step(step.number);
    step_->learn(step, now);
    if (step.clock) step.clock->end_gradient_step();
    if (!step_->is_asynchronous()) check_guard();
    made += now;
    step.number += static_cast<std::uint64_t>(now);
  }
  return made;
}

/// How many steps were skipped. Throws: Error for a step that cannot be skipped: no later step repairs a
/// parameter that is not finite.
Index Agent::check_guard() {
  const StepVerdict verdict = step_->verdict();
  if (verdict.overflowed || (verdict.held && on_nan_ == OnNan::kStop))
    fail(description(step_->non_finite_step()));
  return verdict.skipped;
}

LearnSummary Agent::take_summary() {
  check_guard();
  const std::array<double, 4> sums = step_->take_sums();
  const double n = sums[3];
  if (n == 0) return {};
  return {sums[0] / n, sums[1] / n, sums[2] / n};
}

void Agent::save(StateWriter& out) {
  const Index skipped = check_guard();
  replay_->save(out);
  step_->save(out);
  out.add("summary.skipped_updates", skipped);
}

void Agent::load(const StateReader& in) {
  replay_->load(in, num_actions_);
  step_->load(in);
  step_->set_skipped(in.count("summary.skipped_updates"));
}

Agent host_agent(HostReplay replay, std::unique_ptr<Learner> learner, Index num_actions, OnNan on_nan) {
  return host_agent(std::make_unique<HostReplay>(std::move(replay)), std::move(learner), num_actions, on_nan);
}

Agent host_agent(std::unique_ptr<HostReplay> replay, std::unique_ptr<Learner> learner, Index num_actions,
                 OnNan on_nan) {
  auto step = std::make_unique<HostTrainingStep>(*replay, std::move(learner), num_actions);
  return {std::move(replay), std::move(step), num_actions, on_nan};
}

Agent device_agent(Backend& backend, ReplayOps& ops, const Network& network, ReplayRing ring,
                   const LearnerOptions& learner_options, const DeviceReplay::Options& options,
                   FusedDqnOps* fused) {
  auto replay =
      std::make_unique<DeviceReplay>(backend, ops, std::move(ring), network.input_shape().elements(),
                                     learner_options.observation_type, learner_options.max_batch, options);
  auto step = std::make_unique<DeviceTrainingStep>(backend, ops, network, learner_options, *replay, fused);
  return {std::move(replay), std::move(step), network.output_shape()[0], learner_options.on_nan};
}

}  // namespace bellman
