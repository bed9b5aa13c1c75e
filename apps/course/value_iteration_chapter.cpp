// Chapter 2: Bellman's equation, solved by sweeps, and how fast the sweeps converge.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <utility>
#include <vector>

#include "apps/course/course.h"
#include "apps/course/course_maps.h"
#include "apps/page/chart.h"
#include "apps/page/math.h"
#include "apps/page/page.h"
#include "apps/scene/value_map.h"
#include "core/base/text.h"
#include "envs/grid/value_iteration.h"

namespace bellman {
namespace {

/// Q after some sweeps of Q(s,a) <- sum_i p_i (r_i + gamma (1 - terminated_i) max_a' Q(s_i,a')).
class SweptValues {
 public:
  SweptValues(const TabularMdp& mdp, double gamma, double start)
      : mdp_(mdp), gamma_(gamma), v_(static_cast<std::size_t>(mdp.num_states()), 0.0) {
    for (std::int32_t s = 0; s < mdp.num_states(); ++s)
      if (mdp.playable(s)) v_[static_cast<std::size_t>(s)] = start;
    for (const double v : v_) q_.insert(q_.end(), static_cast<std::size_t>(mdp.num_actions()), v);
  }

  /// Updates every state once. `in_place`: a state sees the new values of those before it, in an order that alternates.
  /// Returns the largest change of a Q-value.
  double sweep(bool in_place) {
    const std::vector<double> before = v_;
    const bool rising = sweeps_++ % 2 == 0;
    double change = 0;
    for (std::int32_t i = 0; i < mdp_.num_states(); ++i) {
      const std::int32_t s = rising ? i : mdp_.num_states() - 1 - i;
      if (!mdp_.playable(s)) continue;
      double* const row = q_.data() + static_cast<std::ptrdiff_t>(s) * mdp_.num_actions();
      for (std::int32_t a = 0; a < mdp_.num_actions(); ++a) {
        const double updated = action_value(mdp_, in_place ? v_ : before, gamma_, s, a);
        change = std::max(change, std::abs(updated - row[a]));
        row[a] = updated;
      }
      v_[static_cast<std::size_t>(s)] = *std::max_element(row, row + mdp_.num_actions());
    }
    return change;
  }

  const std::vector<double>& q() const { return q_; }

