#include "rl/learn/training_step.h"

#include <utility>

#include "rl/learn/epsilon_greedy.h"

namespace bellman {

HostTrainingStep::HostTrainingStep(HostReplay& replay, std::unique_ptr<Learner> learner, Index num_actions)
    : TrainingStep(std::move(learner)),
      replay_(replay),
      td_errors_(static_cast<std::size_t>(replay.max_batch())),
      q_(static_cast<std::size_t>(replay.num_envs() * num_actions)) {}

void HostTrainingStep::act(std::span<std::int32_t> actions, std::span<const float> observations,
                           const EpsilonGreedy& /*exploration*/) {
  const std::size_t width = q_.size() / actions.size();
  learner().q_values(q_, observations, static_cast<Index>(actions.size()));
  for (std::size_t e = 0; e < actions.size(); ++e)
    if (actions[e] == kGreedy)
      actions[e] = greedy_action(std::span<const float>(q_).subspan(e * width, width));
}

void HostTrainingStep::learn(const LearnStep& first, Index /*steps*/) {
  const Batch batch = replay_.sample(first.number, first.beta);
  const std::span<float> td_error = std::span(td_errors_).first(batch.slots.size());
  LearnStats stats = learner().learn(batch, first.learning_rate, td_error);
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

}  // namespace bellman
