// checkpoint-<timestep>.safetensors: the whole state of a run, with hashes.
//
// The tensors are those of Trainer::save. Of the replay they hold the slots that were written, environment
// after environment; replay.written has the number of each environment's first slots. The metadata (strings):
//   format      "bellman checkpoint 3"
//   version     of the program; build: build_id() (apps/base/fingerprint.h); device: where it ran
//   config      the run's config.toml
//   history     the settings that it had before (apps/run/past_settings.h); missing when it had no others
//   timestep    environment steps made
//   logs        a JSON object: how many bytes of each log belong to this state
//   log_tails   a JSON object: xxh64 of the last 4,096 of these bytes, or of all
//   hashes      a JSON object: xxh64 of each tensor's bytes, 16 hexadecimal digits
//   ranks       how many trained it, the most so far; missing: one
//   parts       where several ranks train: a JSON object, xxh64 of the metadata of each other rank's file
//   xxh64       of all of the above and of every tensor's name, type and shape: any changed byte shows
//
// Where several ranks train, this file is rank 0's, and names those of the others, which hold what is dealt out
// (rl/ranks/rank_states.h): checkpoint-<timestep>.rank-<r>-of-<N>.safetensors. It is written when they are on the disk,
// so a checkpoint is whole as soon as this file is there. Together they are a checkpoint of one rank, which any number
// of ranks resumes. A part's metadata has format "bellman checkpoint part 1", timestep, rank, hashes and xxh64.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "apps/run/past_settings.h"
#include "core/io/safetensors.h"
#include "rl/state/training_state.h"

namespace bellman {

struct Checkpoint {
  std::string version, build, device;
  std::string config;                      // TOML text
  std::vector<PastSettings> history = {};  // the oldest first
  std::int64_t timestep = 0;
  std::map<std::string, std::int64_t> logs;           // file name to bytes
  std::map<std::string, std::string> log_tails = {};  // to xxh64 of the last of these bytes
  std::int64_t ranks = 1;                             // the most that trained it
  std::map<std::string, std::string> parts = {};      // files of other ranks, to xxh64 of their metadata
  TensorFile state;                                   // its metadata is not used
};

/// Writes atomically: an earlier file of that name stays whole until this one is. Throws: Error that names
/// the file and the system's reason.
void save_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint);
/// The same for a state in pieces. `state` is called once for the hashes and once for each element size, so
/// that only a few kilobytes of the state are in memory at a time. `checkpoint.state` is not used.
void save_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint,
                     const StateSource& state);

/// Writes what is dealt out of another rank's state, atomically; returns the part's xxh64 for Checkpoint::parts, and its
/// file's name. Throws: as save_checkpoint.
struct SavedPart {
  std::string name, xxh64;
};
SavedPart save_checkpoint_part(const std::filesystem::path& directory, std::int64_t timestep, int rank,
                               int ranks, const StateSource& state);
/// Removes a checkpoint's file, then those of its parts. Throws: Error that names the file.
void remove_checkpoint(const std::filesystem::path& path);
/// Removes parts whose checkpoint is not there: of one that was not finished. Throws: as above.
void remove_stray_parts(const std::filesystem::path& directory);

/// With what the parts have in its state, and no parts any more. Throws: Error that names the file and what is damaged:
/// every hash is checked.
Checkpoint load_checkpoint(const std::filesystem::path& path);
/// The checkpoint without its state: only the file's header is read, however large the file is. Throws: Error that names
/// the file; of the hashes, that over metadata, names and shapes is checked.
Checkpoint load_checkpoint_head(const std::filesystem::path& path);
/// The same of a file that was read, without parts; `path` names it in messages.
Checkpoint checkpoint_of(TensorFile file, const std::filesystem::path& path);

/// "checkpoint-000000012000.safetensors" in `directory`.
std::filesystem::path checkpoint_path(const std::filesystem::path& directory, std::int64_t timestep);

/// The checkpoints of a run, the newest first. Throws: Error when the directory cannot be read.
std::vector<std::filesystem::path> checkpoints_of(const std::filesystem::path& directory);

/// The first tensor that differs between two states in type, shape or bytes, or that only one of them has;
/// empty when none does. Tensors whose names begin with "time." are wall times, which always differ: they are
/// skipped.
std::string first_difference(const TensorFile& a, const TensorFile& b);

}  // namespace bellman
