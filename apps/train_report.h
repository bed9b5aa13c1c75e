// What a finished run says: the closing summary for people, one JSON object for programs.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "envs/env.h"
#include "rl/train_config.h"
#include "rl/trainer.h"

namespace bellman {

/// What a gridworld's greedy policy is worth, exactly, beside the best there is.
struct PolicyWorth {
  // From the start state, discounted by gamma: what Q-learning maximises.
  double value = 0, optimal_value = 0;
  // Expected return of an episode, undiscounted, within the time limit: what an evaluation estimates.
  double expected_return = 0, optimal_return = 0;
};

struct TrainReport {
  TrainConfig config;
  EnvSpec spec;
  TrainResult result;
  std::optional<PolicyWorth> worth;  // gridworlds
  std::filesystem::path directory;   // where the files are
};

std::string summary_text(const TrainReport& report);

/// One object on one line, with a line end. What does not exist is null.
std::string report_json(const TrainReport& report);

}  // namespace bellman
