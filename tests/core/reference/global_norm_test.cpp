#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/reference/arena_ops.h"
#include "core/reference/reference_backend.h"
#include "tests/support/compare.h"
#include "tests/support/golden.h"
#include "tests/support/host_tensor.h"

namespace bellman::test {
namespace {

TEST_CASE("global_norm and clip_by_global_norm agree with PyTorch") {
  ReferenceBackend<double> ops;
  const Golden golden("golden_ops");
  for (const std::string& name : golden.keys("clip_by_global_norm")) {
    const std::string at = "clip_by_global_norm." + name + ".";
    INFO(at);
    HostTensor<double> g = golden[at + "g"], norm({1});
    ops.global_norm(norm, g);
    ops.clip_by_global_norm(g, norm, golden.number(at + "max_norm"));
    check_golden(norm, golden[at + "norm"]);
    check_golden(g, golden[at + "clipped"]);
  }
}

TEST_CASE("clip_by_global_norm: the direction stays, a short gradient stays as it is, to the bit") {
  ReferenceBackend<double> ops;
  HostTensor<double> g({2}, {3, 4}), norm({1});
  ops.global_norm(norm, g);
  CHECK(norm[0] == 5);
  ops.clip_by_global_norm(g, norm, 5.1);
  CHECK(g.values() == std::vector<double>{3, 4});
  ops.clip_by_global_norm(g, norm, 2.5);
  check_close(g, HostTensor<double>({2}, {1.5, 2}), 1e-6);

  HostTensor<double> zero({3});
  ops.global_norm(norm, zero);
  ops.clip_by_global_norm(zero, norm, 1.0);
  CHECK(norm[0] == 0);
  CHECK(zero.values() == std::vector<double>{0, 0, 0});
}

TEST_CASE("global_norm of floats is summed in double") {
  ReferenceBackend<float> ops;
  // 4096^2 is 2^24: a float's sum would stay there, as each further 0.5^2 is below half of its last digit.
  HostTensor<float> g({40001}, 0.5F), norm({1});
  g[0] = 4096;
  ops.global_norm(norm, g);
  CHECK(norm[0] == doctest::Approx(4097.2205).epsilon(1e-7));  // sqrt(2^24 + 10000)
}

}  // namespace
}  // namespace bellman::test
