// The lab: every bug is noticed by an instrument that needs no training, and the sound version by none.
#include <atomic>
#include <chrono>
#include <filesystem>
#include <string>
#include <thread>

#include <doctest/doctest.h>

#include "apps/lab/gradient_sweep.h"
#include "apps/lab/lab_experiment.h"
#include "tests/apps/text_file.h"
#include "tests/support/error_message.h"
#include "tests/support/long_tests.h"
#include "tests/support/sanitized.h"
#include "tests/support/test_data.h"

namespace bellman::test {
namespace {

const std::atomic<bool> kNever = false;

/// A whole training by the plain definitions takes two minutes under sanitizers: there it is for scripts/test.sh --long. The
/// experiment that is stopped early executes the same code.
bool trains_too_slowly() {
#if defined(BELLMAN_SANITIZED)
  return !has_long_tests();
#else
  return false;
#endif
}

TEST_CASE("each bug is noticed without training, by the instruments that should") {
  struct Expected {
    const char *bug, *instrument;
  };
  const Expected all[] = {
      {"no-done-mask", "one step recomputed"},
      {"truncation-as-termination", "environment step by step"},
      {"no-target-network", "one step recomputed"},
      {"target-chosen-by-the-wrong-network", "one step recomputed"},
      {"dense-dw-transposed", "gradcheck"},
      {"conv-dx-not-flipped", "gradcheck"},
      {"bias-gradient-not-summed", "gradcheck"},
      {"missing-importance-weights", "one step recomputed"},
      {"stale-priorities", "priorities after a step"},
      {"adam-without-bias-correction", "one step recomputed"},
      {"relu-gradient-at-negative", "gradcheck"},
      {"next-episodes-observation-as-s-prime", "environment step by step"},
  };
  CHECK(std::size(all) == lab_bugs().size());
  for (const Expected& expected : all) {
    CAPTURE(expected.bug);
    const LabExperiment experiment = run_experiment(find_bug(expected.bug), 0, kNever);
    bool noticed = false;
    for (const Instrument& instrument : experiment.instruments)
      if (instrument.name == expected.instrument) noticed = instrument.notices;
    CHECK(noticed);
  }
}

TEST_CASE("no instrument notices anything in the sound version") {
  LabBug sound = find_bug("conv-dx-not-flipped");
  sound.fault = Fault::kNone;
  for (const Instrument& instrument : run_experiment(sound, 0, kNever).instruments) {
    CAPTURE(instrument.name);
    CHECK_FALSE(instrument.notices);
    CHECK(instrument.sound == instrument.faulty);
  }
}

TEST_CASE("an experiment that is stopped early has the runs so far, and a page") {
  for (const char* const name : {"missing-importance-weights", "relu-gradient-at-negative"}) {
    CAPTURE(name);
    std::atomic<bool> stop = false;
    std::jthread timer([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(500));
      stop = true;
    });
    const LabBug& bug = find_bug(name);
    const LabExperiment experiment = run_experiment(bug, 3, stop);
    CHECK(experiment.sound.size() + experiment.faulty.size() < 6);
    CHECK(contains(lab_page(bug, experiment), name));
  }
}

TEST_CASE("a run with a bug differs from the sound one, which is the same each time" *
          doctest::skip(trains_too_slowly())) {
  const LabBug& bug = find_bug("relu-gradient-at-negative");
  const LabExperiment first = run_experiment(bug, 1, kNever), second = run_experiment(bug, 1, kNever);
  REQUIRE(first.sound.size() == 1);
  CHECK(first.sound[0].final_return == second.sound[0].final_return);
  CHECK(first.faulty[0].final_return == second.faulty[0].final_return);
  CHECK(first.sound[0].rows.back().loss != first.faulty[0].rows.back().loss);
  const std::string html = lab_page(bug, first);
  CHECK(contains(html, "relu-gradient-at-negative"));
  CHECK(html.size() < 3'000'000);
}

TEST_CASE("a gridworld's sound version learns, and without importance weights a good policy's Q is wrong" *
          doctest::skip(trains_too_slowly())) {
  const LabExperiment experiment = run_experiment(find_bug("missing-importance-weights"), 1, kNever);
  const LabRun &sound = experiment.sound.at(0), &faulty = experiment.faulty.at(0);
  CHECK(sound.rows.front().eval_return < 0.3);
  for (const LabRun* run : {&sound, &faulty}) CHECK(run->final_return > 0.5);  // the best policy's is 0.7053
  CHECK(*sound.worst_q_error < 0.2);
  CHECK(*faulty.worst_q_error > 0.3);
  for (const Instrument& instrument : experiment.instruments)
    if (instrument.name == "Q against Q*") CHECK(instrument.notices);
}

TEST_CASE("each bug stands in the lists of seeded bugs, with the test that the lab names") {
  std::string lists;
  for (const auto& entry : std::filesystem::directory_iterator(test_data() / "../mutants"))
    if (entry.path().extension() == ".txt") lists += content_of(entry.path());
  for (const LabBug& bug : lab_bugs()) {
    CAPTURE(bug.name);
    CHECK(contains(lists, "test " + std::string(bug.test_program) + " " + std::string(bug.test_case)));
  }
}

TEST_CASE("an unknown bug is refused with the nearest name") {
  CHECK(contains(error_message([] { find_bug("no-done-msk"); }), "did you mean \"no-done-mask\"?"));
}

TEST_CASE("a gradient sweep shows truncation on one side and rounding on the other") {
  const Network network("dense 6, tanh, dense 3", {4});
  const GradientSweep sweep = sweep_gradients(network, {.seed = 1, .batch = 3, .samples = 10});
  CHECK(sweep.nudged > 20);
  double best = 1;
  for (const StepError& step : sweep.steps) best = std::min(best, step.median);
  CHECK(best < 1e-9);
  CHECK(sweep.steps.front().median > 1e4 * best);
  CHECK(sweep.steps.back().median > 1e4 * best);
  REQUIRE(sweep.backends.size() == 3);
  for (const BackendRounding& backend : sweep.backends) {
    if (!backend.missing.empty()) continue;
    CAPTURE(backend.device);
    for (const Rounding& tensor : backend.tensors) CHECK(!(tensor.worst_ulp > 32));
  }
  CHECK(sweep.backends[0].missing.empty());
  CHECK(sweep.backends[1].missing.empty());
}

}  // namespace
}  // namespace bellman::test
