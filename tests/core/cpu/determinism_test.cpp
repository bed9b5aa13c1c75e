#include <initializer_list>

#include "tests/core/cpu/every_op.h"
#include "tests/support/backends.h"
#include "tests/support/counts/allocation_count.h"

namespace bellman::test {
namespace {

Outputs outputs_of_every_op(int threads, CpuBackend::Products products) {
  CpuBackend backend(threads, products);
  EveryOp every_op(backend);
  for (const EveryOp::Op& op : every_op.ops()) op.call();
  return every_op.outputs();
}

void check_same_bits(std::initializer_list<int> all_threads, CpuBackend::Products products) {
  const Outputs expected = outputs_of_every_op(1, products);
  for (int threads : all_threads) {
    const Outputs actual = outputs_of_every_op(threads, products);
    REQUIRE(actual.size() == expected.size());
    for (std::size_t i = 0; i < actual.size(); ++i) {
      INFO("threads ", threads, ", output ", i);
      CHECK(actual[i] == expected[i]);  // no output is NaN
    }
  }
}

TEST_CASE("every op gives the same bits for 1, 2, 3 and 4 threads, and every time") {
  check_same_bits({1, 2, 3, 4, 4}, CpuBackend::Products::kTiled);
}

TEST_CASE("Eigen's products give the same bits for 1 and 4 threads") {
  check_same_bits({4}, CpuBackend::Products::kEigen);
}

TEST_CASE("every op gives the same bits every time on a device") {
  for (const std::unique_ptr<DeviceBackend>& backend : device_backends()) {
    const auto run = [&backend] {
      EveryOp every_op(*backend);
      for (const EveryOp::Op& op : every_op.ops()) op.call();
      return every_op.outputs();
    };
    CHECK(run() == run());
  }
}

TEST_CASE("no op allocates") {
  for_each_backend(host_backends(), [&](Backend& backend) {
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
