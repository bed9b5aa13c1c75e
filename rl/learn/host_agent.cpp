#include "rl/learn/host_agent.h"

#include <utility>

#include "core/base/check.h"
#include "core/base/number_text.h"
#include "rl/learn/epsilon_greedy.h"
#include "rl/learn/non_finite.h"

namespace bellman {

HostAgent::HostAgent(HostReplay replay, std::unique_ptr<Learner> learner, Index num_actions, OnNan on_nan)
    : replay_(std::move(replay)),
      learner_(std::move(learner)),
      td_errors_(static_cast<std::size_t>(replay_.max_batch())),
      q_(static_cast<std::size_t>(replay_.lanes() * num_actions)),
      on_nan_(on_nan) {}

void HostAgent::act(std::span<std::int32_t> actions, std::span<const float> observations,
                    const EpsilonGreedy& exploration) {
  const std::size_t width = q_.size() / actions.size();
  if (explore(actions, exploration, static_cast<std::uint32_t>(width))) return;
  learner_->q_values(q_, observations, static_cast<Index>(actions.size()));
  for (std::size_t e = 0; e < actions.size(); ++e)
    if (actions[e] == kGreedy)
      actions[e] = greedy_action(std::span<const float>(q_).subspan(e * width, width));
}

void HostAgent::q_values(std::span<float> q, std::span<const float> observations, Index n) {
  learner_->q_values(q, observations, n);
}

bool HostAgent::learn(const LearnStep& step) {
  const Batch batch = replay_.sample(step.number, step.beta);
  if (batch.slots.empty()) return false;  // no window of n steps is complete yet
  const std::span<float> td_error = std::span(td_errors_).first(batch.slots.size());
  LearnStats stats = learner_->learn(batch, step.learning_rate, td_error);
  if (stats.non_finite != NonFinite::kNothing) {
    skip(step, stats);
    return true;
  }
  last_ = std::move(stats);
  replay_.update_priorities(batch, td_error);
  sums_.loss += static_cast<double>(last_.loss);
  sums_.gradient_norm += static_cast<double>(last_.gradient_norm);
  sums_.mean_q += static_cast<double>(last_.mean_q);
  ++steps_;
  return true;
}

/// A parameter that is not finite cannot be made good again.
void HostAgent::skip(const LearnStep& step, const LearnStats& stats) {
  if (on_nan_ == OnNan::kStop || stats.non_finite == NonFinite::kParameters)
    fail("gradient update ", step.number + 1, ", at environment step ", step.timestep, ": a ",
         noun(stats.non_finite), " is not finite: the loss is ", shown(stats.loss),
         stats.where.empty() ? "" : "; ", stats.where);
  ++skipped_;
}

LearnSummary HostAgent::take_summary() {
  if (steps_ == 0) return {};
  const auto n = static_cast<double>(steps_);
  const LearnSummary means = {sums_.loss / n, sums_.gradient_norm / n, sums_.mean_q / n};
  sums_ = {0, 0, 0};
  steps_ = 0;
  return means;
}

void HostAgent::save(StateWriter& out) {
  replay_.save(out);
  learner_->save(out);
  out.add("summary.sums", std::vector<double>{sums_.loss, sums_.gradient_norm, sums_.mean_q});
  out.add("summary.steps", steps_);
  out.add("summary.last_loss", last_.loss);
  out.add("summary.skipped_updates", skipped_);
}

void HostAgent::load(const StateReader& in) {
  replay_.load(in, static_cast<Index>(q_.size()) / replay_.lanes());
  learner_->load(in);
  const auto sums = in.get<double>("summary.sums", 3);
  sums_ = {sums[0], sums[1], sums[2]};
  steps_ = in.count("summary.steps");
  last_.loss = in.number<float>("summary.last_loss");
  skipped_ = in.count("summary.skipped_updates");
}

}  // namespace bellman
