// A run in pieces: what it leaves, and the rest of it from a state.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

#include "rl/train/trainer.h"
#include "tests/rl/train/recorded_run.h"

namespace bellman::test {

/// What is left of a run: its state at the end, wall times aside, and what its sinks got.
struct RunEnd {
  std::vector<FileTensor> state;
  std::vector<double> numbers;  // of every episode and row
};

inline void keep(RunEnd& outcome, const TensorFile& state, const RecordingSink& sink) {
  for (const FileTensor& tensor : state.tensors)
    if (!tensor.name.starts_with("time.")) outcome.state.push_back(tensor);
  for (const EpisodeRecord& episode : sink.episodes)
    outcome.numbers.insert(
        outcome.numbers.end(),
        {episode.episode_return, static_cast<double>(episode.length), static_cast<double>(episode.timestep)});
  for (const auto& row : sink.rows)
    for (const Scalar& scalar : row)
      if (!scalar.name.starts_with("time/")) outcome.numbers.push_back(scalar.value);
}

inline void check_same(const RunEnd& a, const RunEnd& b) {
  REQUIRE(a.state.size() == b.state.size());
  for (std::size_t i = 0; i < a.state.size(); ++i) {
    CAPTURE(a.state[i].name);
    CHECK(a.state[i].name == b.state[i].name);
    CHECK(a.state[i].bytes == b.state[i].bytes);
  }
  const auto bits = [](double x) { return std::bit_cast<std::uint64_t>(x); };  // NaN too
  CHECK(std::ranges::equal(a.numbers, b.numbers, {}, bits, bits));
}

/// Runs to the end; with a state, from there. Leaves the states at each checkpoint in `states`.
inline RunEnd run(const TrainConfig& config, Backend& backend, const TrainerParts& parts,
                  const TensorFile* from, std::vector<TensorFile>* states,
                  const RecordingSink* before = nullptr) {
  Trainer trainer(config, backend, parts);
  RecordingSink sink;
  if (before) {
    sink.episodes = before->episodes;
    sink.rows = before->rows;
  }
  trainer.add_sink(sink);
  if (from) trainer.load(StateReader(*from, "the checkpoint"));
  RunEnd outcome;
  TensorFile last;
  trainer.set_checkpoint_hook(150, [&](Index) {
    last = state_of(trainer);
    if (states) states->push_back(last);
  });
  trainer.run();
  keep(outcome, last, sink);
  return outcome;
}

inline TrainConfig training_to_resume() {
  TrainConfig config;
  config.total_timesteps = 500;
  config.network = "dense 12, relu, dense 8, tanh";
  config.buffer_size = 120;
  config.learning_starts = 40;
  config.train_frequency = 2;
  config.batch_size = 16;
  config.target_network_frequency = 70;
  config.eval_frequency = 120;
  config.eval_episodes = 2;
  config.final_eval_episodes = 1;
  config.log_frequency = 90;
  config.keep_best = true;
  return config;
}

}  // namespace bellman::test
