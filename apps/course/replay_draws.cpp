#include "apps/course/replay_draws.h"

#include <algorithm>
#include <utility>

#include "apps/course/beam_walk.h"
#include "rl/replay/replay_ring.h"
#include "rl/replay/sampler.h"

namespace bellman {
namespace {

/// Sums up batch after batch.
class BatchMeans {
 public:
  void add(double cell) { sum_ += cell; }
  void finish(Index batch) { means_.push_back(std::exchange(sum_, 0.0) / static_cast<double>(batch)); }
  double variance_about(double mean) const {
    double sum = 0;
    for (const double x : means_) sum += (x - mean) * (x - mean);
    return sum / static_cast<double>(means_.size());
  }

 private:
  double sum_ = 0;
  std::vector<double> means_;
};

}  // namespace

ReplayDraws draw_from_ring(const GridTask& task, const ReplayPlan& plan, const std::atomic<bool>& stop) {
  const Index capacity = plan.capacity, batch = plan.batch, every = plan.every, steps = plan.steps;
  const double bin = static_cast<double>(capacity) / static_cast<double>(ReplayDraws::kAgeBins);
  ReplayRing ring(capacity, 1, 1, 1);
  UniformSampler sampler(capacity, plan.seed);
  BeamWalk walk(task, plan.seed);
  ReplayDraws result;
  result.ages.resize(ReplayDraws::kAgeBins), result.expected_ages.resize(ReplayDraws::kAgeBins);
  std::vector<Index> since(static_cast<std::size_t>(capacity)),
      count(since.size());  // of each slot's transition
  std::vector<std::int32_t> cell(since.size());
  std::vector<Index> slots(static_cast<std::size_t>(batch));
  std::vector<float> weights(slots.size());
  BatchMeans of_walked, of_drawn;
  double draws = 0;
  const auto write = [&](const ReplayWrite& w) {
    if (w.evicted) result.times.push_back(static_cast<double>(count[static_cast<std::size_t>(*w.evicted)]));
    sampler.on_write(w);
  };
  write(ring.begin_episode(0));
  for (Index t = 0; t < steps && !stop; ++t) {
    const BeamWalk::Step step = walk.next();
    const ReplayWrite added =
        ring.add(0, step.action, static_cast<float>(step.reward), step.terminated, false);
    const auto slot = static_cast<std::size_t>(added.completed.front());
    since[slot] = t, count[slot] = 0, cell[slot] = step.state;
    write(added);
    if (step.terminated) write(ring.begin_episode(0));
    result.walked.push_back(step.state);
    of_walked.add(step.state);
    if ((t + 1) % batch == 0) of_walked.finish(batch);
    if ((t + 1) % every != 0) continue;
    sampler.sample(static_cast<std::uint64_t>(t), slots, weights);
    const auto held = static_cast<double>(sampler.size());
    const bool full = !result.times.empty();
    for (const Index drawn_slot : slots) {
      const auto s = static_cast<std::size_t>(drawn_slot);
      const auto age = static_cast<double>(t - since[s]);
      ++count[s];
      result.mean_age += age, ++draws;
      result.expected_mean_age += (held - 1) / 2;
      ++result.ages[std::min(ReplayDraws::kAgeBins - 1, static_cast<std::size_t>(age / bin))];
      if (full) result.drawn.push_back(cell[s]), of_drawn.add(cell[s]);
    }
    if (full) of_drawn.finish(batch);
    for (std::size_t i = 0; i < ReplayDraws::kAgeBins; ++i)  // uniform on the `held` newest
      result.expected_ages[i] +=
          static_cast<double>(batch) * std::clamp(held - static_cast<double>(i) * bin, 0.0, bin) / held;
  }
  result.mean_age /= draws, result.expected_mean_age /= draws;
  double mean = 0;
  for (const double x : result.walked) mean += x / static_cast<double>(result.walked.size());
  result.variance_walked = of_walked.variance_about(mean);
  result.variance_drawn = of_drawn.variance_about(mean);
  return result;
}

}  // namespace bellman
