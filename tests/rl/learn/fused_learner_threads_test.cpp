// With any number of threads a fused learn step leaves the same bits, whether shared by panels, by
// networks, or with Adam in pieces.
#include <cmath>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/base/rng.h"
#include "core/cpu/cpu_backend.h"
#include "rl/learn/fused_cpu_learner.h"
#include "tests/rl/learn/fused_rig.h"

namespace bellman::test {
namespace {

using Numbers = std::vector<float>;

struct ThreadCase {
  std::string text;
  Index inputs, batch;
};

// Few products: each network's passes are a thread's. Many: the panels are. The last has more parameters than
// a thread's share in Adam.
const ThreadCase kThreadCases[] = {{"dense 24, relu, dense 24, tanh, dueling 3", 5, 70},
                                   {"dense 128, relu, dense 128, relu, dense 4", 8, 101}};

Numbers numbers(RandomSequence& random, std::size_t count) {
  Numbers values(count);
  for (float& value : values) value = static_cast<float>(random.uniform(-1, 1));
  return values;
}

/// Parameters, TD errors, losses, norms and Q-values of five learn steps on `threads` threads.
Numbers outcome(const ThreadCase& c, bool double_dqn, int threads) {
  CpuBackend backend(threads);
  LearnerOptions options = adam_options(c.batch);
  options.double_dqn = double_dqn;
  options.max_grad_norm = 0.5F;
  FusedRig rig(backend, c.text, {c.inputs}, options);
  RandomSequence random(RandomStream{3, Purpose::kTest, 0}, 0);
  const auto inputs = static_cast<std::size_t>(c.inputs);
  const auto actions = rig.network.output_shape()[0];
  rig.learner.set_parameters(numbers(random, static_cast<std::size_t>(rig.network.layout().size())));
  rig.learner.update_target(0.5F);

  Numbers all;
  for (int step = 0; step < 5; ++step) {
    set_transitions(c.batch, step, rig);
    const LearnStats stats = rig.learn(c.batch, 0.01F);
    all.insert(all.end(), {stats.loss, stats.gradient_norm, stats.mean_q});
    all.insert(all.end(), rig.td_error.begin(), rig.td_error.end());
  }
  Numbers q(static_cast<std::size_t>(c.batch * actions));
  rig.learner.q_values(q, numbers(random, static_cast<std::size_t>(c.batch) * inputs), c.batch);
  all.insert(all.end(), q.begin(), q.end());
  const Numbers parameters = rig.online();
  all.insert(all.end(), parameters.begin(), parameters.end());
  return all;
}

TEST_CASE("fused learner: the same bits for any number of threads") {
  for (const ThreadCase& c : kThreadCases)
    for (const bool double_dqn : {false, true}) {
      CAPTURE(c.text);
      CAPTURE(double_dqn);
      const Numbers alone = outcome(c, double_dqn, 1);
      for (const float value : alone) REQUIRE(std::isfinite(value));
      for (const int threads : {2, 3, 4}) {
        CAPTURE(threads);
        CHECK(outcome(c, double_dqn, threads) == alone);
      }
    }
}

}  // namespace
}  // namespace bellman::test
