#include "apps/course/exact_values.h"

#include <algorithm>
#include <cmath>

namespace bellman {

ExactValues::ExactValues(const GridTask& task, double gamma, const std::atomic<bool>& stop)
    : task_(task),
      gamma_(gamma),
      actions_(static_cast<std::size_t>(task.mdp.num_actions())),
      best_(value_iteration(task.mdp, gamma, &stop)) {
  for (std::int32_t s = 0; s < task.mdp.num_states(); ++s)
    if (task.mdp.playable(s)) states_.push_back(s);
}

double ExactValues::distance(const std::vector<double>& a, const std::vector<double>& b,
                             const States& states) const {
  double sum = 0;
  for (const std::int32_t s : states)
    for (std::size_t i = first(s); i < first(s) + actions_; ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return std::sqrt(sum / static_cast<double>(states.size() * actions_));
}

double ExactValues::value_error(const std::vector<double>& q, std::int32_t s) const {
  return q[chosen(q, s)] - best_.v[static_cast<std::size_t>(s)];
}

double ExactValues::mean_value_error(const std::vector<double>& q, const States& states) const {
  double sum = 0;
  for (const std::int32_t s : states) sum += value_error(q, s);
  return sum / static_cast<double>(states.size());
}

double ExactValues::best_arrows(const std::vector<double>& q, const States& states) const {
  double right = 0;
  for (const std::int32_t s : states)
    right += best_.q[chosen(q, s)] >= best_.v[static_cast<std::size_t>(s)] - 1e-9;
  return right / static_cast<double>(states.size());
}

double ExactValues::greedy_value(const std::vector<double>& q) const {
  return start_value(task_.mdp, evaluate_policy(task_.mdp, greedy_policy(task_.mdp, q), gamma_).v);
}

std::size_t ExactValues::chosen(const std::vector<double>& q, std::int32_t s) const {
  const auto row = q.begin() + static_cast<std::ptrdiff_t>(first(s));
  return static_cast<std::size_t>(std::max_element(row, row + static_cast<std::ptrdiff_t>(actions_)) -
                                  q.begin());
}

}  // namespace bellman
