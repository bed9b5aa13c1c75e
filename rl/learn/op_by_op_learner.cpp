#include "rl/learn/op_by_op_learner.h"

#include <algorithm>
#include <cmath>

#include "core/base/check.h"
#include "rl/learn/non_finite.h"

namespace bellman {
namespace {

template <class T, class U>
void upload(Backend& backend, TensorView<T> to, std::span<const U> values) {
  backend.upload(to.data(), values.data(), values.size_bytes());
}

}  // namespace

OpByOpLearner::OpByOpLearner(Backend& backend, const Network& network, const LearnerOptions& options)
    : backend_(backend),
      update_(backend, network, options),
      staging_(static_cast<std::size_t>(std::max(options.max_batch, options.max_acting_batch) *
                                        network.input_shape().elements())),
      y_(static_cast<std::size_t>(options.max_batch)) {}

// ---- one gradient step

LearnStats OpByOpLearner::learn(const Batch& batch, float learning_rate, std::span<float> td_error) {
  const auto b = static_cast<Index>(batch.slots.size());
  const DqnUpdate::Batch place = update_.batch(b);
  if (td_error.size() != batch.slots.size())
    fail("td_error has room for ", td_error.size(), " numbers, the batch has ", b, " transitions");

  put_stored(place.observations, *batch.observations, batch.state_slots());
  put_stored(place.next_observations, *batch.observations, batch.next_state_slots());
  upload(backend_, place.transitions.action, batch.actions);
  upload(backend_, place.transitions.reward, batch.rewards);
  upload(backend_, place.transitions.discount, batch.discounts);
  upload(backend_, place.transitions.terminated, batch.terminated);
  upload(backend_, place.weights, batch.weights);
  update_.run(b, learning_rate);
  return stats(batch, td_error);
}

LearnStats OpByOpLearner::stats(const Batch& batch, std::span<float> td_error) {
  const auto b = static_cast<Index>(td_error.size());
  LearnStats stats;
  backend_.download(&stats.loss, update_.loss().data(), sizeof(float));
  if (const ConstTensor norm = update_.gradient_norm())
    backend_.download(&stats.gradient_norm, norm.data(), sizeof(float));
  backend_.download(td_error.data(), update_.td_error(b).data(), td_error.size_bytes());
  backend_.download(y_.data(), update_.y(b).data(), td_error.size_bytes());
  double sum_q = 0;
  for (std::size_t n = 0; n < td_error.size(); ++n) sum_q += y_[n] - td_error[n];  // q[a] = y - (y - q[a])
  stats.mean_q = static_cast<float>(sum_q / static_cast<double>(b));
  check_guard(stats, batch, td_error);
  return stats;
}

void OpByOpLearner::check_guard(LearnStats& stats, const Batch& batch, std::span<const float> td_error) {
  const DqnUpdate::Guard guard = update_.read_guard();
  if (!guard.held && !guard.overflowed) return;
  stats.non_finite = guard.overflowed            ? NonFinite::kParameters
                     : std::isfinite(stats.loss) ? NonFinite::kGradient
                                                 : NonFinite::kLoss;
  stats.where = update_.parameters().where_not_finite(batch, td_error);
  update_.clear_guard();
}

// ---- observations on their way into the network

void OpByOpLearner::q_values(std::span<float> q, std::span<const float> observations, Index n) {
  const Index actions = update_.network().output_shape()[0];
  const Index width = update_.network().input_shape().elements();
  const Tensor input = update_.acting_observations(n);
  if (static_cast<Index>(q.size()) != n * actions || static_cast<Index>(observations.size()) != n * width)
    fail("q_values of ", n, " observations: q has ", q.size(), " numbers, observations have ",
         observations.size(), "; expected ", n * actions, " and ", n * width);
  put_observations(input, observations);
  backend_.download(q.data(), update_.q_values(n).data(), q.size_bytes());
}

void OpByOpLearner::put_observations(Tensor input, std::span<const float> raw) {
  if (const RunningNormalizer* const normalizer = update_.options().normalizer) {
    const std::span<float> normalised = std::span(staging_).first(raw.size());
    normalizer->apply(normalised, raw);
    raw = normalised;
  }
  backend_.upload(input.data(), raw.data(), raw.size_bytes());
}

/// Into the network's input at once where the host can write there: frames of bytes then become floats on
/// their way, with no copy between.
void OpByOpLearner::put_stored(Tensor input, const ObservationStore& observations,
                               std::span<const Index> slots) {
  if (backend_.is_on_host() && !update_.options().normalizer) return observations.gather(input.host(), slots);
  const std::span<float> gathered = std::span(staging_).first(static_cast<std::size_t>(input.elements()));
  observations.gather(gathered, slots);
  put_observations(input, gathered);
}

}  // namespace bellman
