#include "apps/course/double_q.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

#include "core/base/rng.h"
#include "envs/grid/tabular_step.h"

namespace bellman {
namespace {

std::size_t argmax(std::span<const double> values) {
  return static_cast<std::size_t>(std::max_element(values.begin(), values.end()) - values.begin());
}

/// Q(S,A), and how often each entry was updated.
struct QTable {
  std::vector<double> q, updates;
  std::size_t actions;

  std::span<const double> row(std::int32_t s) const {
    return std::span(q).subspan(static_cast<std::size_t>(s) * actions, actions);
  }
  void move(std::int32_t s, std::size_t a, double target, double power) {
    const std::size_t pair = static_cast<std::size_t>(s) * actions + a;
    updates[pair] += 1;
    q[pair] += (target - q[pair]) / std::pow(updates[pair], power);
  }
};

}  // namespace

TabularRun learn_tabular(const TabularMdp& mdp, const TabularLearning& options) {
  constexpr Index kReports = 50;
  const auto actions = static_cast<std::size_t>(mdp.num_actions());
  const std::size_t pairs = static_cast<std::size_t>(mdp.num_states()) * actions;
  const QTable empty = {std::vector<double>(pairs), std::vector<double>(pairs), actions};
  std::array<QTable, 2> tables = {empty, empty};
  std::vector<double> visits(static_cast<std::size_t>(mdp.num_states())), mean_q(actions);
  // What the learner thinks of s: its table, or the mean of both.
  const auto values = [&](std::int32_t s) -> std::span<const double> {
    if (!options.two_tables) return tables[0].row(s);
    for (std::size_t a = 0; a < actions; ++a) mean_q[a] = (tables[0].row(s)[a] + tables[1].row(s)[a]) / 2;
    return mean_q;
  };

  RandomSequence random({options.seed, Purpose::kEnvironment, 0});
  TabularRun run;
  const std::int32_t start = mdp.starts().front().state;
  std::int32_t s = start;
  for (Index step = 1; step <= options.steps; ++step) {
    visits[static_cast<std::size_t>(s)] += 1;
    const bool explores = random.uniform(0, 1) < 1 / std::sqrt(visits[static_cast<std::size_t>(s)]);
    const std::size_t a =
        explores ? uniform_index(random.word(), static_cast<std::uint32_t>(actions)) : argmax(values(s));
    const Outcome& outcome = tabular_step(mdp.table(), s, static_cast<std::int32_t>(a), random.uniform(0, 1));
    const std::size_t chooser = options.two_tables ? random.word() & 1U : 0;
    const std::size_t valuer = options.two_tables ? 1 - chooser : 0;
    const double next = tables[valuer].row(outcome.next)[argmax(tables[chooser].row(outcome.next))];
    tables[chooser].move(s, a, outcome.reward + (outcome.terminated ? 0 : options.gamma * next),
                         options.power);
    s = outcome.terminated ? start : outcome.next;
    if (step * kReports / options.steps == (step - 1) * kReports / options.steps) continue;
    const std::span<const double> worth = values(start);
    run.steps.push_back(static_cast<double>(step));
    run.start_values.push_back(*std::max_element(worth.begin(), worth.end()));
  }
  for (std::int32_t state = 0; state < mdp.num_states(); ++state) {
    const std::span<const double> row = values(state);
    run.q.insert(run.q.end(), row.begin(), row.end());
  }
  return run;
}

}  // namespace bellman
