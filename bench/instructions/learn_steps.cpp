// Learn steps, sampling through Adam, and nothing else: scripts/instructions.sh counts their instructions.
//
//   learn_steps NETWORK LEARNER COUNT     e.g. learn_steps 4-64-64-2 op-by-op 10
//   learn_steps                           lists the choices, a network and a learner a line
#include <cstdio>
#include <string>

#include "bench/instructions/counted_main.h"
#include "bench/sampled_step.h"
#include "core/base/check.h"

namespace bellman::bench {
namespace {

void run(const std::string& network, const std::string& learner_name, int count) {
  for (const Workload& workload : dense_workloads())
    for (const LearnerEntry& learner : cpu_learners()) {
      if (workload.name != network || learner.name != learner_name) continue;
      CpuBackend backend;
      SampledStep step(workload, learner, backend);
      float loss = 0;
      for (int i = 0; i < count; ++i) loss = step.run();
      std::printf("%.9g\n", static_cast<double>(loss));
      return;
    }
  fail("there is no network \"", network, "\" with a learner \"", learner_name, "\"");
}

void list() {
  for (const Workload& workload : dense_workloads())
    for (const LearnerEntry& learner : cpu_learners())
      std::printf("%s %s\n", workload.name.c_str(), learner.name.c_str());
}

}  // namespace
}  // namespace bellman::bench

int main(int argc, char** argv) {
  using namespace bellman::bench;
  return counted_main(argc, argv, "learn_steps", "NETWORK LEARNER COUNT", list, run);
}
