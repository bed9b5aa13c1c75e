// A bug and the sound version, trained side by side, and what the instruments say of each.
#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <vector>

#include "apps/lab/lab_bugs.h"
#include "rl/log/metric_sink.h"

namespace bellman {

/// One run's curves and what came of it.
struct LabRun {
  struct Row {
    Index timestep;
    double eval_return, loss, mean_q;  // NaN where there is none
  };
  std::vector<Row> rows;
  double final_return = 0;
  std::optional<double> worst_q_error;  // max |Q - Q*| over all cells and actions; of a gridworld
};

/// What an instrument says of the sound version and of the faulty one.
struct Instrument {
  std::string name, reads;  // what it compares
  std::string sound, faulty;
  bool notices = false;
};

struct LabExperiment {
  TrainConfig config;
  std::vector<LabRun> sound, faulty;  // a run a seed
  std::vector<Instrument> instruments;
};

/// Ends early when *stop becomes true, with the runs so far. Throws: Error as Trainer.
LabExperiment run_experiment(const LabBug& bug, Index seeds, const std::atomic<bool>& stop);

/// The experiment as a page.
std::string lab_page(const LabBug& bug, const LabExperiment& experiment);

}  // namespace bellman
