#include "rl/learn/device_training_step.h"

#include <limits>
#include <utility>
#include <vector>

#include "core/base/check.h"
#include "core/base/text.h"
#include "rl/learn/make_learner.h"
#include "rl/learn/op_by_op_learner.h"

namespace bellman {
namespace {

const LearnerOptions& checked(const LearnerOptions& options) {
  if (options.normalizer)
    fail("observations that are normalised are kept in host memory, not in the backend's");
  return options;
}

}  // namespace

DeviceTrainingStep::DeviceTrainingStep(Backend& backend, ReplayOps& ops, const Network& network,
                                       const LearnerOptions& options, DeviceReplay& replay,
                                       FusedDqnOps* fused)
    : TrainingStep(std::make_unique<OpByOpLearner>(backend, network, checked(options))),
      backend_(backend),
      ops_(ops),
      replay_(replay),
      update_(static_cast<OpByOpLearner&>(learner()).update()),
      batch_size_(options.max_batch),
      sums_(backend, 4 * sizeof(double)),
      report_(backend, kReportWords * sizeof(double)),
      act_actions_(backend, static_cast<std::size_t>(replay.num_envs()) * sizeof(std::int32_t)) {
  if (!replay_.prioritized()) backend_.fill(update_.batch(batch_size_).weights, 1.0F);  // for good
  if (!fused) return;
  const std::string unsupported = fused_unsupported_reason(*fused, network, options);
  if (!unsupported.empty()) fail("learner is fused, which cannot train this: ", unsupported);
  DenseChain chain;
  describe_dense_chain(chain, network);
  FusedDqnMemory memory = update_.memory(batch_size_);
  memory.sums = sums_.view<double>({4});
  memory.report = report_.view<double>({kReportWords});
  replay_.describe(memory);
  fused_ = fused->make_fused_dqn(chain, DqnUpdate::fused_options(options), memory);
}

std::string DeviceTrainingStep::description() const {
  return fused_ ? "fused, " + fused_->description() : TrainingStep::description();
}

void DeviceTrainingStep::act(std::span<std::int32_t> actions, std::span<const float> /*observations*/,
                             const EpsilonGreedy& exploration) {
  if (replay_.has_pending()) replay_.send_pending();
  const Index envs = replay_.num_envs();
  replay_.gather(update_.acting_observations(envs), replay_.newest_slots());
  const IntTensor chosen = act_actions_.view<std::int32_t>({envs});
  ops_.epsilon_greedy(chosen, update_.q_values(envs), exploration);
  backend_.download(actions.data(), chosen.data(), actions.size_bytes());
}

void DeviceTrainingStep::learn(const LearnStep& first, Index steps) {
  if (!replay_.prioritized()) replay_.draw_uniformly(first.number, steps);
  if (!replay_.prioritized() || replay_.has_pending()) replay_.send_pending();
  step_ = first;
  steps_ = steps;
  backend_.run_recorded(recording_, [this] { fused_ ? run_fused() : run_ops(); });
  if (fused_) update_.count_steps(steps);
  learn_steps_ += steps;
  if (first.clock) first.clock->lap(Phase::kLearning);  // the launch; the device works on by itself
}

void DeviceTrainingStep::run_ops() {
  const DqnUpdate::Batch batch = update_.batch(batch_size_);
  const ConstIntTensor slots = replay_.sample(batch.weights, step_.number, step_.beta);
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

void DeviceTrainingStep::run_fused() {
  const Tensor weights = update_.batch(batch_size_).weights;
  const ConstIntTensor slots = replay_.sample(weights, step_.number, step_.beta);
  const Shape of_steps = {steps_, batch_size_};
  fused_->learn({.slot = slots.reshaped(of_steps),
                 .weight = replay_.prioritized() ? ConstTensor(weights).reshaped(of_steps) : ConstTensor(),
                 .learning_rate = step_.learning_rate,
                 .first_step = update_.optimizer().steps() + 1,
                 .name = {step_.number + 1, step_.timestep}});
  replay_.update_priorities(slots, update_.td_error(batch_size_), update_.guard());
}

// ---- what the device knows

StepVerdict DeviceTrainingStep::verdict() {
  const DqnUpdate::Guard guard = update_.read_guard();
  return {.held = guard.held, .overflowed = guard.overflowed, .skipped = guard.skipped};
}

/// The gradient's number is lost: the steps that followed had gradients of their own.
NonFiniteStep DeviceTrainingStep::non_finite_step() {
  const DqnUpdate::Guard guard = update_.read_guard();
  std::array<double, kReportWords> report{};
  backend_.download(report.data(), report_.data(), sizeof report);
  std::string tensor = update_.parameters().bad_parameter();
  if (tensor.empty()) tensor = bad_gradient_element(update_.gradients().layout(), guard.place);
  NonFiniteStep step = reported_step(report, guard.overflowed, tensor, batch_size_);
  std::ostringstream seen;
  seen << "; the largest number of the observation that is there now is "
       << shown(largest(replay_.observation(static_cast<Index>(report[kSlot]))));
  step.where += seen.str();
  return step;
}

std::array<double, 4> DeviceTrainingStep::take_sums() {
  std::array<double, 4> sums{};
  backend_.download(sums.data(), sums_.data(), sizeof sums);
  const std::array<double, 4> zeros{};
  backend_.upload(sums_.data(), zeros.data(), sizeof zeros);
  if (!update_.gradient_norm()) sums[1] = std::numeric_limits<double>::quiet_NaN();
  return sums;
}

float DeviceTrainingStep::last_loss() {
  float loss = std::numeric_limits<float>::quiet_NaN();
  if (learn_steps_ > 0) backend_.download(&loss, update_.loss().data(), sizeof loss);
  return loss;
}

void DeviceTrainingStep::save(StateWriter& out) {
  learner().save(out);
  std::vector<double> sums(4);
  backend_.download(sums.data(), sums_.data(), sums.size() * sizeof(double));
  out.add("summary.sums", sums);
  out.add("summary.learn_steps", learn_steps_);
  out.add("summary.last_loss", last_loss());
}

void DeviceTrainingStep::load(const StateReader& in) {
  learner().load(in);
  const auto sums = in.get<double>("summary.sums", 4);
  backend_.upload(sums_.data(), sums.data(), sums.size() * sizeof(double));
  learn_steps_ = in.count("summary.learn_steps");
  const auto loss = in.number<float>("summary.last_loss");
  backend_.upload(const_cast<float*>(update_.loss().data()), &loss, sizeof loss);
}

}  // namespace bellman
