// Runs the ops of the CUDA backend in the SIMT executor, from which one barrier can be taken away
// (cuda/simt/executor.h). Built under the thread sanitizer.
//
//   simt_mutants --barriers      runs each op, and tells which barriers it comes to: "17 dense_forward
//   FILE:LINE" simt_mutants --run 17 19     runs these ops
//
// Exits with 3 when the executor complains, and with the code set for the sanitizer when it does.
#define DOCTEST_CONFIG_IMPLEMENT  // main() is below; what tests share wants the rest
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "core/base/check.h"
#include "cuda/backend/cuda_backend.h"
#include "cuda/simt/executor.h"
#include "tests/core/cpu/every_op.h"
#include "tests/cuda/simt/every_agent_op.h"
#include "tests/cuda/simt/every_fused_op.h"
#include "tests/cuda/simt/every_replay_op.h"

namespace bellman::test {
namespace {

struct Op {
  std::string name;
  std::function<void()> call;
};

/// All there are, in a fixed order.
class Ops {
 public:
  Ops()
      : every_op_(backend_),
        every_replay_op_(backend_, backend_.replay_ops()),
        every_fused_op_(backend_),
        every_agent_op_(backend_) {
    for (const auto& op : every_op_.ops()) all_.push_back({op.name, op.call});
    for (const auto& op : every_replay_op_.ops()) all_.push_back({op.name, op.call});
    for (const auto& op : every_fused_op_.ops()) all_.push_back({op.name, op.call});
    for (const auto& op : every_agent_op_.ops()) all_.push_back({op.name, op.call});
  }
  std::size_t size() const { return all_.size(); }
  const std::string& name(std::size_t op) const { return all_.at(op).name; }
  void run(std::size_t op) {
    all_.at(op).call();
    backend_.stream().synchronise();
  }

 private:
  simt::CudaBackend backend_;
  EveryOp every_op_;
  EveryReplayOp every_replay_op_;
  EveryFusedOp every_fused_op_;
  EveryAgentOp every_agent_op_;
  std::vector<Op> all_;
};

void tell_barriers(Ops& ops) {
  for (std::size_t op = 0; op < ops.size(); ++op) {
    ops.run(op);
    for (const auto& place : simt::detail::take_visited_barriers())
      std::printf("%zu %s %s\n", op, ops.name(op).c_str(), to_string(place).c_str());
  }
}

int run(const std::vector<std::string_view>& arguments) {
  Ops ops;
  if (arguments.size() == 1 && arguments[0] == "--barriers") {
    tell_barriers(ops);
    return 0;
  }
  if (arguments.empty() || arguments[0] != "--run")
    fail("simt_mutants: --barriers, or --run and numbers of ops");
  for (std::size_t i = 1; i < arguments.size(); ++i)
    ops.run(static_cast<std::size_t>(std::atoi(arguments[i].data())));
  return 0;
}

}  // namespace
}  // namespace bellman::test

int main(int count, char** arguments) {
  try {
    return bellman::test::run({arguments + 1, arguments + count});
  } catch (const bellman::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 3;
  }
}
