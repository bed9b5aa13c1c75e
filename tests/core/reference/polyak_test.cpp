#include <limits>
#include <vector>

#include <doctest/doctest.h>

#include "core/reference/arena_ops.h"
#include "core/reference/reference_backend.h"
#include "tests/support/host_tensor.h"

namespace bellman::test {
namespace {

TEST_CASE("polyak_update: target <- tau online + (1 - tau) target") {
  ReferenceBackend<double> ops;
  const HostTensor<double> online({2}, {8, -4});
  HostTensor<double> target({2}, {0, 4});
  ops.polyak_update(target, online, 0.25);
  CHECK(target.values() == std::vector<double>{2, 2});
  ops.polyak_update(target, online, 0.0);
  CHECK(target.values() == std::vector<double>{2, 2});
}

TEST_CASE("polyak_update: tau = 1 is a plain copy, whatever the target held") {
  ReferenceBackend<float> ops;
  const HostTensor<float> online({3}, {0.1F, -0.0F, 1e30F});
  HostTensor<float> target({3}, std::numeric_limits<float>::quiet_NaN());
  ops.polyak_update(target, online, 1.0F);
  CHECK(target.values() == online.values());
}

}  // namespace
}  // namespace bellman::test
