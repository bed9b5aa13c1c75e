#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/nn/network.h"
#include "core/reference/reference_backend.h"

namespace bellman {
namespace {

using Named = Workspace::Named;

std::vector<std::string> names_of(const std::vector<Named>& tensors) {
  std::vector<std::string> names;
  for (const Named& named : tensors) names.push_back(named.name);
  return names;
}

TEST_CASE("workspace: every number of a learn step has a name") {
  ReferenceBackend<float> backend;
  const Network network("dense 5, layer_norm, dueling 2, dueling 3 hidden 4", {6});
  const Workspace with(backend, network, 4, true), without(backend, network, 4, false);
  CHECK(names_of(without.tensors(4)) == std::vector<std::string>{"a0", "a1", "1.mean", "1.rstd", "a2",
                                                                 "2.value", "2.advantage", "a3", "3.value.0",
                                                                 "3.value.1", "3.value", "3.advantage.0",
                                                                 "3.advantage.1", "3.advantage", "a4"});
  CHECK(names_of(with.tensors(4)) == std::vector<std::string>{"a0",
                                                              "da0",
                                                              "a1",
                                                              "da1",
                                                              "1.mean",
                                                              "1.rstd",
                                                              "a2",
                                                              "da2",
                                                              "2.value",
                                                              "d2.value",
                                                              "2.advantage",
                                                              "d2.advantage",
                                                              "a3",
                                                              "da3",
                                                              "3.value.0",
                                                              "d3.value.0",
                                                              "3.value.1",
                                                              "d3.value.1",
                                                              "3.value",
                                                              "d3.value",
                                                              "3.advantage.0",
                                                              "d3.advantage.0",
                                                              "3.advantage.1",
                                                              "d3.advantage.1",
                                                              "3.advantage",
                                                              "d3.advantage",
                                                              "a4",
                                                              "da4"});
  std::map<std::string, Shape> shapes;
  for (const Named& named : with.tensors(3)) shapes[named.name] = named.tensor.shape();
  CHECK(shapes["a0"] == Shape{3, 6});
  CHECK(shapes["1.mean"] == Shape{3, 1});
  CHECK(shapes["d2.value"] == Shape{3, 1});
  CHECK(shapes["3.advantage.1"] == Shape{3, 4});
  CHECK(shapes["3.advantage"] == Shape{3, 3});
  CHECK(shapes["da4"] == Shape{3, 3});
}

TEST_CASE("workspace: tensors are aligned and share no memory, but for a reshape") {
  ReferenceBackend<float> backend;
  const Network network("conv 3 2x2, relu, flatten, dense 5, dueling 3 hidden 4", {2, 4, 4});
  const Workspace workspace(backend, network, 7, true);
  CHECK(workspace.activation(2, 7).data() == workspace.activation(3, 7).data());
  CHECK(workspace.d_activation(2, 7).data() == workspace.d_activation(3, 7).data());
  CHECK(workspace.activation(2, 7).shape() == Shape{7, 3, 3, 3});
  CHECK(workspace.activation(3, 7).shape() == Shape{7, 27});

  std::map<std::uintptr_t, std::uintptr_t> ranges;  // begin and end of each tensor
  for (const Named& named : workspace.tensors(7)) {
    if (named.name == "a3" || named.name == "da3") continue;
    const auto begin = reinterpret_cast<std::uintptr_t>(named.tensor.data());
    CAPTURE(named.name);
    CHECK(begin % 64 == 0);
    CHECK(ranges.emplace(begin, begin + static_cast<std::uintptr_t>(named.tensor.elements()) * sizeof(float))
              .second);
  }
  std::uintptr_t last_end = 0;
  for (const auto& [begin, end] : ranges) {
    CHECK(begin >= last_end);
    last_end = end;
  }
}

TEST_CASE("workspace: batches that do not fit") {
  ReferenceBackend<float> backend;
  const Network network("dense 2", {3});
  const Workspace workspace(backend, network, 4, false);
  CHECK(workspace.activation(0, 4).shape() == Shape{4, 3});
  CHECK_THROWS_WITH_AS(workspace.activation(0, 5), "a batch of 5 samples does not fit a workspace for 1 to 4",
                       Error);
  CHECK_THROWS_AS(workspace.activation(1, 0), Error);
  CHECK_THROWS_AS(workspace.activation(1, -1), Error);
  CHECK_THROWS_WITH_AS(workspace.d_activation(1, 1), "this workspace was made without gradients", Error);
  CHECK_THROWS_AS(Workspace(backend, network, 0, true), Error);
  CHECK_THROWS_AS(Workspace(backend, network, (Index{1} << 24) + 1, true), Error);
}

TEST_CASE("network: a workspace or an arena of another network is refused") {
  ReferenceBackend<float> backend;
  const Network network("relu, dueling 2", {3}), other("relu, dueling 2 hidden 3", {3}),
      smaller("relu, dueling 2", {2});
  Workspace workspace(backend, network, 4, true), other_workspace(backend, other, 4, true);
  Workspace smaller_workspace(backend, smaller, 4, true);
  const Arena parameters(backend, network.layout()), gradients(backend, network.layout());
  const Arena other_parameters(backend, other.layout());
  CHECK_NOTHROW(network.forward(backend, workspace, parameters, 4));
  CHECK_NOTHROW(network.backward(backend, workspace, parameters, gradients, 4));
  CHECK_THROWS_WITH_AS(network.forward(backend, other_workspace, parameters, 4),
                       "a workspace of the network \"relu, dueling 2 hidden 3\" for inputs (3) cannot serve "
                       "\"relu, dueling 2\" for inputs (3)",
                       Error);
  CHECK_THROWS_WITH_AS(network.forward(backend, smaller_workspace, parameters, 4),
                       "a workspace of the network \"relu, dueling 2\" for inputs (2) cannot serve \"relu, "
                       "dueling 2\" for inputs (3)",
                       Error);
  CHECK_THROWS_AS(network.forward(backend, workspace, other_parameters, 4), Error);
  CHECK_THROWS_AS(network.backward(backend, workspace, parameters, other_parameters, 4), Error);
  CHECK_THROWS_AS(network.backward(backend, other_workspace, parameters, gradients, 4), Error);
  CHECK_THROWS_AS(network.forward(backend, workspace, parameters, 5), Error);
}

}  // namespace
}  // namespace bellman
