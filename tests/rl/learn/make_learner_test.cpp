#include "rl/learn/make_learner.h"

#include <string>

#include <doctest/doctest.h>

#include "core/cpu/cpu_backend.h"
#include "core/reference/reference_backend.h"
#include "rl/learn/fused_cpu_learner.h"
#include "tests/rl/learn/fused_rig.h"
#include "tests/support/error_message.h"

namespace bellman::test {
namespace {

TEST_CASE("auto is the fused learner where it can be had; asked for and not to be had, it says why") {
  CpuBackend cpu;
  ReferenceBackend<float> reference;
  const LearnerOptions adam = adam_options(1), sgd = options_for(1);
  const Network known("dense 64, relu, dense 2", {4}), wide("dense 513, relu, dense 2", {4});
  const Network leaky("dense 8, leaky_relu, dense 2", {4}),
      pictures("conv 2 3x3, relu, flatten, dense 2", {1, 5, 5});
  const auto choose = [](LearnerKind asked, const Backend& backend, const Network& network,
                         const LearnerOptions& options) {
    return chosen_learner(asked, backend, network, options);
  };
  CHECK(choose(LearnerKind::kAuto, cpu, known, adam) == LearnerKind::kFused);
  CHECK(choose(LearnerKind::kOpByOp, cpu, known, adam) == LearnerKind::kOpByOp);
  CHECK(choose(LearnerKind::kAuto, reference, known, adam) == LearnerKind::kOpByOp);
  CHECK(choose(LearnerKind::kAuto, cpu, Network("flatten, dense 8, tanh, dueling 3 hidden 4", {2, 3, 3}),
               adam) == LearnerKind::kFused);
  for (const Network* network : {&wide, &leaky, &pictures})
    CHECK(choose(LearnerKind::kAuto, cpu, *network, adam) == LearnerKind::kOpByOp);

  const auto message = [&](const Backend& backend, const Network& network, const LearnerOptions& options) {
    return error_message([&] { choose(LearnerKind::kFused, backend, network, options); });
  };
  CHECK(message(reference, known, adam) ==
        "learner is fused, which cannot train this: it runs on the device cpu, not on reference");
  CHECK(message(cpu, known, sgd) ==
        "learner is fused, which cannot train this: its optimizers are adam and adamw");
  LearnerOptions munchausen = adam;
  munchausen.munchausen = true;
  CHECK(choose(LearnerKind::kAuto, cpu, known, munchausen) == LearnerKind::kOpByOp);
  CHECK(message(cpu, known, munchausen) ==
        "learner is fused, which cannot train this: its targets are those of DQN and Double DQN, and "
        "munchausen is true");
  CHECK(message(cpu, wide, adam).ends_with("but layer 0 is `dense 513`, wider than 512"));
  CHECK(message(cpu, leaky, adam).ends_with("but layer 1 is `leaky_relu`"));
  CHECK(message(cpu, pictures, adam).ends_with("but layer 0 is `conv 2 3x3`"));
  CHECK(message(cpu, Network("relu, dense 2", {4}), adam).ends_with("but layer 0 is `relu`"));
  CHECK(message(cpu, Network("dense 2, relu", {4}), adam).ends_with("but layer 1 is `relu`"));
  CHECK(message(cpu, Network("dense 4, relu, tanh, dense 2", {4}), adam).ends_with("but layer 2 is `tanh`"));
  CHECK_THROWS_AS(FusedCpuLearner(cpu, leaky, adam), Error);
}

}  // namespace
}  // namespace bellman::test
