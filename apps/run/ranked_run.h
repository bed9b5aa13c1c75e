// What `bellman train` does beside training where several ranks train one run (rl/ranks): one of them, rank 0, owns the
// directory and talks to the user; all write the checkpoint's parts.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "rl/ranks/ranks.h"
#include "rl/state/training_state.h"
#include "rl/train/trainer.h"

namespace bellman {

/// Rank 0's text, on every rank. Collective, as all below.
std::string text_of_rank_0(Ranks& ranks, const std::string& text);

/// Rank 0's run directory, on every rank; `directory` is read on rank 0 alone, which holds the lock of it. Throws: Error, on
/// all ranks, that names the first that does not see this directory or cannot write to it.
std::filesystem::path shared_directory(Ranks& ranks, const std::filesystem::path& directory);

/// On rank 0: the parts of the checkpoint that all other ranks have just saved, for Checkpoint::parts.
std::map<std::string, std::string> saved_parts(Ranks& ranks);

/// On another rank: saves its part of a checkpoint of rank 0's, and tells it.
void save_own_part(Ranks& ranks, const std::filesystem::path& directory, std::int64_t timestep,
                   const StateSource& state);

/// On another rank: trains along with rank 0, whose directory it is, and saves its part of every checkpoint. `frequency`
/// as Trainer::set_checkpoint_hook.
TrainResult train_along(Ranks& ranks, Trainer& trainer, const std::filesystem::path& directory,
                        Index frequency, const std::atomic<bool>& stop);

}  // namespace bellman
