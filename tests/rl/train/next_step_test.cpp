// The gradient step that a run would make next is the one that it then makes.
#include "rl/train/next_step.h"

#include <algorithm>
#include <cmath>
#include <span>

#include <doctest/doctest.h>

#include "core/cpu/cpu_backend.h"
#include "rl/learn/dqn_update.h"
#include "rl/train/from_config.h"
#include "rl/train/trainer.h"
#include "tests/rl/train/recorded_cases.h"

namespace bellman {
namespace {

using test::Place;
using test::recorded_cases;
using test::RecordedCase;

TEST_CASE("the next step's batch is the one that the learner gets, and op by op its bits") {
  for (RecordedCase& c : recorded_cases()) {
    if (c.config.learner != LearnerKind::kOpByOp) continue;
    CAPTURE(c.name);
    Place place = c.place();
    Trainer trainer(c.config, *place.backend, place.parts);
    LearnerOptions options = learner_options(c.config, nullptr);  // the batch is normalised
    DqnUpdate update(*place.backend, trainer.network(), options);
    const std::span<const float> own = update.online().flat().host();
    Index steps = 0;
    trainer.set_learn_hook([&](Index number, StepMoment moment) {
      TensorFile state;
      StateWriter out(state);
      trainer.save_learner(out);
      if (moment == StepMoment::kBefore) {
        ++steps;
        update.load(StateReader(state, "state"));
        const NextStep step = trainer.next_step();
        CHECK(step.step.number + 1 == static_cast<std::uint64_t>(number));
        REQUIRE(step.batch.size > 0);
        make_step(update, step, {});
        return;
      }
      const auto theirs = StateReader(state, "state").view<float>("network.online", own.size());
      CHECK(std::ranges::equal(own, theirs));
    });
    trainer.run();
    CHECK(steps > 100);
  }
}

TEST_CASE("a device's step is the host's, op by op, up to rounding") {
  for (RecordedCase& c : recorded_cases()) {
    if (c.place != test::simt) continue;
    CAPTURE(c.name);
    Place place = c.place();
    Trainer trainer(c.config, *place.backend, place.parts);
    CpuBackend host(1);
    DqnUpdate update(host, trainer.network(), learner_options(c.config, nullptr));
    const std::span<const float> own = update.online().flat().host();
    double furthest = 0, moved = 0;
    trainer.set_learn_hook([&](Index, StepMoment moment) {
      TensorFile state;
      StateWriter out(state);
      trainer.save_learner(out);
      const auto theirs = StateReader(state, "state").view<float>("network.online", own.size());
      if (moment == StepMoment::kBefore) {
        update.load(StateReader(state, "state"));
        make_step(update, trainer.next_step(), {});
        for (std::size_t i = 0; i < own.size(); ++i)
          moved = std::max(moved, std::abs(static_cast<double>(own[i]) - static_cast<double>(theirs[i])));
        return;
      }
      for (std::size_t i = 0; i < own.size(); ++i)
        furthest = std::max(furthest, std::abs(static_cast<double>(own[i]) - static_cast<double>(theirs[i])));
    });
    trainer.run();
    CHECK(moved > 1e-4);
    CHECK(furthest < 1e-2 * moved);
  }
}

}  // namespace
}  // namespace bellman
