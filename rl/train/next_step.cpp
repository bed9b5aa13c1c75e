#include "rl/train/next_step.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

namespace bellman {
namespace {

template <class T>
void copy_into(TensorView<T> to, const std::vector<T>& from) {
  std::copy(from.begin(), from.end(), to.host().begin());
}

}  // namespace

NextStep batch_for(const LearnStep& step, Replay& replay, const RunningNormalizer* normalizer) {
  NextStep next = {step, {}};
  std::optional<DrawnBatch> drawn = replay.look(step.number, step.beta);
  if (!drawn) return next;
  next.batch = *std::move(drawn);
  if (normalizer)
    for (std::vector<float>* rows : {&next.batch.observations, &next.batch.next_observations})
      normalizer->apply(*rows, *rows);
  return next;
}

void make_step(DqnUpdate& update, const NextStep& next, const DqnUpdate::Watcher& watch) {
  const Index b = next.batch.size;
  const BatchArrays& arrays = next.batch.arrays;
  const DqnUpdate::Batch batch = update.batch(b);
  copy_into(batch.observations, next.batch.observations);
  copy_into(batch.next_observations, next.batch.next_observations);
  copy_into(batch.transitions.action, arrays.actions);
  copy_into(batch.transitions.reward, arrays.rewards);
  copy_into(batch.transitions.discount, arrays.discounts);
  copy_into(batch.transitions.terminated, arrays.terminated);
  copy_into(batch.weights, arrays.weights);
  update.run(b, next.step.learning_rate, watch);
}

}  // namespace bellman
