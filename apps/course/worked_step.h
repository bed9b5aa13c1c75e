// One learn step on one transition, through a network so small that every number fits on a page.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "apps/page/markup.h"

namespace bellman {

/// Action 1 in s = (1, 2) led to s' = (-1, 0).
struct WorkedTransition {
  float reward = 1, gamma = 0.9F, terminated = 0, learning_rate = 0.01F;
};

struct WorkedStep {
  /// A parameter on its way through the step.
  struct Parameter {
    std::string name;
    double before, gradient, m, v, after;
  };
  WorkedTransition transition;
  std::map<std::string, std::vector<double>>
      tensors;  // as DqnUpdate's watcher names them; "next.a1", ".a2" by theta- in s'
  double td_error = 0, loss = 0;
  double q_after = 0;  // Q(s, a), once the step is made
  std::vector<Parameter> parameters;

  double gradient_norm() const;
};

/// By the mean squared error and Adam's first step, as the library makes it.
WorkedStep worked_step(const WorkedTransition& transition);

/// Its parts one after the other.
Markup worked_step_walk(const WorkedStep& step);

}  // namespace bellman
