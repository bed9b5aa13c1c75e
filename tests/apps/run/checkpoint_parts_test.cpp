// Checkpoints that several ranks wrote: files that are one, and what happens to one without the others.
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "apps/run/checkpoint.h"
#include "apps/run/ranked_run.h"
#include "core/base/check.h"
#include "core/io/files.h"
#include "rl/ranks/gather_texts.h"
#include "tests/support/error_message.h"
#include "tests/support/ranks/thread_ranks.h"
#include "tests/support/temporary_directory.h"

namespace bellman::test {
namespace {

namespace fs = std::filesystem;

/// What rank r of a run has, as Trainer::save would write it.
void save_rank(StateSink& sink, int rank) {
  StateWriter out(sink);
  out.add("trainer.timestep", std::vector<std::int64_t>{600});
  out.add("replay.observations",
          std::vector<float>(static_cast<std::size_t>(rank + 1), static_cast<float>(rank)));
  out.add("envs.observations", std::vector<float>{static_cast<float>(10 * rank)});
  out.add("env." + std::to_string(rank), std::vector<double>{0.5 * rank});
}

/// A checkpoint of three ranks at `timestep`. Returns rank 0's file.
fs::path save_three(const fs::path& directory, std::int64_t timestep) {
  Checkpoint checkpoint = {
      .version = "0.1", .build = "b", .device = "cpu", .config = "", .logs = {}, .state = {}};
  checkpoint.timestep = timestep;
  checkpoint.ranks = 3;
  on_thread_ranks(3, [&](Ranks& ranks) {
    if (ranks.rank() == 0) {
      checkpoint.parts = saved_parts(ranks);
      save_checkpoint(checkpoint_path(directory, timestep), checkpoint,
                      [](StateSink& sink) { save_rank(sink, 0); });
      return;
    }
    save_own_part(ranks, directory, timestep, [&](StateSink& sink) { save_rank(sink, ranks.rank()); });
  });
  return checkpoint_path(directory, timestep);
}

std::vector<float> floats(const Checkpoint& checkpoint, const char* name) {
  return StateReader(checkpoint.state, "F").get<float>(name);
}

std::size_t files_in(const fs::path& directory) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(directory), fs::directory_iterator()));
}

TEST_CASE("a checkpoint of three ranks is one checkpoint, in the order of ranks") {
  const TemporaryDirectory directory;
  const fs::path path = save_three(directory.path(), 600);
  CHECK(files_in(directory.path()) == 3);
  CHECK(fs::exists(directory / "checkpoint-000000000600.rank-2-of-3.safetensors"));
  CHECK(checkpoints_of(directory.path()) == std::vector{path});
  CHECK(load_checkpoint_head(path).parts.size() == 2);

  const Checkpoint whole = load_checkpoint(path);
  CHECK(whole.ranks == 3);
  CHECK(whole.parts.empty());  // they are in its state
  CHECK(floats(whole, "replay.observations") == std::vector<float>{0, 1, 1, 2, 2, 2});
  CHECK(floats(whole, "envs.observations") == std::vector<float>{0, 10, 20});
  CHECK(StateReader(whole.state, "F").get<double>("env.2") == std::vector<double>{1});
  CHECK(whole.state.tensors.size() == 6);

  save_checkpoint(directory / "merged", whole);  // as a fork does
  CHECK(load_checkpoint(directory / "merged").state.find("replay.observations")->bytes ==
        whole.state.find("replay.observations")->bytes);
}

