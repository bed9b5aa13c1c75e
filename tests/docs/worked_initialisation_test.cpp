// The numbers on the page of docs/backprop about initial parameters: an experiment, and what theory says.
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/base/rng.h"
#include "core/nn/initialisers.h"
#include "core/nn/network.h"
#include "core/reference/reference_backend.h"
#include "tests/docs/worked_page.h"

namespace bellman::test {
namespace {

using Numbers = std::vector<double>;

/// What the page says it did.
struct Experiment {
  explicit Experiment(WorkedPage& page)
      : width(static_cast<Index>(page.number("width"))),
        batch(static_cast<Index>(page.number("samples"))),
        networks(static_cast<std::uint64_t>(page.number("networks"))),
        depth(page["depth"]) {}

  Index layers() const { return static_cast<Index>(depth.back()); }

  Index width, batch;
  std::uint64_t networks;
  Numbers depth;  // the layers that the page shows, counted from 1; the last is the network's last
};

/// By depth: root mean square of a dense layer's outputs, and of the loss's gradient with respect to them.
struct Sizes {
  Numbers y, dy;
};

void fill_normal(TensorView<double> tensor, std::uint64_t seed, std::uint32_t index) {
  RandomSequence random({seed, Purpose::kTest, index});
  for (Index i = 0; i < tensor.elements(); ++i) tensor.data()[i] = random.normal();
}

double sum_of_squares(TensorView<const double> tensor) {
  double sum = 0;
  for (Index i = 0; i < tensor.elements(); ++i) sum += tensor.data()[i] * tensor.data()[i];
  return sum;
}

Sizes measured(const Experiment& experiment, Initialiser initialiser) {
  const std::string dense = "dense " + std::to_string(experiment.width);
  std::string text = dense;
  for (Index layer = 1; layer < experiment.layers(); ++layer) text += ", relu, " + dense;
  ReferenceBackend<double> backend;
  const BasicNetwork<double> network(text, {experiment.width});
  const BasicArena<double> parameters(backend, network.layout()), gradients(backend, network.layout());
  BasicWorkspace<double> pass(backend, network, experiment.batch, true);
  const Index B = experiment.batch;

  Sizes sizes{Numbers(experiment.depth.size()), Numbers(experiment.depth.size())};
  for (std::uint64_t seed = 1; seed <= experiment.networks; ++seed) {
    initialise(backend, parameters, network, initialiser, seed);
    fill_normal(pass.activation(0, B), seed, 0);
    fill_normal(pass.d_activation(network.layers(), B), seed, 1);
    network.forward(backend, pass, parameters, B);
    network.backward(backend, pass, parameters, gradients, B);
    for (std::size_t i = 0; i < experiment.depth.size(); ++i) {
      const auto place = static_cast<std::size_t>(2 * experiment.depth[i] - 1);  // dense and relu alternate
      sizes.y[i] += sum_of_squares(pass.activation(place, B));
      sizes.dy[i] += sum_of_squares(pass.d_activation(place, B));
    }
  }
  const double count = static_cast<double>(experiment.networks) * static_cast<double>(B * experiment.width);
  for (Numbers* squares : {&sizes.y, &sizes.dy})
    for (double& square : *squares) square = std::sqrt(square / count);
  return sizes;
}

/// The page's formulas, from the variances of weights and biases times the width.
Sizes predicted(const Experiment& experiment, double weight, double bias) {
  Sizes sizes;
  double square = 0;
  Index layer = 0;
  for (const double depth : experiment.depth) {
    for (; layer < static_cast<Index>(depth); ++layer)
      square = (layer == 0 ? weight : weight / 2 * square) + bias / static_cast<double>(experiment.width);
    sizes.y.push_back(std::sqrt(square));
    sizes.dy.push_back(std::pow(weight / 2, (experiment.depth.back() - depth) / 2));
  }
  return sizes;
}

void check_near(const Numbers& found, const Numbers& foreseen) {
  for (std::size_t i = 0; i < found.size(); ++i)
    CHECK(std::abs(found[i] - foreseen[i]) <= 0.1 * foreseen[i]);  // 256 samples of 64 random networks
}

TEST_CASE("worked numbers: initial parameters") {
  WorkedPage given("initialisation.md");
  const Experiment experiment(given);
  struct Row {
    std::string name;
    Sizes found, foreseen;
  };
  // Measured once: check_worked_page computes again for every number of the page.
  const std::vector<Row> rows = {
      {"pytorch", measured(experiment, Initialiser::kPytorch), predicted(experiment, 1.0 / 3, 1.0 / 3)},
      {"xavier", measured(experiment, Initialiser::kXavier), predicted(experiment, 1, 0)},
      {"he", measured(experiment, Initialiser::kHe), predicted(experiment, 2, 0)}};
  for (const Row& row : rows) {
    CAPTURE(row.name);
    check_near(row.found.y, row.foreseen.y);
    check_near(row.found.dy, row.foreseen.dy);
  }
  check_worked_page("initialisation.md", [&](WorkedPage& page) {
    CHECK(Experiment(page).depth == experiment.depth);  // and so the rest of what the page gives is read
    for (const Row& row : rows) {
      page.check("y measured/" + row.name, row.found.y, WorkedPage::kFourDigits);
      page.check("y predicted/" + row.name, row.foreseen.y, WorkedPage::kFourDigits);
      page.check("dy measured/" + row.name, row.found.dy, WorkedPage::kFourDigits);
      page.check("dy predicted/" + row.name, row.foreseen.dy, WorkedPage::kFourDigits);
    }
  });
}

}  // namespace
}  // namespace bellman::test