 private:
  const TabularMdp& mdp_;
  double gamma_;
  Index sweeps_ = 0;
  std::vector<double> v_, q_;
};

/// What is known after k sweeps.
struct SweepRow {
  double error = 0;    // max |Q - Q*|
  double change = 0;   // of the last sweep, the largest; NaN before the first
  Index not_best = 0;  // states whose first best action by Q is none by Q*
  double least_lack = std::numeric_limits<double>::infinity(),
         most_lack = -least_lack;  // of max_a Q* - max_a Q
};

struct SweepHistory {
  std::vector<SweepRow> rows;  // from k = 0
  std::vector<ValueMoment> moments;
  /// The first k from which on every state's action is a best one.
  std::size_t policy_sweeps() const {
    std::size_t k = rows.size();
    while (k > 0 && rows[k - 1].not_best == 0) --k;
    return k;
  }
  double largest_ratio() const {
    double largest = 0;
    for (std::size_t k = 1; k < rows.size(); ++k)
      largest = std::max(largest, rows[k].error / rows[k - 1].error);
    return largest;
  }
};

SweepRow compared(const TabularMdp& mdp, const std::vector<double>& q, const TabularValues& best,
                  double change) {
  SweepRow row;
  row.change = change;
  for (std::size_t i = 0; i < q.size(); ++i) row.error = std::max(row.error, std::abs(q[i] - best.q[i]));
  const Policy policy = greedy_policy(mdp, q);
  for (std::int32_t s = 0; s < mdp.num_states(); ++s) {
    if (!mdp.playable(s)) continue;
    const auto state = static_cast<std::size_t>(s);
    const std::size_t chosen =
        state * static_cast<std::size_t>(mdp.num_actions()) + static_cast<std::size_t>(policy[state]);
    if (best.q[chosen] < best.v[state] - 1e-9 * std::max(1.0, std::abs(best.v[state]))) ++row.not_best;
    row.least_lack = std::min(row.least_lack, best.v[state] - q[chosen]);
    row.most_lack = std::max(row.most_lack, best.v[state] - q[chosen]);
  }
  return row;
}

struct IterationPlan {
  double gamma = 0, start = 0, tolerance = 0;
  bool in_place = false, with_moments = false;
};

/// Sweeps until the error is within the tolerance.
SweepHistory swept_until(const TabularMdp& mdp, const IterationPlan& plan, const std::atomic<bool>& stop) {
  constexpr std::size_t kMostSweeps = 200'000, kEach = 50;
  const TabularValues best = value_iteration(mdp, plan.gamma, &stop);
  SweptValues values(mdp, plan.gamma, plan.start);
  SweepHistory history;
  history.rows.push_back(compared(mdp, values.q(), best, std::nan("")));
  std::size_t next_moment = 0;
  for (std::size_t k = 0;; ++k) {
    const SweepRow& row = history.rows.back();
    const bool last = row.error <= plan.tolerance || k == kMostSweeps || stop;
    if (plan.with_moments && (k == next_moment || last)) {
      history.moments.push_back(
          {formatted("after %zu sweeps: largest error %.3g, %d states without a best arrow", k, row.error,
                     static_cast<int>(row.not_best)),
           values.q()});
      next_moment = k < kEach ? k + 1 : k + k / 8;
    }
    if (last) break;
    const double change = values.sweep(plan.in_place);
    history.rows.push_back(compared(mdp, values.q(), best, change));
  }
  return history;
}

/// The sweeps that shrinking by gamma each time takes at most.
double promised_sweeps(double first_error, const IterationPlan& plan) {
  if (first_error <= plan.tolerance) return 0;
  return plan.gamma == 0 ? 1
                         : std::ceil(std::log(plan.tolerance / first_error) / std::log(plan.gamma) - 1e-9);
}

Markup error_chart(const SweepHistory& history, double gamma) {
  const std::size_t count = history.rows.size(), stride = count / 300 + 1, policy = history.policy_sweeps();
  Series error = {"largest error", {}}, change = {"largest change in a sweep", {}},
         right = {"from here on every arrow is a best one", {}};
  const auto add = [](Series& series, std::size_t k, double y) {
    series.points.push_back({static_cast<double>(k), y, y, y});
  };
  for (std::size_t k = 0; k < count; ++k)
    if (k % stride == 0 || k + 1 == count) {
      add(error, k, history.rows[k].error);
      add(change, k, history.rows[k].change);
    }
  if (policy < count) add(right, policy, history.rows[policy].error);
  return line_chart(
      {"How far the values are from Q*",
       formatted("On this axis a straight line shrinks by the same factor each sweep. No sweep "
                 "leaves more than gamma = %g of the error. The dot: from there on the policy is "
                 "a best one.",
                 gamma),
       "sweeps", "max |Q − Q*|"},
      {error, change, right}, Scale::kLinear, Scale::kLog10);
}

Markup sweep_table(const SweepHistory& history) {
  std::vector<std::vector<std::string>> rows = {
      {"sweeps", "largest error", "of the error before", "largest change", "states without a best arrow"}};
  for (std::size_t k = 0; k < history.rows.size(); k = k < 10 ? k + 1 : k + k / 2) {
    const SweepRow& row = history.rows[k];
    rows.push_back({std::to_string(k), formatted("%.4g", row.error),
                    k > 0 ? formatted("%.4f", row.error / history.rows[k - 1].error) : "–",
                    k > 0 ? formatted("%.4g", row.change) : "–", std::to_string(row.not_best)});
  }
  return element("h3", Markup("Sweep by sweep")) +
         formula(mrow(mi("Q") + parenthesis("(") + mi("s") + mo(",") + mi("a") + parenthesis(")")) + mo("←") +
                 msum(mi("i")) + msub(mi("p"), mi("i")) + parenthesis("(") + msub(mi("r"), mi("i")) +
                 mo("+") + mi("γ") + element("munder", mi("max") + mrow(mi("a′"))) + mi("Q") +
                 parenthesis("(") + msub(mi("s"), mi("i")) + mo(",") + mi("a′") + parenthesis(")") +
                 parenthesis(")")) +
         text_table(rows);
}

/// How many sweeps other discounts need.
Markup horizon_chart(const TabularMdp& mdp, IterationPlan plan, const std::atomic<bool>& stop) {
  Series values = {"until the values are within the tolerance", {}},
         policy = {"until every arrow is a best one", {}};
  plan.with_moments = false;
  for (const double gamma : {0.5, 0.7, 0.8, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995}) {
    if (stop) break;
    plan.gamma = gamma;
    const SweepHistory history = swept_until(mdp, plan, stop);
    const double horizon = 1 / (1 - gamma), sweeps = static_cast<double>(history.rows.size() - 1),
                 right = static_cast<double>(history.policy_sweeps());
    values.points.push_back({horizon, sweeps, sweeps, sweeps});
    policy.points.push_back({horizon, right, right, right});
  }
  return line_chart(
      {"How many sweeps other discounts need",
       "The further the agent looks ahead, the more sweeps the values need; the policy needs far fewer.",
       "steps that gamma looks ahead, 1 / (1 − gamma)", "sweeps"},
      {values, policy}, Scale::kLog10, Scale::kLog10);
}

Experiment run_value_iteration(const CourseSettings& settings, const std::atomic<bool>& stop) {
  const IterationPlan plan = {settings["gamma"], settings["start"], settings["tolerance"],
                              settings["in_place"] != 0, true};
  const GridTask task = bush_task(settings["bush"], settings["slip"]);
  const SweepHistory history = swept_until(task.mdp, plan, stop);

  Experiment experiment;
  experiment.add("sweeps", static_cast<double>(history.rows.size() - 1),
                 formatted("until no Q-value is off by more than %g", plan.tolerance));
  experiment.add("promised", promised_sweeps(history.rows.front().error, plan),
                 "the most that it can take, if each sweep shrinks the error by gamma");
  experiment.add("largest_ratio", history.largest_ratio(),
                 "the largest error after a sweep over the one before it, at worst");
  experiment.add("last_change", history.rows.back().change, "the largest change in the last sweep");
  const std::size_t policy_sweeps = history.policy_sweeps();
  experiment.add("policy_sweeps", static_cast<double>(policy_sweeps),
                 "from here on every state's arrow is a best one");
  if (policy_sweeps < history.rows.size()) {
    const SweepRow& then = history.rows[policy_sweeps];
    experiment.add("lacking_then", std::vector<double>{then.least_lack, then.most_lack},
                   "what the states' values lack at that sweep, the least and the most");
  }
  experiment.figures =
      error_chart(history, plan.gamma) +
      value_player(
          "sweeps-player", task, history.moments, "The values, sweep by sweep",
          "The bush is in the upper left corner, the goal G gives +1. Values spread from both by one step a "
          "sweep. Watch when the arrows near the goal turn round.") +
      sweep_table(history) + horizon_chart(task.mdp, plan, stop);
  return experiment;
}

constexpr CourseSetting kValueIterationSettings[] = {
    {"gamma", 0.99, 0, 0.999, "what a reward one step later is worth"},
    {"bush", 0.05, 0, 1, "the reward of each step into the bush, or beside it against the wall"},
    {"slip", 0, 0, 1, "probability of stepping to a side"},
    {"tolerance", 1e-6, 1e-9, 1, "the largest error at which the sweeps end"},
    {"start", 0, -1e6, 1e6, "what every Q-value is before the first sweep"},
    {"in_place", 0, 0, 1, "1: a state sees the new values of those before it", true},
};

}  // namespace

const Chapter& value_iteration_chapter() {
  static const Chapter chapter = {
      2, "Bellman's equation and value iteration",
      "Each sweep takes every value once more from its neighbours. How many sweeps until "
      "no value is off by more than a millionth, for gamma = 0.9 and for gamma = 0.99? And "
      "after how many is the policy already the best one?",
      kValueIterationSettings, run_value_iteration};
  return chapter;
}

}  // namespace bellman
