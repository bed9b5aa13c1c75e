// checkpoint-<timestep>.safetensors: the whole state of a run, with hashes.
//
// The tensors are those of Trainer::save; of the replay they hold the slots that were written, lane after
// lane, and replay.written says how many of each lane's first slots these are. The metadata (strings):
//   format      "bellman checkpoint 3"
//   version     of the program; build: build_id(); device: where it ran
//   config      the run's config.toml
//   history     a JSON array, the oldest first: the settings (config) that applied up to a step (until), where
//               --override replaced them; missing when none were ever replaced
//   timestep    environment steps made
//   logs        a JSON object: how many bytes of each log belong to this state
//   log_tails   a JSON object: xxh64 of the last 4,096 of these bytes, or of all
//   hashes      a JSON object: xxh64 of each tensor's bytes, 16 hexadecimal digits
//   xxh64       of all of the above and of every tensor's name, type and shape: any changed byte shows
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/io/safetensors.h"
#include "rl/state/training_state.h"

namespace bellman {

/// Settings that a run had before it was gone on with others.
struct PastSettings {
  std::string config;      // TOML text
  std::int64_t until = 0;  // environment steps: they were of the run up to here
};

struct Checkpoint {
  std::string version, build, device;
  std::string config;                      // TOML text
  std::vector<PastSettings> history = {};  // the oldest first
  std::int64_t timestep = 0;
  std::map<std::string, std::int64_t> logs;           // file name to bytes
  std::map<std::string, std::string> log_tails = {};  // to xxh64 of the last of them
  TensorFile state;                                   // its metadata is not used
};

/// Writes atomically: an earlier file of that name stays whole until this one is. Throws: Error that names
/// the file and the system's reason.
void save_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint);
/// The same with the state that `state` hands over, which is asked for it once for the hashes and once for
/// each size of an element: of the state a few kilobytes are kept in memory, not more. `checkpoint.state` is
/// not used.
void save_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint,
                     const StateSource& state);

/// Throws: Error that names the file and what is damaged: every hash is checked.
Checkpoint load_checkpoint(const std::filesystem::path& path);
/// The same of a file that was read; `path` stands for its name in messages.
Checkpoint checkpoint_of(TensorFile file, const std::filesystem::path& path);

/// What a checkpoint's metadata says under xxh64 while nothing is damaged, 16 hexadecimal digits.
std::string checkpoint_digest(const TensorFile& file);

/// "checkpoint-000000012000.safetensors" in `directory`.
std::filesystem::path checkpoint_path(const std::filesystem::path& directory, std::int64_t timestep);

/// The checkpoints of a run, the newest first. Throws: Error when the directory cannot be read.
std::vector<std::filesystem::path> checkpoints_of(const std::filesystem::path& directory);

/// The hash of what the linker made of the running program's content (--build-id), 16 hexadecimal digits:
/// same program, same bits. Throws: Error when it was linked without.
std::string build_id();

/// XXH64 with seed 0, as 16 hexadecimal digits.
std::string xxh64(std::string_view bytes);

}  // namespace bellman
