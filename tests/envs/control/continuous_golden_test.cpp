// Every task of envs/control/continuous_step.h against Gymnasium's (scripts/golden/envs.py).
#include <algorithm>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "envs/control/continuous_env.h"
#include "tests/support/compare.h"
#include "tests/support/golden.h"

namespace bellman::test {
namespace {

/// A task's golden numbers, and an environment that is to have them.
struct Case {
  Golden golden{"golden_continuous"};
  std::string id;
  std::unique_ptr<Env> env;
  std::size_t numbers = 0, elements = 0;  // of a state, of an observation

  explicit Case(std::string which) : id(std::move(which)) {
    EnvOptions options;
    options.id = id;
    env = make_env(options);
    numbers = env->state().size() - 3;
    elements = static_cast<std::size_t>(env->spec().observation_shape.elements());
  }

  /// State and observation against a row's: both began at the same bits, up to ten steps ago.
  void check(const double* row) const {
    std::vector<double> state = env->state();
    state.resize(numbers);
    check_close<double, double>(state, {row, numbers}, 1e-13, 1.0);
    std::vector<float> seen(elements);
    env->observe(seen);
    check_close<float, double>(seen, {row + numbers, elements}, 1e-6, 1.0);
  }

  void play(const std::string& episode) const {
    const std::string path = id + "." + episode;
    CAPTURE(path);
    const HostTensor<double>& rows = golden[path + ".rows"];
    const std::string& actions = golden.text(path + ".actions");
    const HostTensor<double>& start = golden[path + ".start"];
    env->set_physical_state({&start[0], start.size()});
    double episode_return = 0;
    const double* row = &rows[0];
    for (std::size_t t = 1; t <= actions.size(); ++t) {
      const StepResult result = env->step(actions[t - 1] - '0');
      episode_return += static_cast<double>(result.reward);
      const bool ended = result.terminated || result.truncated;
      REQUIRE(ended == (t == actions.size()));
      if (static_cast<double>(t) != row[0]) continue;
      CHECK(result.terminated == (row[1] != 0));
      CHECK(result.truncated == (row[2] != 0));
      CHECK(episode_return == row[3]);
      check(row + 4);
      // What chaos makes of a last bit is no difference between environments: on from Gymnasium's state.
      std::vector<double> state = env->state();
      std::copy_n(row + 4, numbers, state.begin());
      env->set_state(state);
      row += 4 + numbers + elements;
    }
    CHECK(row == &rows[0] + rows.size());
  }
};

std::vector<std::string> golden_ids() { return Golden("golden_continuous").keys(""); }

TEST_CASE("every continuous task has golden numbers") {
  std::set<int> tasks, golden;
  for (const ContinuousEntry& entry : continuous_entries())
    tasks.insert(as_continuous(*Case(std::string(entry.entry.id)).env)->task());
  for (const std::string& id : golden_ids()) golden.insert(as_continuous(*Case(id).env)->task());
  CHECK(golden == tasks);
}

TEST_CASE("a step of a continuous task is Gymnasium's, from any state") {
  for (const std::string& id : golden_ids()) {
    CAPTURE(id);
    const Case task(id);
    const HostTensor<double>& steps = task.golden[id + ".steps"];
    const std::size_t width = 2 * task.numbers + task.elements + 3;
    for (std::size_t at = 0; at < steps.size(); at += width) {
      CAPTURE(at / width);
      const double* const row = &steps[at];
      task.env->set_physical_state({row, task.numbers});
      const double* const result = row + task.numbers;  // action, reward, terminated
      const StepResult made = task.env->step(static_cast<int>(result[0]));
      CHECK(made.reward == static_cast<float>(result[1]));
      CHECK(made.terminated == (result[2] != 0));
      task.check(result + 3);
    }
  }
}

TEST_CASE("episodes of a continuous task are Gymnasium's, to the goal and to the time limit") {
  for (const std::string& id : golden_ids()) {
    const Case task(id);
    CHECK(static_cast<double>(task.env->spec().max_episode_steps) ==
          task.golden.number(id + ".max_episode_steps"));
    CHECK(task.env->spec().reward_threshold == task.golden.number(id + ".reward_threshold"));
    task.play("goal");
    task.play("random");
  }
}

}  // namespace
}  // namespace bellman::test
