// Whole networks in float, on every backend, against the definition in double.

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/base/rng.h"
#include "core/nn/initialisers.h"
#include "core/nn/network.h"
#include "tests/support/backends.h"
#include "tests/support/compare.h"
#include "tests/support/transfer.h"

namespace bellman::test {
namespace {

struct NetworkCase {
  std::string text;
  Shape input;
};

const NetworkCase kNetworkCases[] = {
    {"dense 64, relu, dense 64, relu, dense 2", {4}},
    {"dense 33, tanh, layer_norm, dense 31, sigmoid, dense 17, leaky_relu, dense 3", {7}},
    {"dense 65, relu, dueling 5 hidden 33", {31}},
    {"conv 16 3x3 stride 2 padding 1, relu, conv 8 2x2, tanh, max_pool 2x2, flatten, dense 32, relu, dueling "
     "4",
     {3, 13, 11}},
};

/// One pass forward and backward on a backend, from the same numbers for every type.
template <class T>
struct Pass {
  Pass(BasicBackend<T>& backend, const NetworkCase& c, Index batch)
      : network(c.text, c.input),
        parameters(backend, network.layout()),
        gradients(backend, network.layout()),
        workspace(backend, network, batch, true) {
    const auto fill = [&backend](TensorView<T> tensor, std::uint32_t number, double low, double high) {
      RandomSequence random({11, Purpose::kTest, number});
      std::vector<T> values(static_cast<std::size_t>(tensor.elements()));
      for (T& value : values) value = static_cast<T>(static_cast<float>(random.uniform(low, high)));
      put(backend, tensor, values);
    };
    for (std::size_t i = 0; i < network.parameters().size(); ++i) {
      const double size = 1.5 / std::sqrt(static_cast<double>(network.parameters()[i].fan_in));
      fill(parameters[i], static_cast<std::uint32_t>(i) + 2, -size, size);
    }
    fill(workspace.activation(0, batch), 0, -2, 2);
    network.forward(backend, workspace, parameters, batch);
    fill(workspace.d_activation(network.layers(), batch), 1, -1, 1);
    network.backward(backend, workspace, parameters, gradients, batch, true);
  }

  BasicNetwork<T> network;
  BasicArena<T> parameters, gradients;
  BasicWorkspace<T> workspace;
};

/// The numbers summed one after the other on the longest way through the network, forward and back; a
/// transcendental function or a normalisation counts as the row it works on.
double longest_sum(const Network& network, Index batch) {
  double terms = static_cast<double>(batch);
  for (const ParameterInfo& parameter : network.parameters())
    if (parameter.role != ParameterRole::kBias)
      terms += static_cast<double>(parameter.fan_in + parameter.fan_out);
  return terms;
}

/// |actual - expected| is at most `relative` of the tensor's largest number.
void check_tensor(Backend& backend, const std::string& name, ConstTensor actual,
                  TensorView<const double> expected, double relative) {
  CAPTURE(name);
  REQUIRE(actual.shape() == expected.shape());
  double largest = 0;
  for (double e : expected.host()) largest = std::max(largest, std::abs(e));
  check_close<float, double>(fetch(backend, actual), expected.host(), relative, largest);
}

// No bound that holds for all numbers is small, since a ReLU near 0 may switch; for these inputs no switch is
// near (the last check), and errors of single roundings, of random sign, stay within the bound of the sum of
// them all.
TEST_CASE("a network in float follows the definition in double, on every backend") {
  ReferenceBackend<double> reference;
  for (const NetworkCase& c : kNetworkCases)
    for (Index batch : {1, 32}) {
      CAPTURE(c.text);
      CAPTURE(batch);
      const Pass<double> exact(reference, c, batch);
      for_each_backend(float_backends(), [&](Backend& backend) {
        const Pass<float> pass(backend, c, batch);
        const double relative = rounding_bound<float>(longest_sum(pass.network, batch));
        const auto actual = pass.workspace.tensors(batch);
        const auto expected = exact.workspace.tensors(batch);
        REQUIRE(actual.size() == expected.size());
        for (std::size_t i = 0; i < actual.size(); ++i)
          check_tensor(backend, actual[i].name, actual[i].tensor, expected[i].tensor, relative);
        for (std::size_t i = 0; i < pass.network.parameters().size(); ++i)
          check_tensor(backend, pass.network.parameters()[i].name, pass.gradients[i], exact.gradients[i],
                       relative);
      });
    }
}

}  // namespace
}  // namespace bellman::test
