// The numbers on the pages of docs/backprop about optimisers, and of the one that makes a whole step.
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/nn/network.h"
#include "core/nn/optimizer.h"
#include "core/reference/reference_backend.h"
#include "tests/docs/worked_page.h"

namespace bellman::test {
namespace {

using Numbers = std::vector<double>;
using Flat = TensorView<double>;
constexpr double kLearningRate = 0.1;

TEST_CASE("worked numbers: Adam") {
  check_worked_page("adam.md", [](WorkedPage& page) {
    ReferenceBackend<double> backend;
    Numbers p = page["p0"], m(2), v(2);
    for (Index t = 1; t <= 3; ++t) {
      const std::string step = std::to_string(t);
      backend.adam_step(view(p, {2}), view(m, {2}), view(v, {2}), view(page["g" + step], {2}), kLearningRate,
                        t, AdamOptions{});
      page.check("m" + step, m);
      page.check("v" + step, v);
      page.check("p" + step, p);
    }
  });
}

void check_sgd(WorkedPage& page, const std::string& block, const SgdOptions& options) {
  ReferenceBackend<double> backend;
  Numbers p = page["p0"], u(2);
  const Flat velocity = options.momentum != 0 ? view(u, {2}) : Flat();
  for (Index t = 1; t <= 3; ++t) {
    const std::string step = std::to_string(t);
    backend.sgd_step(view(p, {2}), velocity, view(page["g" + step], {2}), kLearningRate, t, options);
    if (velocity && !options.nesterov) page.check(block + "/u" + step, u);
    page.check(block + "/p" + step, p);
  }
}

void check_rmsprop(WorkedPage& page, const std::string& block, const RmsPropOptions& options) {
  ReferenceBackend<double> backend;
  Numbers p = page["p0"], s(2), m(2), u(2);
  const Flat mean = options.centered ? view(m, {2}) : Flat();
  const Flat velocity = options.momentum != 0 ? view(u, {2}) : Flat();
  for (Index t = 1; t <= 3; ++t) {
    const std::string step = std::to_string(t);
    backend.rmsprop_step(view(p, {2}), view(s, {2}), mean, velocity, view(page["g" + step], {2}),
                         kLearningRate, options);
    if (!velocity) page.check(block + "/s" + step, s);
    if (mean) page.check(block + "/m" + step, m);
    if (velocity) page.check(block + "/u" + step, u);
    page.check(block + "/p" + step, p);
  }
}

TEST_CASE("worked numbers: RMSprop and momentum") {
  check_worked_page("rmsprop-and-momentum.md", [](WorkedPage& page) {
    check_sgd(page, "sgd", {});
    check_sgd(page, "momentum", {.momentum = 0.9});
    check_sgd(page, "nesterov", {.momentum = 0.9, .nesterov = true});
    check_rmsprop(page, "rmsprop", {.alpha = 0.9});
    check_rmsprop(page, "rmsprop with momentum", {.alpha = 0.9, .momentum = 0.9});
    check_rmsprop(page, "mnih", {.alpha = 0.95, .epsilon = 0.01, .epsilon_in_root = true, .centered = true});
  });
}

// ---- one transition

using Arena64 = BasicArena<double>;

Arena64 parameters_on(WorkedPage& page, const std::string& block, ReferenceBackend<double>& backend,
                      const ArenaLayout& layout) {
  Arena64 parameters(backend, layout);
  const char* const names[] = {"w1", "b1", "w2", "b2"};
  for (std::size_t i = 0; i < 4; ++i) {
    const Numbers& numbers = page[block + names[i]];
    REQUIRE(static_cast<Index>(numbers.size()) == parameters[i].elements());
    std::copy(numbers.begin(), numbers.end(), parameters[i].data());
  }
  return parameters;
}

Numbers numbers_of(TensorView<const double> tensor) {
  return {tensor.data(), tensor.data() + tensor.elements()};
}

/// Runs `state` forward, and checks the hidden layer before and after its ReLU, and the Q-values.
void check_forward(WorkedPage& page, const std::string& block, const BasicNetwork<double>& network,
                   BasicWorkspace<double>& pass, ReferenceBackend<double>& backend, const Arena64& parameters,
                   const Numbers& state) {
  std::copy(state.begin(), state.end(), pass.activation(0, 1).data());
  network.forward(backend, pass, parameters, 1);
  page.check(block + "z", numbers_of(pass.activation(1, 1)));
  page.check(block + "h", numbers_of(pass.activation(2, 1)));
  page.check(block + "q", numbers_of(pass.activation(3, 1)));
}

TEST_CASE("worked numbers: one transition") {
  check_worked_page("one-transition.md", [](WorkedPage& page) {
    ReferenceBackend<double> backend;
    const BasicNetwork<double> network("dense 3, relu, dense 2", {2});
    const Arena64 target = parameters_on(page, "target/", backend, network.layout());
    const Arena64 online = parameters_on(page, "online/", backend, network.layout());
    BasicWorkspace<double> next(backend, network, 1, false), pass(backend, network, 1, true);
    const Numbers s = page["s"], one = {1}, zero = {0};
    const std::int32_t action = static_cast<std::int32_t>(page.number("action"));

    check_forward(page, "target/", network, next, backend, target, page["s_next"]);
    Numbers y(1), td_error(1), loss(1);
    TdTargetInputs<double> in;
    in.q_target = next.activation(3, 1);
    in.reward = view(page["reward"], {1});
    in.discount = view(page["gamma"], {1});
    in.terminated = view(zero, {1});
    backend.td_target(view(y, {1}), in);
    page.check("y", y);

    const auto td_loss = [&] {
      backend.td_loss(pass.d_activation(3, 1), view(td_error, {1}), view(loss, {1}), pass.activation(3, 1),
                      {&action, {1}}, view(y, {1}), view(one, {1}), LossKind::kMeanSquaredError, 1.0);
    };
    check_forward(page, "online/", network, pass, backend, online, s);
    td_loss();
    page.check("td_error", td_error);
    page.check("loss", loss);
    page.check("dq", numbers_of(pass.d_activation(3, 1)));

    const Arena64 gradients(backend, network.layout());
    network.backward(backend, pass, online, gradients, 1);
    page.check("dw1", numbers_of(gradients[0]));
    page.check("db1", numbers_of(gradients[1]));
    page.check("dw2", numbers_of(gradients[2]));
    page.check("db2", numbers_of(gradients[3]));
    page.check("dh", numbers_of(pass.d_activation(2, 1)));
    page.check("dz", numbers_of(pass.d_activation(1, 1)));

    BasicOptimizer<double>(backend, network.layout(), AdamOptions{}).step(online, gradients, 0.01);
    page.check("after/w1", numbers_of(online[0]));
    page.check("after/b1", numbers_of(online[1]));
    page.check("after/w2", numbers_of(online[2]));
    page.check("after/b2", numbers_of(online[3]));
    check_forward(page, "after/", network, pass, backend, online, s);
    td_loss();
    page.check("after/loss", loss);
  });
}

}  // namespace
}  // namespace bellman::test
