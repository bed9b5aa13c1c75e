#include <algorithm>
#include <cmath>
#include <variant>

#include "apps/explain/shown_numbers.h"
#include "apps/explain/update_page.h"
#include "apps/page/math.h"
#include "apps/page/page.h"
#include "core/nn/optimizer.h"
#include "rl/train/from_config.h"

namespace bellman {
namespace {

Markup msubsup_power(int which) { return msup(msub(mi("β"), mn(which)), mi("t")); }

/// The elements of the largest gradients: each quantity of the step a column.
Markup parameter_table(const UpdateTrace& trace, const std::string& name, const AdamOptions* adam) {
  const TracedTensor &theta = trace.tensor("theta." + name), &after = trace.tensor("theta.after." + name),
                     &g = trace.tensor("clipped." + name);
  std::vector<std::string> moments;
  for (const char* moment : {"m", "v", "square", "mean", "velocity"})
    if (trace.find(std::string(moment) + "." + name)) moments.emplace_back(moment);
  std::vector<std::string> head = {name, "θ", "g"};
  for (const std::string& m : moments) head.insert(head.end(), {m, m + " after"});
  if (adam) head.insert(head.end(), {"m̂", "v̂"});
  head.insert(head.end(), {"Δθ", "θ after"});
  const TracedTensor* const run = is_runs_own(trace) ? nullptr : &trace.tensor("run.theta." + name);
  if (run) head.push_back(trace.update.on_device ? "θ after, on the device" : "θ after, in the run");
  std::vector<std::vector<std::string>> rows = {head};
  const auto t = static_cast<double>(trace.optimizer_step);
  for (const Index i : largest_indices(g.values, 4)) {
    const auto k = static_cast<std::size_t>(i);
    std::vector<std::string> cells = {"element " + std::to_string(i), six_digits_of(theta.values[k]),
                                      six_digits_of(g.values[k])};
    for (const std::string& m : moments)
      cells.insert(cells.end(), {six_digits_of(trace.tensor(m + "." + name).values[k]),
                                 six_digits_of(trace.tensor(m + ".after." + name).values[k])});
    if (adam)
      cells.insert(
          cells.end(),
          {six_digits_of(trace.tensor("m.after." + name).values[k] / (1 - std::pow(adam->beta1, t))),
           six_digits_of(trace.tensor("v.after." + name).values[k] / (1 - std::pow(adam->beta2, t)))});
    cells.insert(cells.end(),
                 {six_digits_of(after.values[k] - theta.values[k]), six_digits_of(after.values[k])});
    if (run) cells.push_back(six_digits_of(run->values[k]));
    rows.push_back(cells);
  }
  return text_table(rows);
}

/// Nothing where there is none.
Markup weight_decay(const UpdateTrace& trace, bool decoupled) {
  const double decay = trace.update.config.weight_decay;
  if (decay == 0) return {};
  if (decoupled)
    return paragraph(
        "Weight decay shrinks each parameter besides, by lr λ θ with λ = " + six_digits_of(decay) + ".");
  return paragraph("Weight decay adds λ θ to each gradient, with λ = " + six_digits_of(decay) +
                   "; the table shows g without it.");
}

}  // namespace

Markup optimizer_step(const UpdateTrace& trace) {
  const OptimizerOptions options = optimizer_options(trace.update.config);
  if (trace.skipped)
    return walk_step("optimizer", "8 · No step",
                     paragraph("The step was skipped (on_nan is skip): its loss or gradient is not finite. "
                               "Parameters and moments did not move, and the optimiser's last step is " +
                               std::to_string(trace.optimizer_step) + "."));
  Markup text = paragraph("Optimiser: " + trace.optimizer + ", its step " +
                          std::to_string(trace.optimizer_step) + ", learning rate " +
                          six_digits_of(static_cast<double>(trace.update.next.step.learning_rate)) + ".");
  const AdamOptions* const adam = std::get_if<AdamOptions>(&options);
  if (adam)
    text += formula(mi("m") + mo("←") + msub(mi("β"), mn(1)) + mi("m") + mo("+") + mo("(") + mn(1) + mo("−") +
                    msub(mi("β"), mn(1)) + mo(")") + mi("g") + mo(",") + mi("v") + mo("←") +
                    msub(mi("β"), mn(2)) + mi("v") + mo("+") + mo("(") + mn(1) + mo("−") +
                    msub(mi("β"), mn(2)) + mo(")") + msup(mi("g"), mn(2))) +
            formula(mi("Δw") + mo("=") + mo("−") + mi("lr") + mo("·") +
                    mfrac(mi("m̂"), msqrt(mi("v̂")) + mo("+") + mi("ε")) + mo(",") + mi("m̂") + mo("=") +
                    mfrac(mi("m"), mn(1) + mo("−") + msubsup_power(1)) + mo(",") + mi("v̂") + mo("=") +
                    mfrac(mi("v"), mn(1) + mo("−") + msubsup_power(2)));
  text += weight_decay(trace, adam && adam->decoupled);
  for (const TracedTensor& theta : trace.tensors)
    if (theta.name.starts_with("theta.") && !theta.name.starts_with("theta.after."))
      text += parameter_table(trace, theta.name.substr(6), adam);
  return walk_step("optimizer", "8 · The optimiser's step", text);
}

Markup q_change_step(const UpdateTrace& trace, const QChange& change) {
  if (trace.skipped)
    return walk_step("why", "11 · Why did Q(s, a) change?",
                     paragraph("It did not: the step was skipped. Q(s, " +
                               trace.update.env.action_names[static_cast<std::size_t>(change.action)] +
                               ") was and is " + six_digits_of(change.before) + ".") +
                         shown_row("s", "why_s", change.observation, {}));
  std::vector<Index> order = largest_indices(change.of_transition, 8);
  std::stable_sort(order.begin(), order.end(), [&](Index i, Index j) {
    return std::abs(change.of_transition[static_cast<std::size_t>(i)]) >
           std::abs(change.of_transition[static_cast<std::size_t>(j)]);
  });
  std::vector<std::vector<std::string>> rows = {
      {"transition", "slot", "action", "its error δ", "its part of the change"}};
  double others = 0;
  for (const double part : change.of_transition) others += part;
  for (const Index n : order) {
    const auto k = static_cast<std::size_t>(n);
    others -= change.of_transition[k];
    rows.push_back(
        {std::to_string(n), std::to_string(trace.update.next.batch.arrays.slots[k]),
         trace.update.env.action_names[static_cast<std::size_t>(trace.update.next.batch.arrays.actions[k])],
         six_digits_of(trace.tensor("td_error").values[k]), six_digits_of(change.of_transition[k])});
  }
  if (change.of_transition.size() > order.size())
    rows.push_back({"the other " + std::to_string(change.of_transition.size() - order.size()), "", "", "",
                    six_digits_of(others)});
  if (trace.update.config.weight_decay > 0)
    rows.push_back({"weight decay", "", "", "", six_digits_of(change.of_decay)});
  rows.push_back({"what the optimiser remembered", "", "", "", six_digits_of(change.of_memory)});
  rows.push_back({"residual", "", "", "", six_digits_of(change.residual)});
  rows.push_back({"together", "", "", "", six_digits_of(change.after - change.before)});
  return walk_step(
      "why", "11 · Why did Q(s, a) change?",
      paragraph("Q(s, " + trace.update.env.action_names[static_cast<std::size_t>(change.action)] +
                ") went from " + six_digits_of(change.before) + " to " + six_digits_of(change.after) +
                ". Every transition of the batch pulled at the same weights, each with its own gradient, "
                "and each has a part in it.") +
          shown_row("s", "why_s", change.observation, {}) + text_table(rows) +
          folded(
              "How it is split",
              paragraph("The step is a sum: each transition's gradient times the optimiser's scale, weight "
                        "decay where there is one, and what the optimiser remembered of earlier steps. Along "
                        "the straight way from "
                        "the old weights to the new ones, Q changes by its mean gradient times the way, "
                        "so every part of the way has a share. The mean is taken at 64 points in double "
                        "precision; the residual is what that leaves out.")));
}

}  // namespace bellman
