// Whole trainings and nothing else: scripts/instructions.sh counts their instructions, recorded and not.
//
//   training_loop LOOP plain|recorded STEPS     e.g. training_loop cleanrl recorded 3000
//   training_loop                               lists the choices, a loop and a kind a line
#include <cstdio>
#include <string>

#include "bench/instructions/counted_main.h"
#include "bench/training_loops.h"

namespace bellman::bench {
namespace {

// The default settings, where a row is made every two hundred gradient steps, and no learning at all.
constexpr const char* kLoops[] = {"cleanrl", "acting"};
constexpr const char* kKinds[] = {"plain", "recorded"};

void run(const std::string& loop, const std::string& kind, Index steps) {
  if (kind != kKinds[0] && kind != kKinds[1]) fail("a training is plain or recorded, not \"", kind, "\"");
  const LoopRun end =
      run_loop(training_loop(loop, steps), kind == kKinds[1] ? Written::kRows : Written::kNothing);
  std::printf("%.9g\n", static_cast<double>(end.parameters.front()));
}

void list() {
  for (const char* const loop : kLoops)
    for (const char* const kind : kKinds) std::printf("%s %s\n", loop, kind);
}

}  // namespace
}  // namespace bellman::bench

int main(int argc, char** argv) {
  using namespace bellman::bench;
  return counted_main(argc, argv, "training_loop", "LOOP plain|recorded STEPS", list, run);
}