TEST_CASE("a part that is missing, damaged or another's is refused with its name") {
  const TemporaryDirectory directory;
  const fs::path path = save_three(directory.path(), 600);
  const fs::path part = directory / "checkpoint-000000000600.rank-1-of-3.safetensors";
  const std::string good = read_file(part, 1 << 20);
  const auto refusal = [&] { return error_message([&] { load_checkpoint(path); }); };

  fs::remove(part);
  CHECK(refusal() == part.string() + ": cannot be opened: No such file or directory");
  std::string bytes = good;
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  write_file_atomically(part, bytes);
  CHECK(refusal().starts_with(part.string() + ": is damaged: the hash of "));
  bytes = good;
  const std::size_t place = bytes.find("\"rank\":\"1\"");
  REQUIRE(place != std::string::npos);
  bytes[place + 8] = '2';
  write_file_atomically(part, bytes);
  CHECK(refusal() == part.string() + ": is damaged: the hash over metadata, names and shapes does not match");
  fs::copy_file(directory / "checkpoint-000000000600.rank-2-of-3.safetensors", part,
                fs::copy_options::overwrite_existing);
  CHECK(refusal().starts_with(part.string() + ": is a part of another checkpoint: its hash is "));
  fs::copy_file(path, part, fs::copy_options::overwrite_existing);
  CHECK(refusal() ==
        part.string() +
            ": is no part of a checkpoint (no format \"bellman checkpoint part 1\" in its metadata)");
  write_file_atomically(part, good);
  CHECK_NOTHROW(load_checkpoint(path));
}

TEST_CASE("a checkpoint that names a part which no rank writes is refused") {
  const TemporaryDirectory directory;
  for (const char* const name :
       {"model.safetensors", "checkpoint-000000000600.safetensors", "",
        "checkpoint-000000000600.rank-.safetensors", "checkpoint-000000000600.rank-0-of-2.safetensors"}) {
    CAPTURE(name);
    Checkpoint checkpoint = {
        .version = "0.1", .build = "b", .device = "cpu", .config = "", .logs = {}, .state = {}};
    checkpoint.parts = {{name, "0123456789abcdef"}};
    const fs::path path = directory / "file";
    save_checkpoint(path, checkpoint);
    CHECK(error_message([&] { load_checkpoint(path); }) ==
          path.string() + ": metadata \"parts\" has \"" + name + "\", which is no name of a part");
  }
}

TEST_CASE("parts go with their checkpoint, and those of one that was never finished are cleared away") {
  const TemporaryDirectory directory;
  const fs::path first = save_three(directory.path(), 300), second = save_three(directory.path(), 600);
  remove_checkpoint(first);
  CHECK(files_in(directory.path()) == 3);
  CHECK_NOTHROW(load_checkpoint(second));

  save_checkpoint_part(directory.path(), 900, 1, 3,
                       [](StateSink& sink) { save_rank(sink, 1); });  // then it was killed
  CHECK(files_in(directory.path()) == 4);
  CHECK(checkpoints_of(directory.path()) == std::vector{second});
  remove_stray_parts(directory.path());
  CHECK(files_in(directory.path()) == 3);
  CHECK_NOTHROW(load_checkpoint(second));
}

TEST_CASE("ranks that see another directory than rank 0 are refused") {
  const TemporaryDirectory top;
  write_file_atomically(top / "lock", "process 1 on a");
  on_thread_ranks(3, [&](Ranks& ranks) {
    if (shared_directory(ranks, ranks.rank() == 0 ? top.path() : fs::path()) != top.path())
      throw Error("another");
  });
  CHECK(fs::exists(top / "lock"));
  CHECK(std::distance(fs::directory_iterator(top.path()), fs::directory_iterator()) == 1);  // no probe stays
  // As on machines without a common file system: rank 1 looks at a path that only rank 0 has.
  const fs::path gone = top / "gone";
  CHECK(
      error_message([&] {
        on_thread_ranks(2, [&](Ranks& ranks) {
          if (ranks.rank() == 0) {
            text_of_rank_0(ranks, gone.string());
            text_of_rank_0(ranks, "process 1 on a");
            gather_texts(ranks, "");
          } else {
            shared_directory(ranks, {});
          }
        });
      }) ==
      "run directory " + gone.string() +
          ": rank 1 does not see it: ranks of a training need a directory that all of them see and write to");
}

}  // namespace
}  // namespace bellman::test
