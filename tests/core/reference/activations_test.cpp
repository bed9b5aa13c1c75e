#include "core/reference/activations.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/reference/reference_backend.h"
#include "tests/support/compare.h"
#include "tests/support/golden.h"
#include "tests/support/gradcheck.h"

namespace bellman::test {
namespace {

/// y of the forward pass, and dx from dy.
struct Passes {
  HostTensor<double> y, dx;
  Passes(const HostTensor<double>& x, const HostTensor<double>& dy, Activation f)
      : y(x.shape()), dx(x.shape(), 7.0) {  // overwritten
    ReferenceBackend<double> ops;
    ops.activation_forward(y, x, f);
    ops.activation_backward(dx, dy, info_of(f.kind).keeps_output ? y : x, f);
  }
};

TEST_CASE("activations: finite differences in x") {
  for (const ActivationInfo& info : kActivations) {
    INFO(std::string(info.name));
    const Activation f(info.kind, info.usual);
    RandomSequence random = test_sequence(6);
    auto x = random_tensor_away_from_zero(random, {3, 11});
    const auto dy = random_tensor(random, x.shape());
    const HostTensor<double> dx = Passes(x, dy, f).dx;
    check_gradient(
        "x", [&] { return dot(dy, Passes(x, dy, f).y); }, x, dx);
  }
}

TEST_CASE("activations agree with PyTorch") {
  const Golden golden("golden_ops");
  for (const ActivationInfo& info : kActivations) {
    const std::string at = info.name + std::string(".");
    INFO(std::string(info.name));
    const Passes passes(golden[at + "x"], golden[at + "dy"], {info.kind, info.usual});
    check_golden(passes.y, golden[at + "y"]);
    check_golden(passes.dx, golden[at + "dx"]);
  }
}

TEST_CASE("relu: the derivative at 0 is 0") {
  const Passes passes({{4}, {-2, 0, -0.0, 3}}, HostTensor<double>({4}, 5.0), Activation::kRelu);
  CHECK(passes.y.values() == std::vector<double>{0, 0, 0, 3});
  CHECK(passes.dx.values() == std::vector<double>{0, 0, 0, 5});
}

TEST_CASE("leaky_relu: at 0 the slope is that of the left side") {
  const Passes passes({{3}, {-2, 0, 3}}, HostTensor<double>({3}, 8.0), {Activation::kLeakyRelu, 0.25});
  CHECK(passes.y.values() == std::vector<double>{-0.5, 0, 3});
  CHECK(passes.dx.values() == std::vector<double>{2, 2, 8});
}

TEST_CASE("tanh: far out it is flat") {
  const Passes passes({{3}, {-1000, 0, 1000}}, HostTensor<double>({3}, 3.0), Activation::kTanh);
  CHECK(passes.y.values() == std::vector<double>{-1, 0, 1});
  CHECK(passes.dx.values() == std::vector<double>{0, 3, 0});
}

TEST_CASE("sigmoid: exp overflows without harm") {
  const Passes passes({{3}, {-1000, 0, 1000}}, HostTensor<double>({3}, 8.0), Activation::kSigmoid);
  CHECK(passes.y.values() == std::vector<double>{0, 0.5, 1});
  CHECK(passes.dx.values() == std::vector<double>{0, 2, 0});
}

TEST_CASE("activations: the table is in the order of its kinds, and names none of them twice") {
  for (std::size_t i = 0; i < std::size(kActivations); ++i) {
    CHECK(kActivations[i].kind == static_cast<int>(i) + 1);
    for (std::size_t j = 0; j < i; ++j) CHECK(std::string(kActivations[i].name) != kActivations[j].name);
  }
}

}  // namespace
}  // namespace bellman::test
