// How much memory a run takes, known before it begins. A machine that runs out of memory kills a process
// without a message. A run would die late: its replay fills slowly, and its last evaluation plays the most.
#pragma once

#include <optional>
#include <string>

#include "core/base/memory.h"
#include "core/nn/network.h"
#include "core/ops/backend.h"
#include "envs/env.h"
#include "rl/config/train_config.h"

namespace bellman {

/// Bytes of host memory beyond what the program has without a run. The replay counts as full; memory of a
/// device with memory of its own is not counted. tests/rl/train/run_memory_test.cpp compares it with what runs
/// take.
struct RunMemory {
  Index replay = 0;           // observations, steps, priorities
  Index networks = 0;         // both, gradients, moments, the kept parameters, the model as it is written
  Index passes = 0;           // activations of a learn step, and of acting
  Index environments = 0;     // those of training, their statistics
  Index evaluation = 0;       // environments and observations of the episodes that are played at once
  Index records = 0;          // what Recorder measures a gradient step with, and a row's copies
  Index checkpoint = 0;       // a piece on its way to the disk
  Index checkpoint_copy = 0;  // optional: with it, training does not wait for the disk

  /// All but the copy, which a run can do without.
  Index total() const {
    return replay + networks + passes + environments + evaluation + records + checkpoint;
  }
  bool copy_fits(const std::optional<AvailableMemory>& available) const {
    return !available || total() + checkpoint_copy <= available->bytes;
  }
};

/// `device_replay`: the replay lies in the backend's memory (rl/replay/device_replay.h); `records`: a Recorder looks on.
/// Of `ranks` that train together it is the first one's, which has the most.
/// Throws: Error for sizes beyond what can be counted.
RunMemory run_memory(const TrainConfig& config, const EnvSpec& spec, const Network& network,
                     const Backend& backend, bool device_replay, bool records, int ranks = 1);

/// "about 120 MiB: replay 80, networks 30, ...": the largest part first, parts below 1 MiB left out.
std::string description(const RunMemory& memory);

/// Throws: Error, in a line with the largest part, the setting that it depends on, and the numbers, when
/// `available` is less than the run's total and `beside` (bytes that `what` takes).
void check_run_memory(const RunMemory& memory, const std::optional<AvailableMemory>& available,
                      Index beside = 0, const char* what = "");

/// The bytes that playing so many episodes at once takes.
Index evaluation_memory(const EnvSpec& spec, Index episodes);

}  // namespace bellman
