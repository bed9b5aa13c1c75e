// Whole networks against PyTorch in float64: Q-values, loss and every gradient.

#include <string>

#include <doctest/doctest.h>

#include "core/nn/network.h"
#include "core/reference/reference_backend.h"
#include "tests/support/compare.h"
#include "tests/support/golden.h"

namespace bellman::test {
namespace {

/// The formula of scripts/golden/networks.py: the same bits there and here.
void fill_scrambled(std::span<double> values, Index tensor_number, double scale) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Index k = static_cast<Index>(i);
    values[i] =
        static_cast<double>((31 * k * k + 17 * k + 397 * tensor_number + 7) % 1021 - 510) / 1024 * scale;
  }
}

Shape shape_of(const HostTensor<std::int32_t>& extents) {
  Shape shape;
  for (std::int32_t extent : extents.values()) shape.append(extent);
  return shape;
}

// Both sides sum at most a few hundred numbers near 1, in different orders.
constexpr double kRelative = 1e-13;

void check_golden(TensorView<const double> actual, const HostTensor<double>& expected) {
  CHECK(actual.shape() == expected.shape());
  check_close(actual.host(), expected.span(), kRelative, 0.1);
}

void check_case(const Golden& golden, const std::string& name) {
  const std::string path = "cases." + name + ".";
  const Index batch = static_cast<Index>(golden.number("batch"));
  ReferenceBackend<double> backend;
  const BasicNetwork<double> network(golden.text(path + "text"),
                                     shape_of(golden.integers(path + "input_shape")));
  const BasicArena<double> parameters(backend, network.layout()), gradients(backend, network.layout());
  BasicWorkspace<double> workspace(backend, network, batch, true);
  for (std::size_t i = 0; i < network.parameters().size(); ++i)
    fill_scrambled(parameters[i].host(), static_cast<Index>(i) + 1, 1);
  fill_scrambled(workspace.activation(0, batch).host(), 0, 4);

  const TensorView<const double> q = network.forward(backend, workspace, parameters, batch);
  check_golden(q, golden[path + "q"]);

  HostTensor<double> y({batch}), weight({batch}), td_error({batch}), loss({1});
  HostTensor<std::int32_t> action({batch});
  fill_scrambled(y.span(), 100, 2);
  fill_scrambled(weight.span(), 101, 1);
  for (double& w : weight.values()) w += 1;
  for (std::size_t n = 0; n < action.size(); ++n)
    action[n] = static_cast<std::int32_t>(n % static_cast<std::size_t>(q[1]));
  const bool huber = golden.text(path + "loss_kind") == "huber";
  const TensorView<double> dq = workspace.d_activation(network.layers(), batch);
  backend.td_loss(dq, td_error, loss, q, action.view(), y, weight,
                  huber ? LossKind::kHuber : LossKind::kMeanSquaredError, golden.number("huber_delta"));
  CHECK(std::abs(loss[0] - golden.number(path + "loss")) <= kRelative);
  check_golden(dq, golden[path + "dq"]);

  network.backward(backend, workspace, parameters, gradients, batch, true);
  check_golden(workspace.d_activation(0, batch), golden[path + "dx"]);
  // The names are PyTorch's, so neither side can omit one.
  REQUIRE(golden.keys(path + "gradients").size() == network.parameters().size());
  for (std::size_t i = 0; i < network.parameters().size(); ++i) {
    const ParameterInfo& parameter = network.parameters()[i];
    CAPTURE(parameter.name);
    check_golden(gradients[i], golden[path + "gradients." + parameter.name]);
  }
}

TEST_CASE("whole networks compute what PyTorch computes") {
  const Golden golden("golden_networks");
  const std::vector<std::string> names = golden.keys("cases");
  REQUIRE(names.size() == 5);
  for (const std::string& name : names) {
    CAPTURE(name);
    check_case(golden, name);
  }
}

}  // namespace
}  // namespace bellman::test
