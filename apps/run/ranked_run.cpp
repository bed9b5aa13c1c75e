#include "apps/run/ranked_run.h"

#include <cstddef>
#include <exception>
#include <vector>

#include "apps/run/checkpoint.h"
#include "core/base/check.h"
#include "core/io/files.h"
#include "rl/ranks/gather_texts.h"

namespace bellman {
namespace {

constexpr std::size_t kMostLockBytes = 300;

std::string lock_text(const std::filesystem::path& directory) {
  return read_text_file(directory / "lock", kMostLockBytes);
}

/// Why this rank cannot write parts of checkpoints to the directory that rank 0 has locked; empty: it can.
std::string obstacle_to_writing(const std::filesystem::path& directory, const std::string& lock, int rank) {
  try {
    if (lock_text(directory) != lock) return "sees another one than rank 0";
  } catch (const Error&) {
    return "does not see it";
  }
  const std::filesystem::path probe = directory / ("lock.rank-" + std::to_string(rank));
  try {
    write_file_atomically(probe, "");
    std::filesystem::remove(probe);
  } catch (const std::exception& error) {
    return std::string("cannot write there: ") + error.what();
  }
  return "";
}

}  // namespace

std::string text_of_rank_0(Ranks& ranks, const std::string& text) {
  return gather_texts(ranks, ranks.rank() == 0 ? text : std::string()).front();
}

std::filesystem::path shared_directory(Ranks& ranks, const std::filesystem::path& directory) {
  const bool first = ranks.rank() == 0;
  const std::filesystem::path path = text_of_rank_0(ranks, first ? absolute(directory).string() : "");
  const std::string lock = text_of_rank_0(ranks, first ? lock_text(path) : "");
  const std::vector<std::string> obstacles =
      gather_texts(ranks, first ? "" : obstacle_to_writing(path, lock, ranks.rank()));
  for (std::size_t rank = 1; rank < obstacles.size(); ++rank)  // all throw, so none leaves a file there
    if (!obstacles[rank].empty())
      fail("run directory ", path.string(), ": rank ", rank, " ", obstacles[rank],
           ": ranks of a training need a directory that all of them see and write to");
  return path;
}

std::map<std::string, std::string> saved_parts(Ranks& ranks) {
  std::map<std::string, std::string> parts;
  for (const std::string& part : gather_texts(ranks, "")) {
    const std::size_t space = part.find(' ');
    if (space != std::string::npos) parts[part.substr(space + 1)] = part.substr(0, space);
  }
  return parts;
}

void save_own_part(Ranks& ranks, const std::filesystem::path& directory, std::int64_t timestep,
                   const StateSource& state) {
  const SavedPart part = save_checkpoint_part(directory, timestep, ranks.rank(), ranks.size(), state);
  gather_texts(ranks, part.xxh64 + " " + part.name);
}

TrainResult train_along(Ranks& ranks, Trainer& trainer, const std::filesystem::path& directory,
                        Index frequency, const std::atomic<bool>& stop) {
  trainer.set_checkpoint_hook(frequency, [&](Index timestep) {
    save_own_part(ranks, directory, timestep, [&](StateSink& sink) {
      StateWriter state(sink);
      trainer.save(state);
    });
  });
  return trainer.run(&stop);
}

}  // namespace bellman
