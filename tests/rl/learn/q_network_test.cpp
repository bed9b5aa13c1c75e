#include "rl/learn/q_network.h"

#include <doctest/doctest.h>

#include "core/base/check.h"
#include "core/nn/network.h"

namespace bellman {
namespace {

TEST_CASE("the head follows from the number of actions") {
  CHECK(complete_network_text("dense 64, relu", 2, false) == "dense 64, relu, dense 2");
  CHECK(complete_network_text("  dense 64,relu ", 2, false) == "dense 64,relu, dense 2");
}

TEST_CASE("dueling streams have a hidden layer each, as in Wang et al. 2016") {
  const auto dueling = [](const char* torso) { return complete_network_text(torso, 2, true); };
  // The last hidden layer becomes one of each stream.
  CHECK(dueling("dense 120, relu, dense 84, relu") == "dense 120, relu, dueling 2 hidden 84");
  CHECK(dueling("dense 64, relu") == "dueling 2 hidden 64");
  CHECK(dueling(" conv 8 3x3,relu, flatten ,dense 64,relu ") ==
        "conv 8 3x3,relu, flatten , dueling 2 hidden 64");
  // After another end it comes on top.
  CHECK(dueling("dense 32, relu, dense 64, tanh") == "dense 32, relu, dense 64, tanh, dueling 2 hidden 64");
  CHECK(dueling("dense 16, layer_norm, relu") == "dense 16, layer_norm, relu, dueling 2 hidden 16");
  CHECK(dueling("conv 2 3x3, relu, flatten") == "conv 2 3x3, relu, flatten, dueling 2 hidden 512");
  // A width that is none is the dense layer's to refuse.
  CHECK(dueling("dense 0, relu") == "dense 0, relu, dueling 2 hidden 512");
  CHECK(dueling("dense x, relu") == "dense x, relu, dueling 2 hidden 512");
}

TEST_CASE("an empty torso is a linear network") {
  CHECK(complete_network_text("", 3, false) == "dense 3");
  CHECK(complete_network_text(" ", 3, true) == "dueling 3");
}

TEST_CASE("a torso may end in a dueling head that lacks its actions") {
  for (const bool dueling : {false, true}) {
    CHECK(complete_network_text("dense 64, relu, dueling", 4, dueling) == "dense 64, relu, dueling 4");
    CHECK(complete_network_text("dense 64, relu, dueling hidden 32", 4, dueling) ==
          "dense 64, relu, dueling 4 hidden 32");
    CHECK(complete_network_text("dueling", 4, dueling) == "dueling 4");
    CHECK(complete_network_text("relu, dueling 4 hidden 8", 4, dueling) == "relu, dueling 4 hidden 8");
  }
}

TEST_CASE("a dueling head for another number of actions is refused") {
  CHECK_THROWS_WITH_AS(complete_network_text("relu, dueling 3", 4, true),
                       "the network's head is `dueling 3`, but the environment has 4 actions", Error);
  CHECK_THROWS_AS(complete_network_text("relu", 0, false), Error);
}

TEST_CASE(
    "a whole network's dueling head gets the number of actions that it lacks, and nothing else changes") {
  CHECK(with_dueling_actions("dense 64, layer_norm, tanh, dueling hidden 32", 2) ==
        "dense 64, layer_norm, tanh, dueling 2 hidden 32");
  CHECK(with_dueling_actions("dueling", 7) == "dueling 7");
  for (const char* whole : {"", "dense 3", "dueling 3 hidden 8", "relu, dueling 3", "dueling hidden 4, tanh"})
    CHECK(with_dueling_actions(whole, 2) == whole);
}

TEST_CASE("completed texts are networks with a Q-value an action") {
  CHECK(Network(complete_network_text("dense 8, relu, dueling hidden 5", 3, false), {4}).output_shape() ==
        Shape{3});
  CHECK(Network(complete_network_text("conv 2 3x3, relu, flatten", 5, true), {1, 6, 6}).output_shape() ==
        Shape{5});
}

}  // namespace
}  // namespace bellman
