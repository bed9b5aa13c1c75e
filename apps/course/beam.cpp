#include "apps/course/beam.h"

#include <cmath>
#include <string>

namespace bellman {
namespace {

/// Adds the outcomes of a step to cell x.
void add_beam_step(TabularMdp& mdp, const BeamRules& rules, std::int32_t s, std::int32_t a, std::int32_t x,
                   double probability) {
  const bool falls = x == 0 || x == rules.cells + 1;
  const double reward = falls ? rules.fall_reward : rules.step_reward;
  const double ends = falls ? 1 - rules.bootstrapped : rules.cut;
  if (probability * ends > 0) mdp.add(s, a, {probability * ends, reward, x, true});
  if (probability * (1 - ends) > 0) mdp.add(s, a, {probability * (1 - ends), reward, falls ? s : x, false});
}

}  // namespace

GridTask beam_task(const BeamRules& rules) {
  GridTask task;
  task.name = "Beam";
  task.rows = 1;
  task.cols = rules.cells + 2;
  task.cells.assign(static_cast<std::size_t>(task.cols), Cell::kFloor);
  task.cells.front() = task.cells.back() = Cell::kPit;
  task.symbols = "H" + std::string(static_cast<std::size_t>(rules.cells), '.') + "H";
  task.directions = {Direction::kLeft, Direction::kRight};
  task.reward_threshold = std::nan("");
  task.mdp = TabularMdp(task.cols, 2);
  for (std::int32_t s = 0; s < task.cols; ++s)
    for (std::int32_t a = 0; a < 2; ++a) {
      if (s == 0 || s == rules.cells + 1) {
        task.mdp.add(s, a, {1, 0, s, true});
        continue;
      }
      const std::int32_t step = a == 0 ? -1 : 1;
      add_beam_step(task.mdp, rules, s, a, s + step, 1 - rules.wind);
      add_beam_step(task.mdp, rules, s, a, s - step, rules.wind);
    }
  task.mdp.exclude(0);
  task.mdp.exclude(rules.cells + 1);
  task.mdp.add_start((rules.cells + 1) / 2, 1);
  task.mdp.finish();
  return task;
}

}  // namespace bellman
