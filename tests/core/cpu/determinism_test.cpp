#include "tests/core/cpu/every_op.h"
#include "tests/support/allocation_count.h"
#include "tests/support/backends.h"

namespace bellman::test {
namespace {

TEST_CASE("every op gives the same bits for 1, 2, 3 and 4 threads, and every time") {
  for (CpuBackend::Products products : {CpuBackend::Products::kTiled, CpuBackend::Products::kEigen}) {
    Outputs expected;
    for (int threads : {1, 2, 3, 4, 4}) {
      CpuBackend backend(threads, products);
      EveryOp every_op(backend);
      for (const EveryOp::Op& op : every_op.ops()) op.call();
      const Outputs actual = every_op.outputs();
      if (expected.empty()) expected = actual;
      REQUIRE(actual.size() == expected.size());
      for (std::size_t i = 0; i < actual.size(); ++i) {
        INFO("threads ", threads, ", output ", i);
        CHECK(actual[i] == expected[i]);  // no output is NaN
      }
    }
  }
}

TEST_CASE("no op allocates") {
  for_each_backend(float_backends(), [&](Backend& backend) {
    EveryOp every_op(backend);
    for (const EveryOp::Op& op : every_op.ops()) {
      const std::size_t before = allocations();
      op.call();
      const std::size_t after = allocations();
      INFO("op ", op.name);
      CHECK(after == before);
    }
  });
}

}  // namespace
}  // namespace bellman::test
