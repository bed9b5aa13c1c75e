// What a run spends its time on.
#pragma once

#include <array>
#include <string_view>

namespace bellman {

enum class Phase {
  kActing,
  kEnvironments,
  kSampling,
  kLearning,
  kEvaluation,
  kCheckpoints,
  kRecords,
  kOther
};
inline constexpr std::array<std::string_view, 8> kPhaseNames = {
    "acting", "environments", "sampling", "learning", "evaluation", "checkpoints", "records", "other"};
inline constexpr std::array<std::string_view, kPhaseNames.size()> kPhaseMeanings = {
    "Q-values and the choice of actions",
    "steps of the environments, and storing what came of them",
    "drawing batches from the replay, and their new priorities",
    "gradient steps",
    "the episodes that are played in between",
    "what training waits for of a checkpoint",
    "rows of the logs, and what is measured for them",
    "target network, progress bar, and what the program does besides",
};
/// Seconds of each, in their order.
using PhaseSeconds = std::array<double, kPhaseNames.size()>;

}  // namespace bellman
