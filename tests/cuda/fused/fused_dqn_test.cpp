// The fused learn step against the op-by-op one on the definition's backend: one step within a bound that
// counts its roundings, many steps within what those can grow to, and the same bits however steps are cut
// into launches.
#include "core/nn/fused_dqn.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/base/rng.h"
#include "core/reference/reference_backend.h"
#include "rl/learn/dqn_update.h"
#include "tests/cuda/fused/fused_dqn_rig.h"
#include "tests/support/backends.h"
#include "tests/support/compare.h"
#include "tests/support/training/learn_step_cases.h"

namespace bellman::test {
namespace {

constexpr double kUnit = 0x1p-24;
constexpr float kRate = 1e-3F;
constexpr double kApart = 1e-3;  // of a tensor's gradient: a thousandth, where roundings make some 1e-6

LearnerOptions options_of(Index batch) {
  LearnerOptions options;
  options.max_batch = batch;
  options.optimizer = AdamOptions{};
  return options;
}

struct Case {
  Index inputs;
  std::string network;
  LearnerOptions options;
  bool weighted = false, bytes = false;
};

/// Every width with a batch, every batch with a width, and with them in turn what else there is.
std::vector<Case> cases() {
  const Index widths[] = {1, 3, 31, 32, 33, 64, 65, 128}, batches[] = {1, 3, 31, 32, 33, 64, 65, 130};
  std::vector<Case> all;
  for (std::size_t i = 0; i < 16; ++i) {
    const LearnerOptions options = varied(options_of(batches[(3 * i + i / 8) % 8]), i);
    all.push_back({.inputs = widths[(5 * i) % 7],
                   .network = varied_network(widths[i % 8], widths[(i + 3) % 8], i),
                   .options = options,
                   .weighted = i % 2 == 1,
                   .bytes = i % 7 == 3});
  }
  all.push_back({4, "dueling 2", options_of(5)});
  all.push_back({4, "dense 64, relu, dense 64, relu, dense 2", options_of(64)});
  // What does not fit lies outside: the moments; the target, too.
  LearnerOptions options = options_of(128);
  options.optimizer = AdamOptions{.epsilon = 1e-6};
  all.push_back({4, "dense 120, relu, dense 84, relu, dense 2", options});
  options.max_batch = 40;
  options.double_dqn = true;
  all.push_back({4, "dense 128, tanh, dense 128, relu, dense 2", options});
  return all;
}

void check_one_step(DeviceBackend& device, const Case& c) {
  PlainDqn plain(c.network, {c.inputs}, c.options);
  FusedDqnRig fused(device, c.network, {c.inputs}, c.options);
  const Experience experience(300, c.inputs, plain.network.output_shape()[0], c.bytes);
  plain.use(experience);
  fused.use(experience);
  spread_parameters(plain.update, fused.update);
  const std::vector<float> before = numbers_of(plain.backend, plain.update.online());
  const std::vector<std::int32_t> slots = experience.draw(1, c.options.max_batch);
  const std::vector<float> weights = c.weighted ? experience.weights(slots.size()) : std::vector<float>{};
  const LearnStepMagnitudes magnitudes = plain.magnitudes(slots);
  plain.learn(slots, weights, kRate);
  fused.learn(slots, weights, kRate);

  const double rounding = 2 * rounding_bound<float>(magnitudes.terms);  // of either
  check_within<float, float>(fused.td_error(), plain.td_error(),
                             magnitudes.times(magnitudes.td_error, rounding));
  CHECK(std::abs(fused.loss() - plain.loss()) <= rounding * magnitudes.loss);
  const double max_norm = double(c.options.max_grad_norm);
  const double norm = max_norm > 0 ? plain.norm() : 0;
  if (max_norm > 0) CHECK(std::abs(fused.norm() - norm) <= 1e-3 * norm);
  const std::vector<float> g = numbers_of(plain.backend, plain.update.gradients());
  const std::vector<double> bound =
      clipped_bounds(magnitudes.times(magnitudes.gradient, rounding), g, norm, max_norm);
  const std::vector<float> fused_g = numbers_of(device, fused.update.gradients());
  check_within<float, float>(fused_g, g, bound);
  for (const ArenaLayout::Entry& entry : plain.network.layout().entries()) {
    INFO(entry.name);
    const auto begin = static_cast<std::size_t>(entry.offset);
    const auto size = static_cast<std::size_t>(entry.shape.elements());
    check_length_apart<float, float>(std::span(fused_g).subspan(begin, size),
                                     std::span(g).subspan(begin, size), kApart);
  }

  // Adam's first step is rate g / (|g| + epsilon), g with the decay: no steeper than rate / epsilon or 2 /
  // |g|.
  const AdamOptions& adam = std::get<AdamOptions>(c.options.optimizer);
  std::vector<double> online_bound;
  for (std::size_t i = 0; i < g.size(); ++i) {
    const double l2 = adam.decoupled ? 0 : adam.weight_decay * std::abs(double(before[i]));
    const double off = bound[i] + 8 * kUnit * (std::abs(double(g[i])) + l2);
    const double size = std::abs(double(g[i]) + (adam.decoupled ? 0 : adam.weight_decay * double(before[i])));
    const double relative = std::min({2.0, 2 * off / std::max(size, 1e-30), off / adam.epsilon});
    online_bound.push_back(double(kRate) * (relative + 16 * kUnit) + 4 * kUnit * std::abs(double(before[i])));
  }
  check_within<float, float>(numbers_of(device, fused.update.online()),
                             numbers_of(plain.backend, plain.update.online()), online_bound);
}

TEST_CASE("a fused step is the op-by-op step, within its roundings") {
  for (const std::unique_ptr<DeviceBackend>& device : wanted_devices())
    for (const Case& c : cases()) {
      INFO("device ", std::string(device->name()), ", network ", c.network, ", inputs ", c.inputs, ", batch ",
           c.options.max_batch);
      check_one_step(*device, c);
    }
}

// A step of Adam moves a parameter by about the rate and is off by gamma(terms) of it, as the gradient is;
// the steps may add that up.
TEST_CASE("150 steps with target updates stay together") {
  constexpr int kSteps = 150;
  LearnerOptions options = options_of(32);
  options.double_dqn = true;
  options.max_grad_norm = 1;
  const char* const network = "dense 32, relu, dense 32, tanh, dueling 2";
  for (const std::unique_ptr<DeviceBackend>& device : wanted_devices()) {
    PlainDqn plain(network, {4}, options);
    FusedDqnRig fused(*device, network, {4}, options);
    const Experience experience(200, 4, 2, false);
    plain.use(experience);
    fused.use(experience);
    spread_parameters(plain.update, fused.update);
    const std::vector<float> start = numbers_of(plain.backend, plain.update.online());
    for (int step = 0; step < kSteps; ++step) {
      const std::vector<std::int32_t> slots = experience.draw(step, 32);
      const float tau = step % 50 == 49 ? 0.5F : 0.0F;
      plain.learn(slots, {}, kRate);
      if (tau > 0) plain.update.update_target(tau);
      fused.learn(slots, {}, kRate, tau);
    }
    const double terms = 2 * (4 + 32 + 32) + 2 + 32 + 32 + 32;
    const double bound = kSteps * double(kRate) * rounding_bound<float>(terms);
    const std::vector<float> expected = numbers_of(plain.backend, plain.update.online());
    const std::vector<float> actual = numbers_of(*device, fused.update.online());
    double apart = 0, moved = 0;
    for (std::size_t i = 0; i < actual.size(); ++i) {
      apart = std::max(apart, std::abs(double(actual[i]) - double(expected[i])));
      moved = std::max(moved, std::abs(double(start[i]) - double(expected[i])));
    }
    MESSAGE(std::string(device->name()), ": parameters are at most ", apart, " apart and moved by up to ",
            moved);
    check_close<float, float>(actual, expected, bound);
    check_close<float, float>(numbers_of(*device, fused.update.target()),
                              numbers_of(plain.backend, plain.update.target()), bound);
  }
}

/// Parameters, moments, target, gradients, sums after `steps` steps, `a_launch` of them in each launch.
std::vector<double> bits_of(DeviceBackend& device, const std::string& network, const LearnerOptions& options,
                            int steps, int a_launch) {
  FusedDqnRig fused(device, network, {5}, options);
  const Experience experience(100, 5, 3, false);
  fused.use(experience);
  for (int step = 0; step < steps; step += a_launch) {
    std::vector<std::int32_t> slots;
    for (int k = 0; k < a_launch; ++k) {
      const auto more = experience.draw(step + k, options.max_batch);
      slots.insert(slots.end(), more.begin(), more.end());
    }
    fused.learn(slots, {}, kRate, (step + a_launch) % 4 == 0 ? 0.25F : 0.0F);
  }
  return fused.everything();
}

TEST_CASE("K launches of one step are one launch of K steps, bit for bit") {
  LearnerOptions options = options_of(33);
  options.max_grad_norm = 0.5F;
  options.double_dqn = true;
  for (const std::unique_ptr<DeviceBackend>& device : wanted_devices())
    for (const char* const network : {"dense 12, relu, dueling 3 hidden 7", "dense 33, tanh, dense 3"}) {
      const std::vector<double> one_by_one = bits_of(*device, network, options, 8, 1);
      CHECK(one_by_one == bits_of(*device, network, options, 8, 2));
      CHECK(one_by_one == bits_of(*device, network, options, 8, 4));
      CHECK(one_by_one == bits_of(*device, network, options, 8, 1));
    }
}

TEST_CASE("what does not fit lies outside, or is refused with the bytes") {
  for (const std::unique_ptr<DeviceBackend>& device : wanted_devices()) {
    const auto place = [&](const char* network, Index batch) {
      LearnerOptions options = options_of(batch);
      return FusedDqnRig(*device, network, {4}, options).description();
    };
    if (std::string(device->name()) == "simt") {  // 227 KiB
      CHECK(
          place("dense 64, relu, dense 64, relu, dense 2", 64).starts_with("everything in shared memory ("));
      CHECK(place("dense 120, relu, dense 84, relu, dense 2", 128)
                .starts_with("all but the moments in shared"));
      CHECK(
          place("dense 128, relu, dense 128, relu, dense 2", 64).starts_with("parameters and gradients in"));
    }
    DenseChain chain;
    REQUIRE(describe_dense_chain(chain, Network("dense 256, relu, dense 256, relu, dense 2", {4})).empty());
    const std::string unsupported = device->fused_dqn_ops()->fused_dqn_unsupported_reason(chain, {{}, 64});
    CHECK(unsupported.starts_with("it needs "));
    CHECK(unsupported.find(" bytes of shared memory") != std::string::npos);
    CHECK(describe_dense_chain(chain, Network("conv 2 3x3, flatten, dense 2", {1, 4, 4})).find("conv") !=
          std::string::npos);
  }
}

TEST_CASE("a step whose loss or gradient is not finite changes nothing, and is reported") {
  for (const std::unique_ptr<DeviceBackend>& device : wanted_devices())
    for (const OnNan on_nan : {OnNan::kStop, OnNan::kSkip}) {
      LearnerOptions options = options_of(4);
      options.on_nan = on_nan;
      FusedDqnRig fused(*device, "dense 6, tanh, dense 2", {3}, options);
      Experience experience(20, 3, 2, false);
      experience.rewards[7] = std::numeric_limits<float>::infinity();
      fused.use(experience);
      fused.learn({1, 2, 3, 4}, {}, kRate);
      const std::vector<double> before = fused.everything();
      fused.learn({1, 2, 7, 4}, {}, kRate);
      CHECK(fused.parameters_and_moments() ==
            std::vector<double>(before.begin(), before.begin() + fused.kept()));
      std::vector<std::int32_t> guard = fused.guard();
      CHECK(guard[kHeld] == 1);
      CHECK(guard[kSkipped] == 1);
      CHECK(guard[kPlace] == 1);  // 0.weight (0,0)
      CHECK(guard[kOverflowed] == 0);
      const std::vector<double> report = fused.report();
      CHECK(report[kNumber] == 2);
      CHECK(report[kSample] == 2);
      CHECK(report[kSlot] == 7);
      CHECK(std::isinf(report[kTdError]));
      CHECK(std::isinf(report[kLoss]));

      fused.learn({1, 2, 3, 4}, {}, kRate);
      guard = fused.guard();
      const bool stopped = on_nan == OnNan::kStop;
      CHECK(guard[kHeld] == (stopped ? 1 : 0));
      CHECK(guard[kSkipped] == 1);
      CHECK(fused.sums()[3] == (stopped ? 1 : 2));
      CHECK(fused.report()[kNumber] == 2);
      // A step that was skipped is none: Adam counts those that were made.
      FusedDqnRig twice(*device, "dense 6, tanh, dense 2", {3}, options);
      twice.use(experience);
      for (int step = 0; step < (stopped ? 1 : 2); ++step) twice.learn({1, 2, 3, 4}, {}, kRate);
      CHECK(twice.parameters_and_moments() == fused.parameters_and_moments());
    }
}

TEST_CASE("a parameter that overflows holds all later steps") {
  for (const std::unique_ptr<DeviceBackend>& device : wanted_devices()) {
    LearnerOptions options = options_of(4);
    options.on_nan = OnNan::kSkip;
    FusedDqnRig fused(*device, "dense 2", {3}, options);
    fused.use(Experience(20, 3, 2, false));
    fused.learn({1, 2, 3, 4}, {}, std::numeric_limits<float>::max());
    fused.learn({1, 2, 3, 4, 1, 2, 3, 4}, {}, std::numeric_limits<float>::max());
    const std::vector<std::int32_t> guard = fused.guard();
    CHECK(guard[kOverflowed] == 1);
    CHECK(guard[kHeld] == 1);
  }
}

}  // namespace
}  // namespace bellman::test
