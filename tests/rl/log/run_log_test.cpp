#include "rl/log/run_log.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "tests/rl/train/recorded_run.h"

namespace bellman {
namespace {

using test::RecordingSink;

double value(const RecordingSink& sink, std::string_view name) { return sink.column(name).back(); }

TEST_CASE("a recent mean forgets what is older than its window") {
  RecentMean mean(3);
  CHECK(std::isnan(mean.mean()));
  mean.add(1);
  CHECK(mean.mean() == 1);
  for (double v : {2.0, 3.0, 10.0, 20.0}) mean.add(v);
  CHECK(mean.mean() == (3.0 + 10.0 + 20.0) / 3);
}

TEST_CASE("a recent mean from the last values has the bits of one that saw all of them") {
  RecentMean added(7);
  std::vector<double> all;
  for (std::size_t count = 0; count < 30; ++count) {
    CAPTURE(count);
    const RecentMean after =
        RecentMean::after(7, count, std::span(all).last(std::min<std::size_t>(count, 9)));
    CHECK(after.count() == added.count());
    CHECK(std::isnan(after.mean()) == (count == 0));
    if (count > 0) CHECK(after.mean() == added.mean());
    all.push_back(1 / (1.0 + static_cast<double>(count)));  // their sum depends on its order
    added.add(all.back());
  }
}

TEST_CASE("every row has every name in the published order, NaN where there is nothing yet") {
  RecordingSink sink;
  RunLog log;
  log.add_sink(sink);
  log.row({.timestep = 0, .total_timesteps = 10, .epsilon = 1, .learning_rate = 0.5}, {});
  REQUIRE(sink.rows.size() == 1);
  REQUIRE(sink.rows[0].size() == kScalarNames.size());
  for (std::size_t i = 0; i < kScalarNames.size(); ++i) CHECK(sink.rows[0][i].name == kScalarNames[i]);
  for (std::string_view name :
       {"rollout/ep_rew_mean", "rollout/ep_len_mean", "train/loss", "train/mean_q", "train/grad_norm",
        "eval/mean_reward", "eval/std_reward", "eval/mean_ep_length"})
    CHECK(std::isnan(value(sink, name)));
  CHECK(value(sink, "rollout/exploration_rate") == 1);
  CHECK(value(sink, "train/learning_rate") == 0.5);
}

TEST_CASE("each value stands under its name") {
  RecordingSink sink;
  RunLog log;
  log.add_sink(sink);
  log.start();
  log.episode(7, 70, 70);
  log.episode(9, 90, 160);
  log.evaluated({.mean = 11, .std = 2, .min = 9, .max = 13, .mean_length = 110, .episodes = 2});
  const RunPosition position = {.timestep = 160,
                                .total_timesteps = 1000,
                                .epsilon = 0.25,
                                .learning_rate = 0.125,
                                .gradient_updates = 2};
  log.row(position, {.loss = 3, .gradient_norm = 4, .mean_q = 5.5});
  CHECK(sink.row_timesteps == std::vector<Index>{160});
  CHECK(value(sink, "rollout/ep_rew_mean") == 8);
  CHECK(value(sink, "rollout/ep_len_mean") == 80);
  CHECK(value(sink, "rollout/exploration_rate") == 0.25);
  CHECK(value(sink, "time/total_timesteps") == 160);
  CHECK(value(sink, "time/fps") > 0);
  CHECK(value(sink, "time/seconds") >= 0);
  CHECK(value(sink, "train/loss") == 3);
  CHECK(value(sink, "train/mean_q") == 5.5);
  CHECK(value(sink, "train/grad_norm") == 4);
  CHECK(value(sink, "train/learning_rate") == 0.125);
  CHECK(value(sink, "train/n_updates") == 2);
  CHECK(value(sink, "eval/mean_reward") == 11);
  CHECK(value(sink, "eval/std_reward") == 2);
  CHECK(value(sink, "eval/mean_ep_length") == 110);

  log.row(position, {});  // the evaluation stands in one row only
  CHECK(std::isnan(value(sink, "train/loss")));
  CHECK(std::isnan(value(sink, "eval/mean_reward")));
  CHECK(value(sink, "rollout/ep_rew_mean") == 8);

  REQUIRE(sink.episodes.size() == 2);
  CHECK(sink.episodes[1].episode_return == 9);
  CHECK(sink.episodes[1].length == 90);
  CHECK(sink.episodes[1].timestep == 160);
}

TEST_CASE("progress is due about ten times a second, when somebody is there to see it") {
  RecordingSink sink;
  RunLog log;
  log.add_sink(sink);
  log.start();
  log.episode(3, 30, 30);
  log.evaluated({.mean = 8});
  const RunPosition position = {.timestep = 40, .total_timesteps = 90, .epsilon = 0.75};
  CHECK(!log.progress_is_due());  // right after the start
  log.progress(position, 0.5F);
  REQUIRE(sink.progress.size() == 1);
  const Progress& progress = sink.progress[0];
  CHECK(progress.timestep == 40);
  CHECK(progress.total_timesteps == 90);
  CHECK(progress.episodes == 1);
  CHECK(progress.mean_return == 3);
  CHECK(progress.epsilon == 0.75);
  CHECK(progress.loss == 0.5);
  CHECK(progress.eval_mean == 8);
  CHECK(progress.steps_per_second > 0);
  while (log.seconds() < progress.seconds + 0.11) {
  }
  CHECK(log.progress_is_due());
  log.progress(position, 0.5F);
  CHECK(sink.progress.size() == 2);
  CHECK(!log.progress_is_due());
}

}  // namespace
}  // namespace bellman
