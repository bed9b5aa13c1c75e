#include "core/cpu/fused/mlp.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "core/check.h"

namespace bellman::cpu::fused {
namespace {

constexpr Index kLine = 16;  // floats of a cache line, and of the widest vector
// Samples from which a panel costs less than one sample after the other.
constexpr Index kFew = 6;

Index whole_lines(Index n) { return (n + kLine - 1) / kLine * kLine; }

}  // namespace

Mlp::Values::Values(const Plan& plan, Index panels, Index panel_width) {
  Index size = 0;
  for (const Index features : plan.features) {
    offsets.push_back(size);
    sizes.push_back(features * panel_width);
    size += whole_lines(panels * features * panel_width);
  }
  data = Floats(size);
}

Mlp::Mlp(const Network& network, Index max_batch, const Kernels& kernels)
    : plan_(plan_of(network)),
      kernels_(kernels),
      max_batch_(max_batch),
      x_(plan_, panels_for(max_batch), kernels.panel),
      dx_(plan_, panels_for(max_batch), kernels.panel),
      judged_(plan_, 1, kernels.panel),
      chosen_(plan_, 1, kernels.panel),
      transposed_(plan_.features.size()),
      actions_(max_batch),
      loss_(max_batch),
      q_taken_(max_batch),
      in_order_(static_cast<std::size_t>(kernels.panel)) {
  std::iota(in_order_.begin(), in_order_.end(), Index{0});
  for (const DenseStep& step : plan_.steps)
    if (std::min(step.shape.inputs, step.shape.outputs) >= kernels.narrow && !transposed_[step.from].data())
      transposed_[step.from] = Floats((step.shape.inputs + kernels.panel - 1) / kernels.panel *
                                      panels_for(max_batch) * kernels.panel * kernels.panel);
  for (const Index features : plan_.features) row_.emplace_back(whole_lines(features));
}

void Mlp::check_batch(const Transitions& transitions, std::span<float> td_error) {
  const std::size_t b = transitions.actions.size();
  if (b < 1 || static_cast<Index>(b) > max_batch_)
    fail("a batch of ", b, " transitions, must have 1 to ", max_batch_);
  for (const std::size_t size : {transitions.rewards.size(), transitions.discounts.size(),
                                 transitions.terminated.size(), transitions.weights.size(), td_error.size()})
    if (size != b) fail("an array of ", size, " numbers for a batch of ", b, " transitions");
  for (std::size_t n = 0; n < b; ++n) {
    const std::int32_t action = transitions.actions[n];
    if (action < 0 || action >= plan_.actions())
      fail("action[", n, "] is ", action, ", must be from 0 to ", plan_.actions() - 1);
    actions_.data()[n] = static_cast<float>(action);
  }
}

// ---- one learn step

LossSums Mlp::learn(float* gradients, std::span<float> td_error, const float* online, const float* judge,
                    const Observations& observations, const Transitions& transitions,
                    const LossOptions& options) {
  check_batch(transitions, td_error);
  const auto batch = static_cast<Index>(transitions.actions.size());
  const bool chooses_apart = options.double_dqn && online != judge;
  for (Index panel = 0; panel < panels_for(batch); ++panel) {
    const Index samples = samples_in(panel, batch), first = panel * kernels_.panel;
    kernels_.gather(judged_.at(0, 0), observations.next_table, &observations.next_rows[first], plan_.inputs(),
                    samples);
    if (chooses_apart) {
      std::copy_n(judged_.at(0, 0), plan_.inputs() * kernels_.panel, chosen_.at(0, 0));
      forward(chosen_, 0, samples, online);
    }
    forward(judged_, 0, samples, judge);
    kernels_.gather(x_.at(0, panel), observations.table, &observations.rows[first], plan_.inputs(), samples);
    forward(x_, panel, samples, online);
    targets_and_loss(panel, batch, td_error, transitions, options, chooses_apart ? chosen_ : judged_);
    backward(panel, samples, online);
    transpose_inputs(panel, samples);
  }
  weight_gradients(gradients, batch);

  return sums_of(batch);
}

void Mlp::forward(const Values& values, Index panel, Index samples, const float* parameters) const {
  for (const DenseStep& step : plan_.steps)
    kernels_.forward(values.at(step.to, panel), values.at(step.from, panel), parameters + step.weight,
                     parameters + step.bias, step.shape, samples, step.epilogue);
  if (plan_.dueling)
    kernels_.dueling_forward(values.at(plan_.q, panel), values.at(plan_.value, panel),
                             values.at(plan_.advantage, panel), plan_.actions(), samples);
}

void Mlp::targets_and_loss(Index panel, Index batch, std::span<float> td_error,
                           const Transitions& transitions, const LossOptions& options,
                           const Values& chooser) {
  const Index first = panel * kernels_.panel;
  kernels_.td({.samples = samples_in(panel, batch),
               .actions = plan_.actions(),
               .q = x_.at(plan_.q, panel),
               .judge = judged_.at(plan_.q, 0),
               .choose = chooser.at(plan_.q, 0),
               .action = actions_.data() + first,
               .reward = transitions.rewards.data() + first,
               .discount = transitions.discounts.data() + first,
               .terminated = transitions.terminated.data() + first,
               .weight = transitions.weights.data() + first,
               .huber = options.kind == LossKind::kHuber,
               .delta = options.huber_delta,
               .batch = static_cast<float>(batch),
               .dq = dx_.at(plan_.q, panel),
               .td_error = td_error.data() + first,
               .loss = loss_.data() + first,
               .q_taken = q_taken_.data() + first});
}

/// Eight sums side by side, each of every eighth number.
LossSums Mlp::sums_of(Index batch) const {
  constexpr Index kSums = 8;
  std::array<double, kSums> loss{}, q{};
  Index n = 0;
  for (; n + kSums <= batch; n += kSums)
    for (Index k = 0; k < kSums; ++k) {
      loss[k] += static_cast<double>(loss_.data()[n + k]);
      q[k] += static_cast<double>(q_taken_.data()[n + k]);
    }
  for (; n < batch; ++n) {
    loss[0] += static_cast<double>(loss_.data()[n]);
    q[0] += static_cast<double>(q_taken_.data()[n]);
  }
  return {std::accumulate(loss.begin(), loss.end(), 0.0), std::accumulate(q.begin(), q.end(), 0.0)};
}

/// From dL/dq down to the first layer's outputs.
void Mlp::backward(Index panel, Index samples, const float* parameters) const {
  if (plan_.dueling)
    kernels_.dueling_backward(dx_.at(plan_.value, panel), dx_.at(plan_.advantage, panel),
                              dx_.at(plan_.q, panel), plan_.actions(), samples);
  for (std::size_t i = plan_.steps.size(); i-- > 0;) {
    const DenseStep& step = plan_.steps[i];
    if (step.from == 0) continue;
    const Epilogue made_by = step.finishes ? plan_.made_by[step.from] : Epilogue::kNone;
    kernels_.input_gradient(dx_.at(step.from, panel), dx_.at(step.to, panel), parameters + step.weight,
                            x_.at(step.from, panel), step.shape, samples,
                            {.accumulate = step.accumulates, .made_by = made_by});
  }
}

void Mlp::transpose_inputs(Index panel, Index samples) {
  const Index rows = panels_for(max_batch_) * kernels_.panel;
  for (std::size_t value = 0; value < transposed_.size(); ++value)
    if (float* const xt = transposed_[value].data())
      kernels_.transpose(xt, rows, panel * kernels_.panel, x_.at(value, panel), plan_.features[value],
                         samples);
}

void Mlp::weight_gradients(float* gradients, Index batch) {
  const Index rows = panels_for(max_batch_) * kernels_.panel;
  for (const DenseStep& step : plan_.steps) {
    const bool narrow = std::min(step.shape.inputs, step.shape.outputs) < kernels_.narrow;
    kernels_.weight_gradient(gradients + step.weight, gradients + step.bias, dx_.at(step.to, 0),
                             x_.at(step.from, 0), narrow ? nullptr : transposed_[step.from].data(), rows,
                             step.shape, batch);
  }
}

// ---- acting

void Mlp::q_values(std::span<float> q, std::span<const float> observations, Index n, const float* online) {
  const Index inputs = plan_.inputs(), actions = plan_.actions(), width = kernels_.panel;
  const float* rows = observations.data();
  float* to = q.data();
  while (n > 0) {
    const Index samples = n >= kFew ? std::min(n, width) : 1;
    if (samples > 1) {
      kernels_.gather(chosen_.at(0, 0), rows, in_order_.data(), inputs, samples);
      forward(chosen_, 0, samples, online);
      const float* values = chosen_.at(plan_.q, 0);
      for (Index s = 0; s < samples; ++s)
        for (Index a = 0; a < actions; ++a) to[s * actions + a] = values[a * width + s];
    } else {
      row({to, static_cast<std::size_t>(actions)}, rows, online);
    }
    rows += samples * inputs;
    to += samples * actions;
    n -= samples;
  }
}

void Mlp::row(std::span<float> q, const float* observation, const float* online) {
  std::copy_n(observation, plan_.inputs(), row_[0].data());
  for (const DenseStep& step : plan_.steps)
    kernels_.row(row_[step.to].data(), row_[step.from].data(), online + step.weight, online + step.bias,
                 step.shape, step.epilogue);
  if (!plan_.dueling) {
    std::copy_n(row_[plan_.q].data(), q.size(), q.data());
    return;
  }
  const float v = row_[plan_.value].data()[0];
  const float* const a = row_[plan_.advantage].data();
  float sum = 0;
  for (std::size_t k = 0; k < q.size(); ++k) sum += a[k];
  const float mean = sum / static_cast<float>(q.size());
  for (std::size_t k = 0; k < q.size(); ++k) q[k] = v + a[k] - mean;
}

}  // namespace bellman::cpu::fused
