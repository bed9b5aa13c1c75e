// A checkpoint's head: what it says without its state.
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "apps/run/checkpoint.h"
#include "core/io/files.h"
#include "tests/support/error_message.h"
#include "tests/support/temporary_directory.h"

namespace bellman::test {
namespace {

TEST_CASE("a checkpoint's head is the checkpoint without its state, and is checked by its own hash") {
  const TemporaryDirectory directory;
  Checkpoint checkpoint = {.version = "0.1",
                           .build = "0123456789abcdef",
                           .device = "cpu",
                           .config = "gamma = 0.9\n",
                           .history = {{"gamma = 0.5\n", 16, "parent"}},
                           .timestep = 32,
                           .logs = {{"monitor.csv", 45}},
                           .log_tails = {{"monitor.csv", "0123456789abcdef"}},
                           .state = {}};
  checkpoint.state.add("numbers", {3}, std::vector<float>{1, 2, 3});
  save_checkpoint(directory / "file", checkpoint);
  const Checkpoint head = load_checkpoint_head(directory / "file");
  CHECK(head.state.tensors.empty());
  CHECK(history_text(head.history) == history_text(checkpoint.history));
  CHECK(head.version == checkpoint.version);
  CHECK(head.build == checkpoint.build);
  CHECK(head.device == checkpoint.device);
  CHECK(head.config == checkpoint.config);
  CHECK(head.timestep == checkpoint.timestep);
  CHECK(head.logs == checkpoint.logs);
  CHECK(head.log_tails == checkpoint.log_tails);

  std::string bytes = read_file(directory / "file", std::size_t{1} << 20);
  bytes.back() ^= 1;  // a tensor's: only the whole file's hashes know it
  write_file_atomically(directory / "file", bytes);
  CHECK(load_checkpoint_head(directory / "file").timestep == 32);
  CHECK(error_message([&] { load_checkpoint(directory / "file"); }).find("is damaged") != std::string::npos);
  const std::size_t place = bytes.find("gamma = 0.5");
  REQUIRE(place != std::string::npos);
  bytes[place + 10] = '6';
  write_file_atomically(directory / "file", bytes);
  CHECK(error_message([&] { load_checkpoint_head(directory / "file"); }).find("is damaged") !=
        std::string::npos);
}

}  // namespace
}  // namespace bellman::test
