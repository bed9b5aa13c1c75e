#include "apps/explain/update_text.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <nlohmann/json.hpp>

#include "apps/base/json_text.h"
#include "apps/base/terminal.h"
#include "core/base/check.h"
#include "core/base/text.h"

namespace bellman {
namespace {

using Json = nlohmann::ordered_json;

std::string digits(double value) { return formatted("%.6g", value); }

Index row_size(const TracedTensor& tensor) {
  return std::accumulate(tensor.shape.begin() + 1, tensor.shape.end(), Index{1}, std::multiplies<>());
}

/// The numbers of one row: at most so many, and how many there are.
std::string row_text(const TracedTensor& tensor, Index row, Index most = 8) {
  const Index width = row_size(tensor);
  std::string text;
  for (Index i = 0; i < std::min(width, most); ++i)
    text += (i ? "  " : "") + digits(tensor.values[static_cast<std::size_t>(row * width + i)]);
  return width > most ? text + "  .. (" + std::to_string(width) + " numbers)" : text;
}

double rms(const TracedTensor* tensor) {
  if (!tensor) return std::nan("");
  double squares = 0;
  for (const double value : tensor->values) squares += value * value;
  return std::sqrt(squares / static_cast<double>(tensor->values.size()));
}

/// "(64,4)"
std::string shape_words(const TracedTensor& tensor) {
  std::string text = "(";
  for (std::size_t i = 0; i < tensor.shape.size(); ++i)
    text += (i ? "," : "") + std::to_string(tensor.shape[i]);
  return text + ")";
}

std::string heading(const UpdateTrace& trace) {
  const CapturedUpdate& u = trace.update;
  std::string text = "Gradient step " + std::to_string(u.number) + " of a run on " + u.config.env.id +
                     ", at environment step " + std::to_string(u.next.step.timestep) +
                     ".\n  learner: " + u.learner;
  if (is_runs_own(trace)) {
    text += "; every number below is the run's own, to the last bit.\n";
  } else {
    text += u.on_device ? ", on the device " + u.config.device + "\n" : "\n";
    text +=
        "  the run's own: draw, batch, weights; parameters and moments before the step\n"
        "  of the host's repeat, op by op: all that the step makes of them\n"
        "  parameters after the step: " +
        (trace.distance_from_run == 0 ? std::string("the same in both, to the last bit")
                                      : "at most " + digits(trace.distance_from_run) + " apart, " +
                                            digits(trace.roundings_from_run) + " roundings") +
        "\n";
  }
  if (trace.skipped)
    text += "  skipped: its loss or gradient is not finite (on_nan skip); the weights did not move\n";
  return text + "  batch: " + std::to_string(u.next.batch.size) + " of " + std::to_string(trace.replay_size) +
         " transitions, learning rate " + digits(u.next.step.learning_rate) + "\n";
}

std::string draw_text(const UpdateTrace& trace, const TracedDraw& draw) {
  std::string text = "\n1 The draw\n  replay slot " + std::to_string(draw.slot) + ", " +
                     std::to_string(draw.age) + " slots of its environment ago, drawn with probability " +
                     digits(draw.probability) + "\n";
  if (draw.descent.empty()) return text;
  text += "  sum-tree, total " + digits(trace.replay_mass) + ":\n";
  for (const TreeStep& step : draw.descent)
    text += "    mass " + digits(step.mass) + (step.goes_right ? " >= " : " < ") + digits(step.left) +
            (step.goes_right ? ": right\n" : ": left\n");
  return text;
}

std::string target_text(const UpdateTrace& trace, Index sample) {
  const auto n = static_cast<std::size_t>(sample);
  const double r = trace.tensor("reward").values[n], gamma = trace.tensor("discount").values[n];
  const bool ended = trace.tensor("terminated").values[n] != 0;
  const TracedTensor& next = trace.tensor("q.next.target");
  const TracedTensor* const chooser = trace.find("q.next.online");
  const Index actions = row_size(next);
  const TracedTensor& chosen_by = chooser ? *chooser : next;
  Index best = 0;
  for (Index a = 1; a < actions; ++a)
    if (chosen_by.at(sample, a) > chosen_by.at(sample, best)) best = a;
  std::string text = "\n3 The target\n  Q(s', .) of the " +
                     std::string(trace.update.config.target_network ? "target network" : "network itself") +
                     ": " + row_text(next, sample) + "\n";
  if (trace.update.target_age >= 0)
    text += "  the target network is " + std::to_string(trace.update.target_age) + " environment steps old\n";
  if (chooser)
    text += "  Q(s', .) of the online network, which chooses: " + row_text(*chooser, sample) + "\n";
  if (trace.find("q.now.target"))
    return text + "  y, by Munchausen DQN: " + digits(trace.tensor("y").values[n]) + "\n";
  text += "  y = r + gamma^k (1 - terminated) Q(s', " + std::to_string(best) + ")\n    = " + digits(r) +
          " + " + digits(gamma) + " * " + (ended ? "0" : "1") + " * " + digits(next.at(sample, best)) +
          " = " + digits(trace.tensor("y").values[n]) + "\n";
  return text;
}

std::string passes_text(const UpdateTrace& trace, Index sample, bool backward, std::size_t width) {
  Table table({"tensor", "shape", "of this transition"}, {Align::kLeft, Align::kLeft, Align::kLeft});
  const auto add = [&](const TracedTensor& tensor) {
    table.add({tensor.name, shape_words(tensor), row_text(tensor, sample)});
  };
  std::vector<const TracedTensor*> rows;
  for (const TracedTensor& tensor : trace.tensors) {
    const bool is_gradient =
        tensor.name.starts_with("da") || (tensor.name.starts_with("d") && tensor.name.size() > 1 &&
                                          std::isdigit(static_cast<unsigned char>(tensor.name[1])));
    const bool is_activation = (tensor.name.starts_with("a") && tensor.name.size() > 1 &&
                                std::isdigit(static_cast<unsigned char>(tensor.name[1]))) ||
                               std::isdigit(static_cast<unsigned char>(tensor.name[0]));
    if (backward ? is_gradient : is_activation) rows.push_back(&tensor);
  }
  // The gradient of what comes before the first parameters is not computed.
  if (backward && !rows.empty() && rows.front()->name == "da0") rows.erase(rows.begin());
  if (backward) std::reverse(rows.begin(), rows.end());
  for (const TracedTensor* row : rows) add(*row);
  return table.text(width);
}

std::string parameters_text(const UpdateTrace& trace, std::size_t width) {
  const std::vector<std::string> moments = [&] {
    std::vector<std::string> names;
    for (const TracedTensor& t : trace.tensors)
      if (const std::size_t at = t.name.find(".after.");
          at != std::string::npos && !t.name.starts_with("theta."))
        if (const std::string name = t.name.substr(0, at);
            std::find(names.begin(), names.end(), name) == names.end())
          names.push_back(name);
    return names;
  }();
  std::vector<std::string> headings = {"parameter",    "shape",    "rms",
                                       "rms gradient", "rms step", "worst |g - difference|"};
  for (const std::string& m : moments) headings.insert(headings.end() - 2, "rms " + m);
  std::vector<Align> alignment(headings.size(), Align::kRight);
  alignment[0] = alignment[1] = Align::kLeft;
  Table table(headings, alignment);
  for (const TracedTensor& theta : trace.tensors) {
    if (!theta.name.starts_with("theta.") || theta.name.starts_with("theta.after.")) continue;
    const std::string name = theta.name.substr(6);
    const TracedTensor& after = trace.tensor("theta.after." + name);
    const TracedTensor &gradient = trace.tensor("gradient." + name),
                       &difference = trace.tensor("difference." + name);
    double step = 0, worst = 0;
    for (std::size_t i = 0; i < theta.values.size(); ++i) {
      step += std::pow(after.values[i] - theta.values[i], 2);
      if (!std::isnan(difference.values[i]))
        worst = std::max(worst, std::abs(gradient.values[i] - difference.values[i]));
    }
    std::vector<std::string> row = {name, shape_words(theta), digits(rms(&theta)), digits(rms(&gradient))};
    for (const std::string& m : moments) row.push_back(digits(rms(trace.find(m + ".after." + name))));
    row.push_back(digits(std::sqrt(step / static_cast<double>(theta.values.size()))));
    row.push_back(digits(worst));
    table.add(row);
  }
  return table.text(width);
}

}  // namespace

std::string update_text(const UpdateTrace& trace, Index sample, std::size_t width) {
  const Index batch = trace.update.next.batch.size;
  if (sample < 0 || sample >= batch)
    fail("the batch of gradient step ", trace.update.number, " has ", batch,
         " transitions, numbered from 0; there is no ", sample);
  const auto n = static_cast<std::size_t>(sample);
  std::string text = heading(trace) + "\nTransition " + std::to_string(sample) + " of the batch:\n";
  text += draw_text(trace, trace.draws[n]);
  text += "  importance weight " + digits(trace.tensor("weight").values[n]) + "\n";
  text += "\n2 Forward: Q(s, .) by the online network\n" + passes_text(trace, sample, false, width);
  const auto action = static_cast<Index>(trace.tensor("action").values[n]);
  text += target_text(trace, sample);
  text += "\n4 The error\n  delta = y - Q(s, " + std::to_string(action) +
          ") = " + digits(trace.tensor("y").values[n]) + " - " +
          digits(trace.tensor("q.now").at(sample, action)) + " = " +
          digits(trace.tensor("td_error").values[n]) +
          "\n  loss of the whole batch: " + digits(trace.tensor("loss").values[0]) + "\n";
  text += "\n5 Backward: dL/d of the same numbers\n" + passes_text(trace, sample, true, width);
  text += "\n6 The step, over the whole batch (" + trace.optimizer +
          (trace.skipped ? ": skipped, no weight moved" : ", step " + std::to_string(trace.optimizer_step)) +
          ")\n  gradient norm " + digits(trace.gradient_norm) + ", multiplied by " +
          digits(trace.clip_factor) + "\n" + parameters_text(trace, width);
  if (!trace.draws[n].descent.empty())
    text += trace.skipped
                ? "\n7 The priority stays\n  " + digits(trace.draws[n].priority) + "\n"
                : "\n7 The new priority\n  |delta| + epsilon = " + digits(trace.draws[n].new_priority) +
                      ", before it " + digits(trace.draws[n].priority) + "\n";
  return wrapped(text, width);
}

std::string tensor_text(const TracedTensor& tensor) {
  const auto width = static_cast<std::size_t>(tensor.shape.size() > 1 ? tensor.shape.back() : 1);
  std::string text = tensor.name + " " + shape_words(tensor) + "\n";
  for (std::size_t i = 0; i < tensor.values.size(); ++i)
    text += number_text(static_cast<float>(tensor.values[i])) + ((i + 1) % width == 0 ? "\n" : " ");
  return text;
}

Json tensor_json(const TracedTensor& tensor) {
  Json values = Json::array();
  for (const double value : tensor.values) values.push_back(number_or_null(value));
  return {{"name", tensor.name}, {"shape", tensor.shape}, {"values", std::move(values)}};
}

Json update_json(const UpdateTrace& trace) {
  const CapturedUpdate& u = trace.update;
  Json json = {{"gradient_step", u.number},
               {"timestep", u.next.step.timestep},
               {"env_id", u.config.env.id},
               {"learner", u.learner},
               {"device", u.config.device},
               {"is_runs_own", is_runs_own(trace)},
               {"skipped", trace.skipped},
               {"distance_from_run", trace.distance_from_run},
               {"roundings_from_run", trace.roundings_from_run},
               {"learning_rate", shortest_double(u.next.step.learning_rate)},
               {"beta", u.next.step.beta},
               {"target_age", u.target_age},
               {"replay_size", trace.replay_size},
               {"gradient_norm", trace.gradient_norm},
               {"clip_factor", trace.clip_factor},
               {"optimizer", trace.optimizer},
               {"optimizer_step", trace.optimizer_step},
               {"layers", trace.layers}};
  for (const TracedDraw& draw : trace.draws) {
    Json entry = {{"slot", draw.slot}, {"age", draw.age}, {"probability", draw.probability}};
    if (!draw.descent.empty()) {
      entry["priority"] = draw.priority;
      entry["new_priority"] = draw.new_priority;
      for (const TreeStep& step : draw.descent)
        entry["descent"].push_back({{"mass", step.mass},
                                    {"left", step.left},
                                    {"right", step.right},
                                    {"goes_right", step.goes_right}});
    }
    json["draws"].push_back(std::move(entry));
  }
  for (const TracedTensor& tensor : trace.tensors) json["tensors"].push_back(tensor_json(tensor));
  return json;
}

}  // namespace bellman
