#include "core/nn/initialisers.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <span>
#include <vector>

#include "core/base/rng.h"
#include "core/base/text.h"

namespace bellman {
namespace {

constexpr std::array<std::string_view, 4> kNames = {"pytorch", "he", "xavier", "orthogonal"};

void fill_uniform(std::vector<double>& values, RandomSequence& random, double bound) {
  for (double& value : values) value = random.uniform(-bound, bound);
}

void fill_normal(std::vector<double>& values, RandomSequence& random, double deviation) {
  for (double& value : values) value = deviation * random.normal();
}

/// Sum of a[i] b[i], in eight partial sums so that the compiler can vectorise it.
double dot(std::span<const double> a, std::span<const double> b) {
  constexpr std::size_t kLanes = 8;
  std::array<double, kLanes> sums{};
  std::size_t i = 0;
  for (; i + kLanes <= a.size(); i += kLanes)
    for (std::size_t lane = 0; lane < kLanes; ++lane) sums[lane] += a[i + lane] * b[i + lane];
  double sum = std::accumulate(sums.begin(), sums.end(), 0.0);
  for (; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

// Gram and Schmidt's method: each vector loses its components along the earlier ones and is scaled to length
// 1. Vectors of independent normal numbers have uniform directions, so the result is uniform among the
// orthonormal sets. A second pass removes the rounding errors of the first ("twice is enough": Giraud et al.
// 2005).
/// The result (count,length), row by row. REQUIRES: count <= length.
std::vector<double> orthonormal_vectors(std::size_t count, std::size_t length, RandomSequence& random) {
  std::vector<double> all(count * length);
  const auto vector = [&](std::size_t i) { return std::span(all).subspan(i * length, length); };
  for (std::size_t i = 0; i < count; ++i) {
    const std::span<double> v = vector(i);
    for (double& x : v) x = random.normal();
    for (int pass = 0; pass < 2; ++pass)
      for (std::size_t k = 0; k < i; ++k) {
        const double part = dot(v, vector(k));
        for (std::size_t j = 0; j < length; ++j) v[j] -= part * vector(k)[j];
      }
    const double norm = std::sqrt(dot(v, v));
    for (double& x : v) x /= norm;
  }
  return all;
}

/// values(rows, values/rows): orthonormal rows, or columns when there are more rows than columns, times gain.
void fill_orthogonal(std::vector<double>& values, RandomSequence& random, std::size_t rows, double gain) {
  const std::size_t columns = values.size() / rows;
  const std::size_t length = std::max(rows, columns);
  const std::vector<double> vectors = orthonormal_vectors(std::min(rows, columns), length, random);
  for (std::size_t o = 0; o < rows; ++o)
    for (std::size_t i = 0; i < columns; ++i)
      values[o * columns + i] = gain * (rows <= columns ? vectors[o * length + i] : vectors[i * length + o]);
}

void fill_weight(std::vector<double>& values, RandomSequence& random, const ParameterInfo& parameter,
                 Initialiser initialiser) {
  const double fan_in = static_cast<double>(parameter.fan_in);
  const double fan_out = static_cast<double>(parameter.fan_out);
  switch (initialiser) {
    case Initialiser::kPytorch:
      return fill_uniform(values, random, 1.0 / std::sqrt(fan_in));
    case Initialiser::kHe:
      return fill_normal(values, random, std::sqrt(2.0 / fan_in));
    case Initialiser::kXavier:
      return fill_uniform(values, random, std::sqrt(6.0 / (fan_in + fan_out)));
    case Initialiser::kOrthogonal:
      // sqrt(2) compensates for the half of the numbers that relu sets to 0; no relu follows the outputs.
      return fill_orthogonal(values, random, static_cast<std::size_t>(parameter.shape[0]),
                             parameter.makes_output ? 1.0 : std::sqrt(2.0));
  }
  BELLMAN_CHECK(false);
}

std::vector<double> initial_values(const ParameterInfo& parameter, Initialiser initialiser,
                                   RandomSequence& random) {
  std::vector<double> values(static_cast<std::size_t>(parameter.shape.elements()), 0.0);
  switch (parameter.role) {
    case ParameterRole::kWeight:
      fill_weight(values, random, parameter, initialiser);
      break;
    case ParameterRole::kBias:
      if (initialiser == Initialiser::kPytorch) fill_weight(values, random, parameter, initialiser);
      break;
    case ParameterRole::kGain:
      values.assign(values.size(), 1.0);
      break;
    case ParameterRole::kOffset:
      break;
  }
  return values;
}

}  // namespace

Initialiser parse_initialiser(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i)
    if (name == kNames[i]) return static_cast<Initialiser>(i);
  fail("unknown initialiser \"", printable(name), "\"", suggestion(name, kNames));
}

std::string_view initialiser_name(Initialiser initialiser) {
  return kNames[static_cast<std::size_t>(initialiser)];
}

template <class T>
void initialise(BasicBackend<T>& backend, const BasicArena<T>& parameters, const BasicNetwork<T>& network,
                Initialiser initialiser, std::uint64_t seed) {
  const std::vector<ParameterInfo>& infos = network.parameters();
  if (parameters.layout().entries().size() != infos.size())
    fail("an arena of ", parameters.layout().entries().size(), " tensors cannot hold the ", infos.size(),
         " of the network \"", network.text(), "\"");
  for (std::size_t i = 0; i < infos.size(); ++i) {
    RandomSequence random({seed, Purpose::kInitialisation, static_cast<std::uint32_t>(i)});
    const std::vector<double> values = initial_values(infos[i], initialiser, random);
    const std::vector<T> rounded(values.begin(), values.end());
    backend.upload(parameters[i].data(), rounded.data(), rounded.size() * sizeof(T));
  }
}

template void initialise(BasicBackend<float>&, const BasicArena<float>&, const BasicNetwork<float>&,
                         Initialiser, std::uint64_t);
template void initialise(BasicBackend<double>&, const BasicArena<double>&, const BasicNetwork<double>&,
                         Initialiser, std::uint64_t);

}  // namespace bellman
