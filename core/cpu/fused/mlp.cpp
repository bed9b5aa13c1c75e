#include "core/cpu/fused/mlp.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "core/base/check.h"

namespace bellman::cpu::fused {
namespace {

constexpr Index kLine = 16;  // floats of a cache line, and of the widest vector
// Samples from which a panel costs less than one sample after the other.
constexpr Index kFew = 6;
// Multiply-adds of a step from which moving activations and gradients between two cores' caches pays.
constexpr Index kManyMultiplyAdds = 3'000'000;

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

Mlp::Mlp(const Network& network, Index max_batch, const Kernels& kernels, ThreadPool& pool)
    : plan_(plan_of(network)),
      kernels_(kernels),
      pool_(pool),
      max_batch_(max_batch),
      x_(plan_, panels_for(max_batch), kernels.panel),
      dx_(plan_, panels_for(max_batch), kernels.panel),
      target_q_(panels_for(max_batch) * kernels.panel * plan_.actions()),
      chooser_q_(target_q_.size()),
      tasks_(gradient_tasks()),
      transposed_(plan_.features.size()),
      actions_(max_batch),
      loss_(max_batch),
      q_taken_(max_batch),
      in_order_(static_cast<std::size_t>(kernels.panel)) {
  for (int thread = 0; thread < pool.threads(); ++thread) one_panel_.emplace_back(plan_, 1, kernels.panel);
  std::iota(in_order_.begin(), in_order_.end(), Index{0});
  for (const DenseStep& step : plan_.steps)
    if (wide(step) && !transposed_[step.from].data())
      transposed_[step.from] =
          Floats((step.shape.inputs + kernels.panel - 1) / kernels.panel * sample_panel_size());
  for (const Index features : plan_.features) row_.emplace_back(whole_lines(features));
}

std::vector<Mlp::GradientTask> Mlp::gradient_tasks() const {
  using Of = GradientTask::Of;
  std::vector<GradientTask> tasks;
  for (const DenseStep& step : plan_.steps) {
    const Index I = step.shape.inputs, O = step.shape.outputs;
    if (wide(step)) {
      for (Index i = 0; i < I; i += kernels_.panel)
        tasks.push_back({Of::kWeightColumns, step, i, O * std::min<Index>(kernels_.panel, I - i)});
    } else {
      tasks.push_back({Of::kNarrowWeights, step, 0, O * I});
    }
    tasks.push_back({Of::kBiases, step, 0, O});
  }
  std::stable_sort(tasks.begin(), tasks.end(),
                   [](const GradientTask& a, const GradientTask& b) { return a.work > b.work; });
  return tasks;
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

LossSums Mlp::learn(float* gradients, std::span<float> td_error, const float* online, const float* target,
                    const Observations& observations, const Transitions& transitions,
                    const DqnOptions& options) {
  check_batch(transitions, td_error);
  const Step step = {.gradients = gradients,
                     .td_error = td_error,
                     .online = online,
                     .target = target,
                     .observations = observations,
                     .transitions = transitions,
                     .options = options,
                     .batch = static_cast<Index>(transitions.actions.size()),
                     .chooses_apart = options.double_dqn && online != target};
  if (pool_.threads() == 1 || multiply_adds(step) >= kManyMultiplyAdds)
    run_by_panels(step);
  else
    run_by_networks(step);
  return sums_of(step.batch);
}

/// Two forward passes, or three, and a backward pass to the inputs and to the weights.
Index Mlp::multiply_adds(const Step& step) const {
  Index of_a_pass = 0;
  for (const DenseStep& dense : plan_.steps) of_a_pass += dense.shape.inputs * dense.shape.outputs;
  return step.batch * of_a_pass * (step.chooses_apart ? 5 : 4);
}

/// A panel goes through everything before its thread takes the next one.
void Mlp::run_by_panels(const Step& step) {
  pool_.run(panels_for(step.batch), [&](Index panel, int thread) {
    if (step.chooses_apart) look_ahead(step, panel, step.online, chooser_q_, thread);
    look_ahead(step, panel, step.target, target_q_, thread);
    forward_panel(step, panel);
    finish_panel(step, panel);
  });
  pool_.run(static_cast<Index>(tasks_.size()),
            [&](Index task, int /*thread*/) { compute(tasks_[task], step.gradients, step.batch); });
}

/// A network's pass over all panels is a thread's; what follows is the caller's.
void Mlp::run_by_networks(const Step& step) {
  const Index panels = panels_for(step.batch);
  pool_.run(step.chooses_apart ? 3 : 2, [&](Index pass, int thread) {
    for (Index panel = 0; panel < panels; ++panel) {
      if (pass == 0) forward_panel(step, panel);
      if (pass == 1) look_ahead(step, panel, step.target, target_q_, thread);
      if (pass == 2) look_ahead(step, panel, step.online, chooser_q_, thread);
    }
  });
  for (Index panel = 0; panel < panels; ++panel) finish_panel(step, panel);
  for (const GradientTask& task : tasks_) compute(task, step.gradients, step.batch);
}

/// q <- Q(s', .) of the panel.
void Mlp::look_ahead(const Step& step, Index panel, const float* parameters, const Floats& q,
                     int thread) const {
  const Values& values = one_panel_[thread];
  const Index samples = samples_in(panel, step.batch), size = plan_.actions() * kernels_.panel;
  kernels_.gather(values.at(0, 0), step.observations.next_table,
                  &step.observations.next_rows[panel * kernels_.panel], plan_.inputs(), plan_.inputs(),
                  samples);
  forward(values, 0, samples, parameters);
  std::copy_n(values.at(plan_.q, 0), size, q.data() + panel * size);
}

void Mlp::forward_panel(const Step& step, Index panel) const {
  const Index samples = samples_in(panel, step.batch);
  kernels_.gather(x_.at(0, panel), step.observations.table, &step.observations.rows[panel * kernels_.panel],
                  plan_.inputs(), plan_.inputs(), samples);
  forward(x_, panel, samples, step.online);
}

void Mlp::finish_panel(const Step& step, Index panel) {
  const Index samples = samples_in(panel, step.batch);
  targets_and_loss(step, panel);
  backward(panel, samples, step.online);
  transpose_inputs(panel, samples);
}

void Mlp::forward(const Values& values, Index panel, Index samples, const float* parameters) const {
  for (const DenseStep& step : plan_.steps)
    kernels_.forward(values.at(step.to, panel), values.at(step.from, panel), parameters + step.weight,
                     parameters + step.bias, step.shape, samples, step.epilogue);
  if (plan_.dueling)
    kernels_.dueling_forward(values.at(plan_.q, panel), values.at(plan_.value, panel),
                             values.at(plan_.advantage, panel), plan_.actions(), samples);
}

void Mlp::targets_and_loss(const Step& step, Index panel) {
  const Index first = panel * kernels_.panel, q = first * plan_.actions();
  const Transitions& transitions = step.transitions;
  kernels_.td({.samples = samples_in(panel, step.batch),
               .actions = plan_.actions(),
               .q = x_.at(plan_.q, panel),
               .target_q = target_q_.data() + q,
               .chooser_q = (step.chooses_apart ? chooser_q_ : target_q_).data() + q,
               .action = actions_.data() + first,
               .reward = transitions.rewards.data() + first,
               .discount = transitions.discounts.data() + first,
               .terminated = transitions.terminated.data() + first,
               .weight = transitions.weights.data() + first,
               .huber = step.options.loss == LossKind::kHuber,
               .delta = static_cast<float>(step.options.huber_delta),
               .batch = static_cast<float>(step.batch),
               .dq = dx_.at(plan_.q, panel),
               .td_error = step.td_error.data() + first,
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
    const Activation::Kind made_by = step.finishes ? plan_.made_by[step.from] : Activation::kNone;
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

void Mlp::compute(const GradientTask& task, float* gradients, Index batch) const {
  const DenseStep& step = task.step;
  const float* const dy = dx_.at(step.to, 0);
  switch (task.of) {
    case GradientTask::Of::kWeightColumns:
      kernels_.weight_columns(
          gradients + step.weight, dy,
          transposed_[step.from].data() + task.first / kernels_.panel * sample_panel_size(), step.shape,
          task.first, batch);
      break;
    case GradientTask::Of::kNarrowWeights:
      kernels_.narrow_weights(gradients + step.weight, dy, x_.at(step.from, 0), step.shape, batch);
      break;
    case GradientTask::Of::kBiases:
      kernels_.biases(gradients + step.bias, dy, step.shape.outputs, batch);
      break;
  }
}

// ---- acting

void Mlp::q_values(std::span<float> q, std::span<const float> observations, Index n, const float* online) {
  const Index inputs = plan_.inputs(), actions = plan_.actions(), width = kernels_.panel;
  const Index panels = n % width >= kFew ? panels_for(n) : n / width;
  pool_.run(panels, [&](Index panel, int thread) {
    const Index first = panel * width;
    panel_of_q_values(q.data() + first * actions, observations.data() + first * inputs,
                      std::min(width, n - first), online, one_panel_[thread]);
  });
  for (Index row_number = panels * width; row_number < n; ++row_number)
    row(q.subspan(static_cast<std::size_t>(row_number * actions), static_cast<std::size_t>(actions)),
        observations.data() + row_number * inputs, online);
}

void Mlp::panel_of_q_values(float* q, const float* observations, Index samples, const float* online,
                            const Values& values) const {
  const Index actions = plan_.actions();
  kernels_.gather(values.at(0, 0), observations, in_order_.data(), plan_.inputs(), plan_.inputs(), samples);
  forward(values, 0, samples, online);
  const float* const panel = values.at(plan_.q, 0);
  for (Index n = 0; n < samples; ++n)
    for (Index a = 0; a < actions; ++a) q[n * actions + a] = panel[a * kernels_.panel + n];
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
