#include "core/nn/initialisers.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/reference/reference_backend.h"

namespace bellman {
namespace {

/// A network with initialised parameters, in double.
struct Initialised {
  Initialised(const char* text, const Shape& input, Initialiser initialiser, std::uint64_t seed = 1)
      : network(text, input), parameters(backend, network.layout()) {
    initialise(backend, parameters, network, initialiser, seed);
  }
  std::span<const double> operator[](const std::string& name) const {
    const auto& entries = network.layout().entries();
    for (std::size_t i = 0; i < entries.size(); ++i)
      if (entries[i].name == name) return parameters[i].host();
    fail("there is no ", name);
  }

  ReferenceBackend<double> backend;
  BasicNetwork<double> network;
  BasicArena<double> parameters;
};

bool all_equal(std::span<const double> values, double expected) {
  return std::all_of(values.begin(), values.end(), [expected](double v) { return v == expected; });
}

/// The mean is 0 and the variance as given, within five standard errors of n independent draws, where the
/// fourth moment is kurtosis variance^2. Chance alone fails this less than once in a million seeds; the seed
/// is fixed.
void check_moments(std::span<const double> values, double variance, double kurtosis) {
  const double n = static_cast<double>(values.size());
  double sum = 0, squares = 0;
  for (double v : values) {
    sum += v;
    squares += v * v;
  }
  CHECK(std::abs(sum / n) <= 5 * std::sqrt(variance / n));
  CHECK(std::abs(squares / n - variance) <= 5 * variance * std::sqrt((kurtosis - 1) / n));
}

void check_uniform(std::span<const double> values, double bound) {
  CHECK(std::all_of(values.begin(), values.end(), [bound](double v) { return v >= -bound && v < bound; }));
  // The extremes of n draws lie within 20/n of the ends, but once in e^10.
  const auto [lowest, highest] = std::minmax_element(values.begin(), values.end());
  const double gap = 20 * bound / static_cast<double>(values.size());
  CHECK(*lowest < -bound + gap);
  CHECK(*highest > bound - gap);
  check_moments(values, bound * bound / 3, 9.0 / 5);
}

TEST_CASE("initialiser names are read and written") {
  for (const char* name : {"pytorch", "he", "xavier", "orthogonal"})
    CHECK(initialiser_name(parse_initialiser(name)) == name);
  CHECK_THROWS_WITH_AS(parse_initialiser("xavir"), "unknown initialiser \"xavir\" (did you mean \"xavier\"?)",
                       Error);
  CHECK_THROWS_WITH_AS(parse_initialiser("zeros"),
                       "unknown initialiser \"zeros\" (known: pytorch, he, xavier, orthogonal)", Error);
}

constexpr const char* kNetwork = "conv 32 3x3, relu, flatten, dense 100, relu, dense 60";
const Shape kInput = {8, 5, 5};

TEST_CASE("pytorch: weights and biases uniform on +-1/sqrt(fan_in)") {
  const Initialised init(kNetwork, kInput, Initialiser::kPytorch);
  check_uniform(init["0.weight"], 1 / std::sqrt(8 * 9.0));
  check_uniform(init["3.weight"], 1 / std::sqrt(32 * 9.0));
  check_uniform(init["3.bias"], 1 / std::sqrt(32 * 9.0));
  check_uniform(init["5.weight"], 1 / std::sqrt(100.0));
  check_uniform(init["5.bias"], 1 / std::sqrt(100.0));
}

TEST_CASE("he: weights normal of variance 2/fan_in, biases 0") {
  const Initialised init(kNetwork, kInput, Initialiser::kHe);
  check_moments(init["0.weight"], 2 / (8 * 9.0), 3);
  check_moments(init["3.weight"], 2 / (32 * 9.0), 3);
  CHECK(all_equal(init["0.bias"], 0));
  CHECK(all_equal(init["5.bias"], 0));
}

TEST_CASE("xavier: weights uniform on +-sqrt(6/(fan_in + fan_out)), biases 0") {
  const Initialised init(kNetwork, kInput, Initialiser::kXavier);
  check_uniform(init["0.weight"], std::sqrt(6 / (8 * 9.0 + 32 * 9.0)));
  check_uniform(init["3.weight"], std::sqrt(6 / (32 * 9.0 + 100)));
  CHECK(all_equal(init["3.bias"], 0));
}

TEST_CASE("layer_norm starts as the identity, whatever the initialiser") {
  for (Initialiser initialiser :
       {Initialiser::kPytorch, Initialiser::kHe, Initialiser::kXavier, Initialiser::kOrthogonal}) {
    const Initialised init("dense 9, layer_norm", {4}, initialiser);
    CHECK(all_equal(init["1.weight"], 1));
    CHECK(all_equal(init["1.bias"], 0));
  }
}

/// w(rows, columns) w^T = gain^2 identity, or w^T w when there are more rows than columns.
void check_orthogonal(std::span<const double> w, std::size_t rows, double gain) {
  const std::size_t columns = w.size() / rows;
  const bool by_rows = rows <= columns;
  const std::size_t count = std::min(rows, columns), length = std::max(rows, columns);
  const auto at = [&](std::size_t vector, std::size_t i) {
    return by_rows ? w[vector * columns + i] : w[i * columns + vector];
  };
  double worst = 0;
  for (std::size_t a = 0; a < count; ++a)
    for (std::size_t b = 0; b <= a; ++b) {
      double product = 0;
      for (std::size_t i = 0; i < length; ++i) product += at(a, i) * at(b, i);
      worst = std::max(worst, std::abs(product - (a == b ? gain * gain : 0)));
    }
  CHECK(worst <= 5e-15);  // a single pass of Gram and Schmidt leaves three times that in the square one
}

TEST_CASE("orthogonal: orthonormal rows or columns times sqrt(2), the outputs' times 1, biases 0") {
  const double gain = std::sqrt(2.0);
  const Initialised init(
      "conv 32 3x3, relu, flatten, dense 100, relu, dense 100, relu, dense 150, relu, dense 3", kInput,
      Initialiser::kOrthogonal);
  check_orthogonal(init["0.weight"], 32, gain);  // (32, 8 3 3): fewer rows
  check_orthogonal(init["3.weight"], 100, gain);
  check_orthogonal(init["5.weight"], 100, gain);  // square
  check_orthogonal(init["7.weight"], 150, gain);  // more rows than columns
  check_orthogonal(init["9.weight"], 3, 1);
  CHECK(all_equal(init["5.bias"], 0));

  const Initialised dueling("dense 16, relu, dueling 4 hidden 8", {6}, Initialiser::kOrthogonal);
  check_orthogonal(dueling["0.weight"], 16, gain);
  check_orthogonal(dueling["2.value.0.weight"], 8, gain);
  check_orthogonal(dueling["2.value.2.weight"], 1, 1);
  check_orthogonal(dueling["2.advantage.0.weight"], 8, gain);
  check_orthogonal(dueling["2.advantage.2.weight"], 4, 1);
}

TEST_CASE("orthogonal: directions of either sign are alike") {
  // The mean of many entries of one orthonormal row is 0: no sign is preferred, as it would be by a plain QR.
  std::vector<double> first_entries;
  for (std::uint64_t seed = 0; seed < 2000; ++seed)
    first_entries.push_back(Initialised("dense 3", {3}, Initialiser::kOrthogonal, seed)["0.weight"][0]);
  check_moments(first_entries, 1.0 / 3, 9.0 / 5);  // a coordinate on the sphere is uniform (Archimedes)
}

TEST_CASE("every tensor has numbers of its own, and every seed") {
  for (Initialiser initialiser :
       {Initialiser::kPytorch, Initialiser::kHe, Initialiser::kXavier, Initialiser::kOrthogonal}) {
    const Initialised init("dense 8, dense 8, dense 8", {8}, initialiser);
    const Initialised again("dense 8, dense 8, dense 8", {8}, initialiser);
    const Initialised other("dense 8, dense 8, dense 8", {8}, initialiser, 2);
    const auto same = [](std::span<const double> a, std::span<const double> b) {
      std::size_t equal = 0;
      for (std::size_t i = 0; i < a.size(); ++i) equal += a[i] == b[i];
      return equal;
    };
    CHECK(same(init["0.weight"], init["1.weight"]) == 0);
    CHECK(same(init["1.weight"], init["2.weight"]) == 0);
    CHECK(same(init["0.weight"], other["0.weight"]) == 0);
    CHECK(same(init["0.weight"], again["0.weight"]) == 64);
    CHECK(same(init["2.weight"], again["2.weight"]) == 64);
    if (initialiser == Initialiser::kPytorch) CHECK(same(init["0.bias"], init["1.bias"]) == 0);
  }
}

TEST_CASE("the numbers of a seed do not change from version to version") {
  // A change here changes every training run of every user.
  const Initialised init("dense 2", {4}, Initialiser::kPytorch, 42);
  const double expected[] = {0x1.7907da9ecba9p-4,  -0x1.e08574db898dp-2, 0x1.def13ee051944p-2,
                             0x1.7e7966c6fcd76p-2, 0x1.0b8b25131188ap-2, -0x1.4d12b6469cb6cp-2,
                             0x1.6652cbdc5fd32p-2, -0x1.105a45f7ff634p-3};
  for (std::size_t i = 0; i < 8; ++i) CHECK(init["0.weight"][i] == expected[i]);
}

TEST_CASE("floats are the doubles, rounded, and the gaps of the arena stay zero") {
  ReferenceBackend<float> backend;
  const Network network("dense 3, layer_norm, dense 5", {3});
  const Arena parameters(backend, network.layout());
  initialise(backend, parameters, network, Initialiser::kHe, 1);
  const Initialised init("dense 3, layer_norm, dense 5", {3}, Initialiser::kHe);
  for (std::size_t i = 0; i < network.parameters().size(); ++i)
    for (std::size_t j = 0; j < parameters[i].host().size(); ++j)
      REQUIRE(parameters[i].host()[j] == static_cast<float>(init.parameters[i].host()[j]));
  std::vector<bool> covered(parameters.flat().host().size(), false);
  for (const ArenaLayout::Entry& entry : network.layout().entries())
    for (Index j = 0; j < entry.shape.elements(); ++j)
      covered[static_cast<std::size_t>(entry.offset + j)] = true;
  for (std::size_t i = 0; i < covered.size(); ++i)
    if (!covered[i]) REQUIRE(parameters.flat().host()[i] == 0);
}

TEST_CASE("initialise refuses another network's arena") {
  ReferenceBackend<float> backend;
  const Network network("dense 3", {3}), other("relu", {3});
  const Arena parameters(backend, other.layout());
  CHECK_THROWS_AS(initialise(backend, parameters, network, Initialiser::kHe, 1), Error);
}

}  // namespace
}  // namespace bellman
