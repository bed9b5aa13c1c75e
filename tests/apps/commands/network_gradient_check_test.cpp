// What gradcheck does, in this process: right networks pass at every seed, and the usual mistakes of backward
// passes are found at every seed.

#include "apps/run/network_gradient_check.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/apps/commands/wrong_backward.h"
#include "tests/support/long_tests.h"
#include "tests/support/sanitized.h"

namespace bellman::test {
namespace {

std::uint64_t number_of_seeds() {
#ifdef BELLMAN_SANITIZED
  return 1;  // ten times as slow, and the sanitizers see the same code with every seed
#else
  return has_long_tests() ? 100 : 5;
#endif
}

// ---- right networks ----

struct Kind {
  std::string layer;
  Shape input;
};

const std::vector<std::string> kImageLayers = {"conv 2 3x3 padding 1",
                                               "conv 2 2x3 stride 2x1",
                                               "max_pool 2x2",
                                               "max_pool 2x3 stride 1 padding 1",
                                               "relu",
                                               "leaky_relu 0.2",
                                               "tanh",
                                               "sigmoid"};
const std::vector<std::string> kRowLayers = {"dense 5", "relu",       "leaky_relu", "tanh",
                                             "sigmoid", "layer_norm", "dueling 3",  "dueling 3 hidden 4"};

/// Every kind of layer alone, and every pair of them, one behind the other.
std::vector<Kind> layers_and_pairs() {
  const Shape image = {1, 6, 7}, row = {5};
  std::vector<Kind> all;
  for (const std::string& first : kImageLayers) {
    all.push_back({first + ", flatten", image});
    for (const std::string& second : kImageLayers)
      all.push_back({first + ", " + second + ", flatten", image});
    for (const std::string& second : kRowLayers) all.push_back({first + ", flatten, " + second, image});
  }
  for (const std::string& first : kRowLayers) {
    all.push_back({first, row});
    for (const std::string& second : kRowLayers) {
      all.push_back({first + ", " + second, row});
      all.push_back({"dense 6, " + first + ", " + second, row});
    }
  }
  all.push_back({"flatten", image});
  return all;
}

TEST_CASE("gradcheck passes for every kind and every pair of layers, at every seed") {
  for (const Kind& kind : layers_and_pairs()) {
    CAPTURE(kind.layer);
    Right backend;
    const BasicNetwork<double> network(kind.layer, kind.input);
    for (std::uint64_t seed = 1; seed <= number_of_seeds(); ++seed) {
      CAPTURE(seed);
      const NetworkGradientCheck result =
          check_network_gradients(backend, network, {.seed = seed, .batch = 2, .samples = 10});
      for (const TensorGradientCheck& t : result.tensors) {
        INFO("layer ", t.layer, ", ", t.name, "[", t.check.index, "] is ", t.check.analytic,
             ", by differences ", t.check.numeric);
        CHECK(t.passed);
      }
    }
  }
}

TEST_CASE("gradcheck passes for networks whose activations tie") {
  struct Tied {
    std::string network;
    Shape input;
    bool has_kinks;
  };
  for (const Tied& tied : std::vector<Tied>{
           {"relu, relu, dense 1", {4}, true},
           {"dense 8, relu, leaky_relu, dense 2", {4}, true},
           {"conv 4 3x3 stride 1 padding 1, relu, max_pool 2x2, flatten, dense 6, relu, dense 4",
            {1, 8, 8},
            true},
           {"conv 4 3x3, relu, max_pool 3x3 stride 1, relu, max_pool 2x2, flatten, dense 2", {1, 8, 8}, true},
           {"dense 8, relu, layer_norm, tanh, dueling 2 hidden 4", {4}, false}}) {
    CAPTURE(tied.network);
    Right backend;
    const BasicNetwork<double> network(tied.network, tied.input);
    Index kinks = 0, compared = 0;
    for (std::uint64_t seed = 1; seed <= 4 * number_of_seeds(); ++seed) {
      CAPTURE(seed);
      const NetworkGradientCheck result =
          check_network_gradients(backend, network, {.seed = seed, .samples = 40});
      CHECK(result.passed());
      for (const TensorGradientCheck& t : result.tensors) {
        kinks += t.check.kinks;
        compared += t.check.compared;
      }
    }
    if (tied.has_kinks) CHECK(kinks > 0);
    CHECK(compared > 2 * kinks);
  }
}

// ---- wrong ones ----

TEST_CASE("gradcheck finds the usual mistakes of backward passes at every seed") {
  for (const Bug& bug : bugs()) {
    CAPTURE(bug.name);
    const BasicNetwork<double> network(bug.network, bug.input);
    for (std::uint64_t seed = 1; seed <= 2 * number_of_seeds(); ++seed) {
      CAPTURE(seed);
      const NetworkCheckOptions options = {.seed = seed, .samples = 50};
      Right right;
      CHECK(check_network_gradients(right, network, options).passed());
      const std::unique_ptr<Right> wrong = bug.backend();
      CHECK_FALSE(check_network_gradients(*wrong, network, options).passed());
    }
  }
}

std::set<std::string> failing(BasicBackend<double>& backend, const std::string& text) {
  const BasicNetwork<double> network(text, {4});
  std::set<std::string> names;
  for (const TensorGradientCheck& t : check_network_gradients(backend, network, {}).tensors)
    if (!t.passed) names.insert(std::to_string(t.layer) + "." + t.name);
  return names;
}

TEST_CASE("a wrong derivative fails in every layer that it flows back to, and in no other") {
  const std::string text = "dense 8, tanh, dense 8, relu, dense 2";
  Right right;
  CHECK(failing(right, text).empty());
  TanhWithoutSquare wrong_tanh;
  CHECK(failing(wrong_tanh, text) == std::set<std::string>{"0.input", "0.weight", "0.bias", "1.input"});
  WithoutBiasSum forgotten_bias;
  CHECK(failing(forgotten_bias, text) == std::set<std::string>{"0.bias", "2.bias", "4.bias"});
}

// ---- checks that say nothing ----

TEST_CASE("a check that gradients of zero would pass, too, is vacuous") {
  const auto check = [](const std::string& text, const Shape& input, std::uint64_t seed) {
    Right backend;
    return check_network_gradients(backend, BasicNetwork<double>(text, input), {.seed = seed, .batch = 1});
  };
  // One feature, normalised, is always 0: its gain and what lies below have no gradient. Its offset has.
  const NetworkGradientCheck one_feature = check("dense 1, layer_norm", {3}, 1);
  CHECK(one_feature.passed());
  CHECK_FALSE(one_feature.vacuous());
  for (const TensorGradientCheck& t : one_feature.tensors) {
    CAPTURE(t.name);
    CHECK(t.vacuous == (t.name != "bias" || t.layer == 0));
  }
  // The only feature is below 0 for some seeds: nothing goes through, and all that is left are corners.
  int vacuous = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const NetworkGradientCheck result = check("relu, relu", {1}, seed);
    CHECK(result.passed());
    const bool corner = result.tensors[1].check.kinks == 1;
    CHECK(result.vacuous() == corner);
    CHECK(result.tensors[1].check.compared == (corner ? 0 : 1));
    vacuous += result.vacuous();
  }
  CHECK(vacuous > 0);
  CHECK(vacuous < 20);
}

}  // namespace
}  // namespace bellman::test
