#include "rl/learn/resident_agent.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "core/base/check.h"
#include "core/base/number_text.h"
#include "rl/learn/epsilon_greedy.h"
#include "rl/learn/non_finite.h"

namespace bellman {

ResidentAgent::ResidentAgent(Backend& backend, ReplayOps& ops, const Network& network, ReplayRing ring,
                             const LearnerOptions& learner_options, const Options& options,
                             FusedDqnOps* fused)
    : backend_(backend),
      ops_(ops),
      batch_size_(learner_options.max_batch),
      actions_(network.output_shape()[0]),
      replay_(backend, ops, std::move(ring), network.input_shape().elements(),
              learner_options.observation_type, batch_size_, options),
      sums_(backend, 4 * sizeof(double)),
      report_(backend, kReportWords * sizeof(double)),
      act_actions_(backend, static_cast<std::size_t>(replay_.lanes()) * sizeof(std::int32_t)),
      update_(backend, network, learner_options),
      on_nan_(learner_options.on_nan) {
  if (learner_options.normalizer)
    fail("observations that are normalised are kept in host memory, not in the backend's");
  if (!options.prioritized) backend_.fill(update_.batch(batch_size_).weights, 1.0F);  // for good
  if (!fused) return;
  const std::string unsupported = unsupported_reason(*fused, network, learner_options);
  if (!unsupported.empty()) fail("learner is fused, which cannot train this: ", unsupported);
  DenseChain chain;
  describe_dense_chain(chain, network);
  FusedDqnMemory memory = update_.memory(batch_size_);
  memory.sums = sums_.view<double>({4});
  memory.report = report_.view<double>({kReportWords});
  replay_.describe(memory);
  fused_ = fused->make_fused_dqn(chain, DqnUpdate::fused_options(learner_options), memory);
}

std::string ResidentAgent::unsupported_reason(const FusedDqnOps& fused, const Network& network,
                                              const LearnerOptions& options) {
  const std::string of_options = DqnUpdate::unsupported_by_fused(options);
  if (!of_options.empty()) return of_options;
  DenseChain chain;
  const std::string unknown = describe_dense_chain(chain, network);
  if (!unknown.empty())
    return "it knows dense layers, each followed by relu, tanh or nothing, and a dueling head, but " +
           unknown;
  return fused.fused_dqn_unsupported_reason(chain, DqnUpdate::fused_options(options));
}

// ---- acting

void ResidentAgent::act(std::span<std::int32_t> actions, std::span<const float> /*observations*/,
                        const EpsilonGreedy& exploration) {
  if (explore(actions, exploration, static_cast<std::uint32_t>(actions_))) return;
  if (replay_.has_news()) replay_.send_news();
  const Index lanes = replay_.lanes();
  replay_.gather(update_.acting_observations(lanes), replay_.lane_slots());
  const IntTensor chosen = act_actions_.view<std::int32_t>({lanes});
  ops_.epsilon_greedy(chosen, update_.q_values(lanes), exploration);
  backend_.download(actions.data(), chosen.data(), actions.size_bytes());
}

void ResidentAgent::q_values(std::span<float> q, std::span<const float> observations, Index n) {
  const Index width = replay_.width();
  const Tensor input = update_.acting_observations(n);
  if (static_cast<Index>(q.size()) != n * actions_ || static_cast<Index>(observations.size()) != n * width)
    fail("q_values of ", n, " observations: q has ", q.size(), " numbers, observations have ",
         observations.size(), "; expected ", n * actions_, " and ", n * width);
  backend_.upload(input.data(), observations.data(), observations.size_bytes());
  backend_.download(q.data(), update_.q_values(n).data(), q.size_bytes());
}

// ---- learning

Index ResidentAgent::learn_steps(const LearnStep& first, Index steps) {
  if (replay_.size() == 0) return 0;  // no window of n steps is complete yet
  LearnStep step = first;
  for (Index made = 0; made < steps; made += steps_at_once()) {
    const Index now = std::min(steps_at_once(), steps - made);
    learn_at_once(step, now);
    step.number += static_cast<std::uint64_t>(now);
  }
  return steps;
}

void ResidentAgent::learn_at_once(const LearnStep& first, Index steps) {
  if (!replay_.prioritized()) replay_.draw_uniformly(first.number, steps);
  if (!replay_.prioritized() || replay_.has_news()) replay_.send_news();
  step_ = first;
  steps_ = steps;
  backend_.run_recorded(recording_, [this] { fused_ ? learn_fused() : learn_on_backend(); });
  if (fused_) update_.count_steps(steps);
  learn_steps_ += steps;
}

void ResidentAgent::learn_on_backend() {
  const DqnUpdate::Batch batch = update_.batch(batch_size_);
  const ConstIntTensor slots = replay_.sample(batch.weights, {replay_.seed(), step_.number, step_.beta});
  replay_.gather_transitions(batch.transitions, slots);
  replay_.gather(batch.observations, slots);
  replay_.gather(batch.next_observations, batch.transitions.next_slot);
  update_.run(batch_size_, step_.learning_rate);
  ops_.add_learn_stats(sums_.view<double>({4}), update_.loss(), update_.gradient_norm(),
                       update_.y(batch_size_), update_.td_error(batch_size_), update_.guard());
  ops_.report_step(report_.view<double>({kReportWords}), update_.guard(), {step_.number + 1, step_.timestep},
                   update_.loss(), slots, update_.td_error(batch_size_), batch.transitions.reward);
  replay_.update_priorities(slots, update_.td_error(batch_size_), update_.guard());
}

void ResidentAgent::learn_fused() {
  const Tensor weights = update_.batch(batch_size_).weights;
  const ConstIntTensor slots = replay_.sample(weights, {replay_.seed(), step_.number, step_.beta});
  const Shape of_steps = {steps_, batch_size_};
  fused_->learn({.slot = slots.reshaped(of_steps),
                 .weight = replay_.prioritized() ? ConstTensor(weights).reshaped(of_steps) : ConstTensor(),
                 .learning_rate = step_.learning_rate,
                 .first_step = update_.optimizer().steps() + 1,
                 .name = {step_.number + 1, step_.timestep}});
  replay_.update_priorities(slots, update_.td_error(batch_size_), update_.guard());
}

LearnSummary ResidentAgent::take_summary() {
  look();
  std::array<double, 4> sums{};
  backend_.download(sums.data(), sums_.data(), sizeof sums);
  const std::array<double, 4> zeros{};
  backend_.upload(sums_.data(), zeros.data(), sizeof zeros);
  const double n = sums[3];
  if (n == 0) return {};
  LearnSummary summary = {sums[0] / n, sums[1] / n, sums[2] / n};
  if (!update_.gradient_norm()) summary.gradient_norm = std::numeric_limits<double>::quiet_NaN();
  return summary;
}

/// What the guard says. Throws: Error for what cannot be skipped.
DqnUpdate::Verdict ResidentAgent::look() {
  const DqnUpdate::Verdict verdict = update_.verdict();
  if (!verdict.overflowed && (!verdict.held || on_nan_ == OnNan::kSkip)) return verdict;
  std::array<double, kReportWords> report{};
  backend_.download(report.data(), report_.data(), sizeof report);
  const NonFinite what = verdict.overflowed             ? NonFinite::kParameters
                         : std::isfinite(report[kLoss]) ? NonFinite::kGradient
                                                        : NonFinite::kLoss;
  std::string where = update_.bad_parameter();
  if (where.empty() &&
      verdict.place > 0)  // its number is lost: the steps that followed had gradients of their own
    where =
        "the gradient of " + element_name(update_.gradients().layout(), verdict.place - 1) + " is not finite";
  if (!where.empty()) where.insert(0, "; ");
  const auto whole = [&](ReportWord word) { return static_cast<Index>(report[word]); };
  fail("gradient update ", whole(kNumber), ", at environment step ", whole(kTimestep), ": a ", noun(what),
       " is not finite: the loss is ", shown(report[kLoss]), where, "; sample ", whole(kSample), " of ",
       batch_size_, " (replay slot ", whole(kSlot), ", reward ", shown(report[kReward]),
       ") has the TD error ", shown(report[kTdError]),
       "; the largest number of the observation that is there now is ",
       shown(largest(replay_.observation(whole(kSlot)))));
}

Index ResidentAgent::skipped_updates() { return look().skipped; }

float ResidentAgent::last_loss() {
  float loss = std::numeric_limits<float>::quiet_NaN();
  if (learn_steps_ > 0) backend_.download(&loss, update_.loss().data(), sizeof loss);
  return loss;
}

// ---- state

void ResidentAgent::save(StateWriter& out) {
  const Index skipped = look().skipped;
  replay_.save(out);
  update_.save(out);
  std::vector<double> sums(4);
  backend_.download(sums.data(), sums_.data(), sums.size() * sizeof(double));
  out.add("summary.sums", sums);
  out.add("summary.learn_steps", learn_steps_);
  out.add("summary.last_loss", last_loss());
  out.add("summary.skipped_updates", skipped);
}

void ResidentAgent::load(const StateReader& in) {
  replay_.load(in, actions_);
  update_.load(in);
  const auto sums = in.get<double>("summary.sums", 4);
  backend_.upload(sums_.data(), sums.data(), sums.size() * sizeof(double));
  learn_steps_ = in.count("summary.learn_steps");
  update_.set_skipped(in.count("summary.skipped_updates"));
  const auto loss = in.number<float>("summary.last_loss");
  backend_.upload(const_cast<float*>(update_.loss().data()), &loss, sizeof loss);
}

}  // namespace bellman
