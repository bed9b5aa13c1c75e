// A gradient step that a device made, taken apart on the host: the executor's, fused and op by op.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "apps/explain/q_change.h"
#include "apps/explain/update_page.h"
#include "apps/explain/update_text.h"
#include "apps/explain/update_trace.h"
#include "apps/run/checkpoint.h"
#include "apps/run/device.h"
#include "rl/replay/sampler.h"
#include "rl/train/from_config.h"
#include "rl/train/trainer.h"
#include "tests/apps/explain/traced_step.h"

namespace bellman::test {
namespace {

constexpr Index kStep = 40;

TrainConfig device_config(LearnerKind learner, bool prioritized) {
  TrainConfig config = small_config();
  config.device = "simt";
  config.learner = learner;
  config.prioritized = config.double_dqn = prioritized;
  if (prioritized) config.loss = LossKind::kHuber;
  return config;
}

/// The slots that the host would draw uniformly from the state before the step.
std::vector<Index> uniform_draws(const UpdateTrace& trace) {
  const TrainConfig& config = trace.update.config;
  const StateReader before(trace.update.before, "test");
  ReplayRing ring(replay_slots(config), config.num_envs, config.n_step, config.gamma);
  ring.load(before, trace.update.env.num_actions);
  UniformSampler sampler(ring.capacity(), config.seed);
  sampler.load(before, ring);
  std::vector<Index> slots(static_cast<std::size_t>(config.batch_size));
  std::vector<float> weights(slots.size());
  sampler.sample(static_cast<std::uint64_t>(trace.update.number - 1), slots, weights);
  return slots;
}

/// Sums of the sizes of all terms that Q(x, .) is summed from: what its rounding is relative to.
std::vector<double> sizes_of_q(const UpdateTrace& trace, const std::string& parameters,
                               const std::vector<double>& x) {
  const auto layer = [&](const std::string& name, const std::vector<double>& in) {
    const TracedTensor &w = trace.tensor(parameters + name + ".weight"),
                       &b = trace.tensor(parameters + name + ".bias");
    std::vector<double> out;
    for (Index j = 0; j < w.shape[0]; ++j) {
      double sum = std::abs(b.values[static_cast<std::size_t>(j)]);
      for (Index i = 0; i < w.shape[1]; ++i) sum += std::abs(w.at(j, i) * in[static_cast<std::size_t>(i)]);
      out.push_back(sum);
    }
    return out;
  };
  return layer("2", layer("0", x));
}

/// The size of the terms that each element of a parameter's gradient is summed from.
std::vector<double> sizes_of_gradient(const UpdateTrace& trace, const std::string& name) {
  const TrainConfig& config = trace.update.config;
  const auto batch = static_cast<double>(trace.update.next.batch.size);
  const TracedTensor &w2 = trace.tensor("theta.2.weight"), &gradient = trace.tensor("gradient." + name);
  const Index width = gradient.shape.size() > 1 ? gradient.shape[1] : 1;
  std::vector<double> sizes(gradient.values.size(), 0);
  for (Index n = 0; n < trace.update.next.batch.size; ++n) {
    const auto k = static_cast<std::size_t>(n);
    const std::vector<double> s = row(trace.tensor("a0"), n), h = row(trace.tensor("a2"), n);
    const std::vector<double> next = sizes_of_q(trace, "target.", row(trace.tensor("next_observation"), n));
    const auto a = static_cast<Index>(trace.tensor("action").values[k]);
    const double slope = config.loss == LossKind::kHuber ? 1 : 2;
    const double dq = slope * trace.tensor("weight").values[k] / batch *
                      (std::abs(trace.tensor("reward").values[k]) + *std::ranges::max_element(next) +
                       sizes_of_q(trace, "theta.", s)[static_cast<std::size_t>(a)]);
    for (Index i = 0; i < static_cast<Index>(sizes.size()); ++i) {
      const Index unit = i / width;
      const auto input = static_cast<std::size_t>(i % width);
      double size = 0;
      if (name.starts_with("2"))
        size = unit == a ? dq * (name == "2.bias" ? 1 : std::abs(h[input])) : 0;
      else
        size = dq * std::abs(w2.at(a, unit)) * (name == "0.bias" ? 1 : std::abs(s[input]));
      sizes[static_cast<std::size_t>(i)] += size;
    }
  }
  return sizes;
}

/// CHECKs that the device's parameters are the repeat's up to roundings. A gradient's element is a sum over the batch
/// of products along the network: no number on its way passes more than `kRoundings` roundings, each relative to the
/// sum of its terms' sizes. Adam carries the gradient's error on through m and v.
void check_residual(const UpdateTrace& trace) {
  constexpr double kRounding = 0x1p-24;
  constexpr double kRoundings =
      4 + 6 + 8 + 20;  // inputs, hidden units, batch; bias, target, loss and clipping
  const auto t = static_cast<double>(trace.optimizer_step);
  const auto lr = static_cast<double>(trace.update.next.step.learning_rate);
  const double c1 = 1 - std::pow(0.9, t), c2 = 1 - std::pow(0.999, t);
  double largest_share = 0;
  for (const char* const name : {"0.weight", "0.bias", "2.weight", "2.bias"}) {
    const std::vector<double> sizes = sizes_of_gradient(trace, name);
    const auto at = [&](const std::string& prefix) -> const std::vector<double>& {
      return trace.tensor(prefix + name).values;
    };
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      const double dg = kRoundings * kRounding * sizes[i], v = at("v.after.")[i];
      const double root = std::sqrt(v / c2) + trace.update.config.optimizer_epsilon;
      const double step = std::abs(at("theta.after.")[i] - at("theta.")[i]);
      const double dv = v > 0 ? 0.001 * 2 * std::abs(at("clipped.")[i]) * dg / v : 0;
      const double bound = lr * 0.1 * dg / c1 / root + step * (dv / 2 + 8 * kRounding) +
                           2 * kRounding * std::abs(at("theta.after.")[i]);
      const double distance = std::abs(at("run.theta.")[i] - at("theta.after.")[i]);
      CHECK_MESSAGE(distance <= bound, name << " " << i << ": " << distance << " beyond " << bound);
      if (bound > 0) largest_share = std::max(largest_share, distance / bound);
    }
  }
  MESSAGE(trace.update.learner << ": " << trace.distance_from_run << " apart, " << trace.roundings_from_run
                               << " roundings; at most " << largest_share << " of the bound");
}

/// The number with this id on a page.
double read_back(const std::string& html, const std::string& id) {
  const std::string before = "title=\"" + id + " = ";
  const std::size_t place = html.find(before);
  REQUIRE_MESSAGE(place != std::string::npos, id);
  return std::strtod(html.c_str() + place + before.size(), nullptr);
}

/// CHECKs the numbers of a transition on the page against the definition, from the page's own inputs.
void check_page(const UpdateTrace& trace, Index sample) {
  const QChange change = split_q_change(trace, row(trace.tensor("a0"), sample), 0);
  const std::string html = update_page(trace, sample, change, "title");
  CHECK(html.find("nan") == std::string::npos);
  CHECK(html.find("on the device simt (" + trace.update.learner + ")") != std::string::npos);
  CHECK(html.find("copied to the host. The host repeats the step") != std::string::npos);
  CHECK(html.find("θ after, on the device") != std::string::npos);
  std::vector<double> s;
  for (Index i = 0; i < 4; ++i) s.push_back(read_back(html, "a0:" + std::to_string(i)));
  const std::vector<double> q = q_values(trace, "theta.", s);
  const auto k = static_cast<std::size_t>(sample);
  const auto a = static_cast<std::size_t>(trace.update.next.batch.arrays.actions[k]);
  check_near(read_back(html, "q"), q[a]);
  for (std::size_t i = 0; i < q.size(); ++i) check_near(read_back(html, "a3:" + std::to_string(i)), q[i]);
  std::vector<double> next;
  for (Index i = 0; i < 4; ++i) next.push_back(read_back(html, "next:" + std::to_string(i)));
  const std::vector<double> judged = q_values(trace, "target.", next),
                            chooser =
                                trace.update.config.double_dqn ? q_values(trace, "theta.", next) : judged;
  const auto best = static_cast<std::size_t>(std::ranges::max_element(chooser) - chooser.begin());
  const double y = read_back(html, "reward") +
                   read_back(html, "discount") * (1 - trace.tensor("terminated").values[k]) * judged[best];
  check_near(read_back(html, "y"), y);
  check_near(read_back(html, "delta"), y - q[a]);
}

TEST_CASE("a device's step is repeated on the host from the device's batch and parameters") {
  for (const LearnerKind learner : {LearnerKind::kFused, LearnerKind::kOpByOp})
    for (const bool prioritized : {false, true}) {
      CAPTURE(prioritized);
      const UpdateTrace trace = traced(device_config(learner, prioritized), kStep);
      CHECK(trace.update.on_device);
      CHECK_FALSE(is_runs_own(trace));
      CHECK(trace.update.learner.starts_with(learner == LearnerKind::kFused ? "fused" : "op by op"));
      check_definitions(trace);
      check_residual(trace);
      if (prioritized)
        check_draws(trace);
      else
        CHECK(trace.update.next.batch.arrays.slots == uniform_draws(trace));
      check_page(trace, 3);
      const std::string text = update_text(trace, 3, 120);
      CHECK(text.find("on the device simt\n  the run's own: draw, batch, weights") != std::string::npos);
      const bool same_bits = trace.distance_from_run == 0;
      CHECK(text.find(same_bits ? "the same in both, to the last bit\n" : " roundings\n") !=
            std::string::npos);
    }
}

TEST_CASE("from a state a device comes to the same step as from the beginning") {
  for (const bool prioritized : {false, true}) {
    CAPTURE(prioritized);
    const TrainConfig config = device_config(LearnerKind::kFused, prioritized);
    const CapturedUpdate early = capture_update(config, nullptr, "test", kStep - 15);
    const CapturedUpdate whole = capture_update(config, nullptr, "test", kStep);
    const CapturedUpdate rest = capture_update(config, &early.before, "test", kStep);
    CHECK(first_difference(rest.before, whole.before).empty());
    CHECK(first_difference(rest.after, whole.after).empty());
    CHECK(rest.next.batch.arrays.slots == whole.next.batch.arrays.slots);
    CHECK(rest.next.batch.arrays.weights == whole.next.batch.arrays.weights);
    CHECK(rest.next.batch.observations == whole.next.batch.observations);
    CHECK(rest.target_age == whole.target_age);
  }
}

/// Networks and optimiser of the run after `updates` gradient steps, with nobody looking on.
TensorFile unwatched_state(const TrainConfig& config, Index updates) {
  const Device device = make_device(config.device, config.threads);
  Trainer trainer(config, *device.backend, device.parts);
  TensorFile state;
  trainer.set_checkpoint_hook(1, [&](Index) {
    TensorFile now;
    StateWriter out(now);
    trainer.save(out);
    if (StateReader(now, "test").count("trainer.gradient_updates") != updates || !state.tensors.empty())
      return;
    StateWriter learner(state);
    trainer.save_learner(learner);
  });
  trainer.run();
  return state;
}

TEST_CASE("the step that is taken down is the one that the run makes, to the last bit") {
  for (const LearnerKind learner : {LearnerKind::kFused, LearnerKind::kOpByOp}) {
    TrainConfig config = device_config(learner, false);
    config.total_timesteps = 130;
    CHECK(
        first_difference(unwatched_state(config, kStep), capture_update(config, nullptr, "test", kStep).after)
            .empty());
  }
}

TEST_CASE("what keeps its replay on the host is explained on a device, too") {
  TrainConfig config = device_config(LearnerKind::kOpByOp, false);
  config.total_timesteps = 150;
  SUBCASE("normalised observations") { config.normalize_observation = true; }
  SUBCASE("no replay") {
    config.replay = false;
    config.num_envs = 4;
  }
  const UpdateTrace trace = traced(config, 10);
  CHECK(trace.update.on_device);
  check_definitions(trace);
  CHECK(trace.roundings_from_run < 1000);
}

}  // namespace
}  // namespace bellman::test
