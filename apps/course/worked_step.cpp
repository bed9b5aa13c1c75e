#include "apps/course/worked_step.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <string>

#include "apps/page/math.h"
#include "apps/page/page.h"
#include "core/base/text.h"
#include "core/reference/reference_backend.h"
#include "rl/learn/dqn_update.h"

namespace bellman {
namespace {

constexpr const char* kTwoUnits = "dense 2, relu, dense 2";
/// Of "0.weight", "0.bias", "2.weight", "2.bias": a hidden unit that is off in s and on in s', and one the other way round.
const std::vector<std::vector<float>> kWorkedParameters = {
    {0.5F, 0.25F, -0.5F, -0.25F}, {0, 0.25F}, {0.5F, -1, 1, 2}, {0.2F, -0.1F}};
constexpr std::array kWorkedState = {1.0F, 2.0F}, kWorkedNext = {-1.0F, 0.0F};
constexpr std::int32_t kWorkedAction = 1;

/// A part of the step that the page shows by itself.
Markup worked_part(Literal id, std::string_view heading, const Markup& content) {
  return element("section", {{"id", std::string(id.text())}, {"data-step", std::string(heading)}},
                 element("h3", as_text(heading)) + content);
}

template <class Numbers>
std::string worked_list(const Numbers& numbers) {
  std::string text;
  for (const auto number : numbers)
    text += (text.empty() ? "" : ", ") + formatted("%.4g", static_cast<double>(number));
  return text;
}

/// W1 and b1, and on a line of their own W2 and b2, with that sign behind their names.
Markup weights_formulas(std::string_view sign) {
  constexpr std::array<std::string_view, 4> kNames = {"W₁", "b₁", "W₂", "b₂"};
  const auto equation = [&](std::size_t i) {
    return mi_text(std::string(kNames[i]).append(sign)) + mo("=") +
           mmatrix(kWorkedParameters[i], i % 2 == 0 ? 2 : 1);
  };
  return formula(equation(0) + mo(",") + equation(1)) + formula(equation(2) + mo(",") + equation(3));
}

}  // namespace

double WorkedStep::gradient_norm() const {
  double sum = 0;
  for (const Parameter& p : parameters) sum += p.gradient * p.gradient;
  return std::sqrt(sum);
}

WorkedStep worked_step(const WorkedTransition& transition) {
  ReferenceBackend<float> backend;
  const Network network(kTwoUnits, {2});
  DqnUpdate update(backend, network, {});
  for (const Arena* const arena : {&update.online(), &update.target()})
    for (std::size_t i = 0; i < kWorkedParameters.size(); ++i)
      std::copy(kWorkedParameters[i].begin(), kWorkedParameters[i].end(), (*arena)[i].data());
  const DqnUpdate::Batch batch = update.batch(1);
  std::copy(kWorkedState.begin(), kWorkedState.end(), batch.observations.data());
  std::copy(kWorkedNext.begin(), kWorkedNext.end(), batch.next_observations.data());
  *batch.transitions.action.data() = kWorkedAction;
  *batch.transitions.reward.data() = transition.reward;
  *batch.transitions.discount.data() = transition.gamma;
  *batch.transitions.terminated.data() = transition.terminated;
  *batch.weights.data() = 1;

  WorkedStep step;
  step.transition = transition;
  update.run(1, transition.learning_rate, [&](const std::string& name, ConstTensor tensor) {
    step.tensors[name] = {tensor.host().begin(), tensor.host().end()};
  });
  // The watcher is shown the online network's own pass alone. The target network's, for its hidden layer:
  Workspace pass(backend, network, 1, false);
  std::copy(kWorkedNext.begin(), kWorkedNext.end(), pass.activation(0, 1).data());
  network.forward(backend, pass, update.target(), 1);
  for (const std::size_t i : {1, 2}) {
    const ConstTensor hidden = pass.activation(i, 1);
    step.tensors["next.a" + std::to_string(i)] = {hidden.host().begin(), hidden.host().end()};
  }
  step.td_error = *update.td_error(1).data();
  step.loss = *update.loss().data();
  const std::vector<Optimizer::Moment>& moments = update.optimizer().moments();
  for (std::size_t i = 0; i < kWorkedParameters.size(); ++i)
    for (std::size_t k = 0; k < kWorkedParameters[i].size(); ++k)
      step.parameters.push_back({network.layout().entries()[i].name + "[" + std::to_string(k) + "]",
                                 kWorkedParameters[i][k], update.gradients()[i].data()[k],
                                 moments[0].values[i].data()[k], moments[1].values[i].data()[k],
                                 update.online()[i].data()[k]});
  std::copy(kWorkedState.begin(), kWorkedState.end(), update.acting_observations(1).data());
  step.q_after = update.q_values(1).data()[kWorkedAction];
  return step;
}

Markup worked_step_walk(const WorkedStep& step) {
  const auto& q = step.tensors.at("q.now");
  const auto& next = step.tensors.at("q.next.target");
  const double y = step.tensors.at("y")[0], eta = step.transition.learning_rate;
  const auto line = [](const WorkedStep::Parameter& p, std::vector<double> more) {
    std::vector<std::string> cells = {p.name};
    for (const double number : more) cells.push_back(formatted("%.4g", number));
    return cells;
  };
  std::vector<std::vector<std::string>> gradients = {{"parameter", "value", "gradient"}},
                                        adam = {{"parameter", "m", "v", "m̂", "v̂", "step", "new value"}};
  for (const WorkedStep::Parameter& p : step.parameters) {
    gradients.push_back(line(p, {p.before, p.gradient}));
    adam.push_back(line(p, {p.m, p.v, p.m / 0.1, p.v / 0.001, p.after - p.before, p.after}));
  }
  const Markup pass =
      element("p", Markup("The parameters θ of the network, a row a unit:")) + weights_formulas("") +
      text_table({{"tensor", "numbers"},
                  {"s", worked_list(kWorkedState)},
                  {"hidden, before the ReLU: W₁ s + b₁", worked_list(step.tensors.at("a1"))},
                  {"hidden h, after it", worked_list(step.tensors.at("a2"))},
                  {"Q(s, ·; θ) = W₂ h + b₂", worked_list(q)}}) +
      element("p",
              Markup("The target network's parameters θ⁻. They were copied from θ a moment ago, so they are "
                     "the same numbers; the step below changes θ alone.")) +
      weights_formulas("⁻") +
      text_table({{"tensor", "numbers"},
                  {"s′", worked_list(kWorkedNext)},
                  {"hidden, before the ReLU: W₁⁻ s′ + b₁⁻", worked_list(step.tensors.at("next.a1"))},
                  {"hidden h′, after it", worked_list(step.tensors.at("next.a2"))},
                  {"Q(s′, ·; θ⁻) = W₂⁻ h′ + b₂⁻", worked_list(next)}});
  const Markup target =
      formula(mi("y") + mo("=") + mi("r") + mo("+") + mi("γ") + parenthesis("(") + mn(1) + mo("−") +
              as_mtext("terminated") + parenthesis(")") + as_mtext(" max Q(s′, ·; θ⁻)")) +
      formula(mi("y") + mo("=") + mn(step.transition.reward) + mo("+") + mn(step.transition.gamma) + mo("×") +
              mn(1 - step.transition.terminated) + mo("×") + mn(std::max(next[0], next[1])) + mo("=") +
              mn(y));
  const Markup error =
      formula(mi("δ") + mo("=") + mi("y") + mo("−") + as_mtext("Q(s, a; θ)") + mo("=") + mn(y) + mo("−") +
              mn(q[kWorkedAction]) + mo("=") + mn(step.td_error)) +
      formula(mi("L") + mo("=") + msup(mi("δ"), mn(2)) + mo("=") + mn(step.loss)) +
      formula(as_mtext("∂L/∂Q(s, a)") + mo("=") + mo("−") + mn(2) + mi("δ") + mo("=") +
              mn(-2 * step.td_error)) +
      element(
          "p",
          Markup("y is a constant: no gradient flows through θ⁻. The other action's Q has a gradient of 0."));
  return element("h3", Markup("One transition, step by step")) +
         element("div", {{"data-steps", ""}},
                 worked_part("forward", "Forward", pass) + worked_part("target", "Target", target) +
                     worked_part("error", "Error and loss", error) +
                     worked_part("gradient", "Gradient",
                                 text_table(gradients) +
                                     element("p", Markup("Zeros: the hidden unit that is off in s, and the "
                                                         "action that was not taken."))) +
                     worked_part("adam", "Adam",
                                 text_table(adam) +
                                     element("p", as_text(formatted(
                                                      "At the first step m̂ is the gradient and v̂ its square. "
                                                      "So every parameter with a gradient moves by %g.",
                                                      eta)))));
}

}  // namespace bellman
