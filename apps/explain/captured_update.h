// One gradient step of a run, as the run made it: trained again up to there, to the same bits.
#pragma once

#include <filesystem>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "core/io/safetensors.h"
#include "rl/config/train_config.h"
#include "rl/learn/learner.h"
#include "rl/replay/replay.h"

namespace bellman {

struct CapturedUpdate {
  TrainConfig config;
  EnvSpec env;
  std::string learner;  // what made it, in words: "fused, with AVX-512"
  Index number = 0;     // of the gradient step, from 1
  Index timestep = 0;   // environment steps made
  float learning_rate = 0;
  double beta = 1;  // exponent of the importance weights
  Index target_age =
      0;  // environment steps since the target network was last brought up to date; -1: no such network

  Index batch_size = 0;
  BatchArrays batch{1};
  std::vector<float> observations, next_observations;  // (B,I), as the network takes them

  TensorFile before;  // the whole run's state: the batch is drawn, and nothing is learnt from it yet
  TensorFile after;   // the learner's
  LearnStats stats;   // of the step
  std::vector<float> td_errors;  // (B)
};

/// Trains with these settings on the CPU until gradient step `number` has been made: from the beginning (null), or from
/// the state `start`, which `source` names in messages. Throws: Error as Trainer does; for a device that is not in host
/// memory; and when the run never makes that step, or `start` has it behind it.
CapturedUpdate capture_update(const TrainConfig& config, const TensorFile* start, const std::string& source,
                              Index number);

/// Gradient step `number` of the run in `directory` (none: the last that its newest checkpoint has), trained again from
/// the newest checkpoint before it, or from the beginning; damaged ones are skipped. Lines to `notes` say from where, and
/// name the damaged ones after `label`: "bellman show". Throws: Error, naming the directory, when there is no checkpoint
/// or no such step, and as capture_update.
CapturedUpdate capture_update_of_run(const std::filesystem::path& directory, std::optional<Index> number,
                                     std::string_view label, std::ostream& notes);

}  // namespace bellman
