// A part of a run, trained again to the same bits.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string_view>

#include "apps/run/resume.h"
#include "apps/run/run_directory.h"

namespace bellman {

/// Where the logs of what is trained again go, and lines about them, which begin with `label`: "bellman fork".
struct RetrainedLogs {
  const RunDirectory& directory;
  std::string_view label;
  std::ostream& notes;
  bool records = true;  // with a diagnostics.csv
};

/// The checkpoint of the run of `goal` after `until` environment steps, trained again from the beginning (nothing), or
/// from `start`, an earlier checkpoint of the run. Each of the run's settings (--override) is used for the steps to
/// which it applied; at `until` itself a change has taken place. With `logs` they are written, behind
/// what it already has of `start`; without it the checkpoint has none. Nothing: *stop became true before that. Throws:
/// Error for a run that ends earlier, and where no round of environments ends at that step. REQUIRES: start <= until <=
/// goal.
std::optional<Checkpoint> train_again(const ResumePoint& goal, std::int64_t until,
                                      std::optional<ResumePoint> start, const RetrainedLogs* logs = nullptr,
                                      const std::atomic<bool>* stop = nullptr);

/// The checkpoint, or for one within a round the same at the end of the round: training again stops only between
/// rounds.
Checkpoint at_end_of_round(const ResumePoint& point);

}  // namespace bellman
