// A state that is saved over the one before copies only what has changed, and equals a whole copy.
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "core/cpu/cpu_backend.h"
#include "core/reference/reference_backend.h"
#include "rl/train/trainer.h"

namespace bellman {
namespace {

using Stretches = std::vector<std::pair<std::size_t, std::size_t>>;

TEST_CASE("a save copies the blocks that changed since the one before, in stretches") {
  constexpr std::size_t kBlock = ChangedBlocks::kBlock, kElements = 10 * kBlock + 7;
  ChangedBlocks changed(kElements);
  const auto save = [&](std::uint64_t& last, std::size_t elements) {
    Stretches stretches;
    last = changed.save(last, RowRanges{{0, elements}},
                        [&](std::size_t begin, std::size_t end) { stretches.emplace_back(begin, end); });
    return stretches;
  };
  std::uint64_t here = 0, there = 0;
  CHECK(save(here, kElements) == Stretches{{0, kElements}});
  CHECK(save(here, kElements).empty());
  changed.mark(3 * kBlock);
  changed.mark(5 * kBlock - 1);
  changed.mark(kElements - 1);
  CHECK(save(here, kElements) == Stretches{{3 * kBlock, 5 * kBlock}, {10 * kBlock, kElements}});
  changed.mark(0);
  CHECK(save(here, kElements) == Stretches{{0, kBlock}});
  CHECK(save(there, kElements) == Stretches{{0, kElements}});  // another place, saved to for the first time
  changed.mark(4 * kBlock);
  CHECK(save(here, 4 * kBlock + 1) == Stretches{{4 * kBlock, 4 * kBlock + 1}});  // of an array that shrank
  CHECK(save(there, kElements) == Stretches{{4 * kBlock, 5 * kBlock}});
  changed.mark_all();
  CHECK(save(here, kElements) == Stretches{{0, kElements}});
}

TEST_CASE("a save copies nothing outside of the ranges that were written") {
  constexpr std::size_t kBlock = ChangedBlocks::kBlock;
  ChangedBlocks changed(10 * kBlock);
  std::uint64_t last = 0;
  const auto save = [&](const RowRanges& ranges) {
    Stretches stretches;
    last = changed.save(last, ranges,
                        [&](std::size_t begin, std::size_t end) { stretches.emplace_back(begin, end); });
    return stretches;
  };
  CHECK(save({}).empty());
  changed.mark(5);
  changed.mark(4 * kBlock + 9);
  CHECK(save({{0, 6}, {4 * kBlock + 9, 4 * kBlock + 10}}) ==
        Stretches{{0, 6}, {4 * kBlock + 9, 4 * kBlock + 10}});
  changed.mark(6);  // of a block that was copied
  CHECK(save({{0, 7}, {4 * kBlock + 9, 4 * kBlock + 10}}) == Stretches{{0, 7}});
}

/// The copy as a file.
TensorFile file_of(const SavedState& saved) {
  TensorFile file;
  FileSink sink(file);
  saved.hand_over(sink);
  return file;
}

TEST_CASE("a state with other tensors than the one before it replaces that") {
  SavedState saved;
  TensorFile file;
  const auto save = [&](const std::vector<std::pair<std::string, std::vector<float>>>& tensors) {
    {
      StateWriter out(saved);
      for (const auto& [name, values] : tensors) out.add(name, values);
    }
    file = file_of(saved);
  };
  const auto text = [&] {
    std::string result;
    for (const FileTensor& tensor : file.tensors)
      result += tensor.name + std::to_string(tensor.f32().size()) + " ";
    return result;
  };
  save({{"a", {1, 2}}, {"b", {3}}, {"c", {}}});
  CHECK(text() == "a2 b1 c0 ");
  save({{"a", {4}}, {"d", {5, 6}}, {"c", {7}}});
  CHECK(text() == "a1 d2 c1 ");
  CHECK(file.tensors[0].f32()[0] == 4);
  CHECK(file.tensors[2].f32()[0] == 7);
  save({{"a", {8, 9, 10}}});
  CHECK(text() == "a3 ");
}

TEST_CASE("rows reach the file in pieces of a mebibyte, from memory without a copy") {
  struct Pieces final : StateSink {
    bool begin(const std::string&, DType, std::size_t count) override {
      elements = count;
      return wanted;
    }
    void piece(std::span<const std::byte> bytes) override {
      sizes.push_back(bytes.size());
      first = first ? first : bytes.data();
    }
    bool wanted = true;
    std::size_t elements = 0;
    std::vector<std::size_t> sizes;
    const std::byte* first = nullptr;
  };
  constexpr std::size_t kRows = 600'000, kMiB = std::size_t{1} << 20;
  const std::vector<float> numbers(kRows);
  const RowRanges ranges = {{10, 20}, {100, kRows}};
  Pieces pieces;
  {
    StateWriter out(pieces);
    out.add_rows("x", std::span<const float>(numbers), ranges, 1, nullptr);
  }
  CHECK(pieces.elements == kRows - 90);
  CHECK(pieces.first == reinterpret_cast<const std::byte*>(numbers.data() + 10));
  CHECK(pieces.sizes == std::vector<std::size_t>{40, kMiB - 400, kMiB, 4 * kRows - 2 * kMiB});
  Pieces asked;
  std::size_t calls = 0;
  const auto copy = [&](std::span<float> to, std::size_t begin, std::size_t end) {
    ++calls;
    CHECK(to.size() == end - begin);
  };
  StateWriter out(asked);
  out.add_rows<float>("x", ranges, 1, nullptr, copy);
  CHECK(asked.sizes == pieces.sizes);
  CHECK(calls == pieces.sizes.size());
  asked.wanted = false;
  out.add_rows<float>("y", ranges, 1, nullptr, copy);
  CHECK(calls == pieces.sizes.size());
}

/// At every checkpoint of a run whose replay goes round several times.
void check_saves(TrainConfig config, ReplayOps* ops = nullptr) {
  config.network = "dense 4, tanh";
  config.total_timesteps = 9000;
  config.buffer_size = 3000;
  config.learning_starts = 500;
  config.train_frequency = 50;
  config.batch_size = 16;
  config.eval_frequency = 4000;
  config.eval_episodes = config.final_eval_episodes = 1;
  config.stop_when_solved = false;
  CpuBackend backend;
  Trainer trainer(config, backend, {.make_env = {}, .make_learner = {}, .replay_ops = ops});
  SavedState saved;
  {
    StateWriter before(saved);  // as the command does
    trainer.save(before);
  }
  int saves = 0;
  trainer.set_checkpoint_hook(170, [&](Index timestep) {
    CAPTURE(timestep);
    TensorFile whole;
    StateWriter out(whole);
    trainer.save(out);
    {
      StateWriter again(saved);
      trainer.save(again);
    }
    const TensorFile file = file_of(saved);
    REQUIRE(file.tensors.size() == whole.tensors.size());
    for (std::size_t i = 0; i < whole.tensors.size(); ++i) {
      const FileTensor &is = file.tensors[i], &should = whole.tensors[i];
      CAPTURE(should.name);
      REQUIRE(is.name == should.name);
      CHECK(is.shape == should.shape);
      CHECK((is.bytes == should.bytes || is.name.starts_with("time.")));  // in brackets: not to be printed
    }
    ++saves;
  });
  trainer.run();
  CHECK(saves > 50);
}

TEST_CASE("what is saved over the state before is the state: uniform replay") { check_saves({}); }

TEST_CASE("what is saved over the state before is the state: priorities, several environments") {
  TrainConfig config;
  config.prioritized = true;
  config.num_envs = 3;
  config.n_step = 3;
  config.normalize_observation = true;
  check_saves(config);
}

TEST_CASE("what is saved over the state before is the state: the replay in the backend's memory") {
  HostReplayOps ops;
  TrainConfig config;
  check_saves(config, &ops);
  config.prioritized = true;
  config.num_envs = 2;
  check_saves(config, &ops);
}

TEST_CASE("what is saved over the state before is the state: observations as bytes") {
  TrainConfig config;
  config.env.id = "FrozenLake-v1";
  check_saves(config);
}

}  // namespace
}  // namespace bellman
