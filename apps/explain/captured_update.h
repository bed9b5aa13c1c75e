// One gradient step of a run, as the run made it: trained again up to there, to the same bits.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "core/io/safetensors.h"
#include "rl/config/train_config.h"
#include "rl/train/next_step.h"

namespace bellman {

struct CapturedUpdate {
  TrainConfig config;
  EnvSpec env;
  std::string learner;     // what made it, in words: "fused, with AVX-512"
  bool on_device = false;  // made in a device's memory, and not in the host's
  Index number = 0;        // of the gradient step, from 1
  NextStep next;           // the step and its batch; observations as the network takes them
  /// Environment steps since the target network was last brought up to date; -1: no such network.
  Index target_age = 0;

  TensorFile before;  // the whole run's state: the batch is drawn, and nothing is learnt from it yet
  TensorFile after;   // networks and optimiser, as Learner::save
};

/// Trains with these settings, on their device, until gradient step `number` has been made: from the beginning (null), or
/// from the state `start`, which `source` names in messages. Draws, batch and both states are what the device had. Throws:
/// Error as Trainer does; when the device is not there; and when the run never makes that step, or `start` has it behind
/// it.
CapturedUpdate capture_update(const TrainConfig& config, const TensorFile* start, const std::string& source,
                              Index number);

/// Gradient step `number` of the run in `directory` (none: the last that its newest checkpoint has), trained again from
/// the newest checkpoint before it, or from the beginning; damaged ones are skipped. Lines to `notes` say from where, and
/// name the damaged ones after `label`: "bellman show". Before it trains, `check` gets the run's settings. Throws: as
/// `check` does; Error, naming the directory, when there is no checkpoint
/// or no such step, and as capture_update.
CapturedUpdate capture_update_of_run(const std::filesystem::path& directory, std::optional<Index> number,
                                     std::string_view label, std::ostream& notes,
                                     const std::function<void(const TrainConfig&)>& check = {});

}  // namespace bellman
