#include <array>

#include <doctest/doctest.h>

#include "core/base/text.h"

namespace bellman {
namespace {

constexpr std::array<std::string_view, 5> kKnown = {"dense", "conv", "relu", "leaky_relu", "CartPole-v1"};

TEST_CASE("nearest_name: the name of fewest edits") {
  CHECK(nearest_name("dense", kKnown) == "dense");
  CHECK(nearest_name("dens", kKnown) == "dense");
  CHECK(nearest_name("desne", kKnown).empty());  // two replacements in five letters
  CHECK(nearest_name("conv2", kKnown) == "conv");
  CHECK(nearest_name("conv2d", kKnown) == "conv");  // two of six
  CHECK(nearest_name("reul", kKnown).empty());
  CHECK(nearest_name("rlu", kKnown) == "relu");
  CHECK(nearest_name("leakyrelu", kKnown) == "leaky_relu");
  CHECK(nearest_name("cartpole-V1", kKnown) == "CartPole-v1");
  CHECK(nearest_name("CartPole-v7", kKnown) == "CartPole-v1");
}

TEST_CASE("nearest_name: nothing when nothing is near") {
  CHECK(nearest_name("", kKnown).empty());
  CHECK(nearest_name("linear", kKnown).empty());
  CHECK(nearest_name("x", kKnown).empty());
  CHECK(nearest_name("dense", {}).empty());
  const std::array<std::string_view, 1> one_letter = {"v"};
  CHECK(nearest_name("m", one_letter).empty());
}

TEST_CASE("nearest_name: the first among equals") {
  const std::array<std::string_view, 2> known = {"abcd", "abce"};
  CHECK(nearest_name("abcf", known) == "abcd");
  CHECK(nearest_name("abce", known) == "abce");
}

TEST_CASE("nearest_name: a very long name takes no time") {
  CHECK(nearest_name(std::string(50'000'000, 'd'), kKnown).empty());
}

TEST_CASE("suggestion: the nearest name, or all of them") {
  CHECK(suggestion("dens", kKnown) == " (did you mean \"dense\"?)");
  CHECK(suggestion("linear", kKnown) == " (known: dense, conv, relu, leaky_relu, CartPole-v1)");
}

}  // namespace
}  // namespace bellman
