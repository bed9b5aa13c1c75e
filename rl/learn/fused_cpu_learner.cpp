#include "rl/learn/fused_cpu_learner.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <variant>

#include "core/base/check.h"
#include "core/cpu/cpu_backend.h"
#include "core/cpu/flush_denormals.h"
#include "core/cpu/optimizer_step.h"
#include "core/ops/backend_ops.h"
#include "rl/learn/make_learner.h"

namespace bellman {
namespace {

// Adam's piece for a thread, in parameters: fewer are too little work to synchronise threads for.
constexpr Index kPiece = 8192;

ThreadPool& checked_pool(Backend& backend, const Network& network, const LearnerOptions& options) {
  const std::string unsupported = fused_unsupported_reason(backend, network, options);
  if (!unsupported.empty()) fail("the fused learner cannot train this: ", unsupported);
  return dynamic_cast<CpuBackend&>(backend).pool();
}

}  // namespace

FusedCpuLearner::FusedCpuLearner(Backend& backend, const Network& network, const LearnerOptions& options,
                                 const cpu::Kernels& kernels)
    : options_(options),
      pool_(checked_pool(backend, network, options)),
      adam_(std::get<AdamOptions>(options.optimizer)),
      parameters_(backend, network, options),
      mlp_(network, options.max_batch, kernels, pool_),
      pieces_(static_cast<std::size_t>((gradients().flat().elements() + kPiece - 1) / kPiece)),
      staged_rows_(static_cast<std::size_t>(options.max_batch)) {
  const auto inputs = static_cast<std::size_t>(network.input_shape().elements());
  if (options.normalizer) acting_.resize(static_cast<std::size_t>(options.max_acting_batch) * inputs);
  if (options.normalizer || options.observation_type == ObservationType::kUint8 || options.frame_stack > 1) {
    staged_.resize(staged_rows_.size() * inputs);
    next_staged_.resize(staged_rows_.size() * inputs);
  }
  std::iota(staged_rows_.begin(), staged_rows_.end(), Index{0});
}

LearnStats FusedCpuLearner::learn(const Batch& batch, float learning_rate, std::span<float> td_error) {
  const auto b = static_cast<Index>(batch.slots.size());
  if (b < 1 || b > options_.max_batch)
    fail("a batch of ", b, " transitions, must have 1 to ", options_.max_batch);
  const FlushDenormals flush;
  const Arena& evaluating = options_.target_network ? target() : online();
  const cpu::fused::LossSums sums =
      mlp_.learn(gradients().flat().data(), td_error, online().flat().data(), evaluating.flat().data(),
                 observations_of(batch),
                 {batch.actions, batch.rewards, batch.discounts, batch.terminated, batch.weights}, options_);
  LearnStats stats;
  stats.loss = static_cast<float>(sums.loss / static_cast<double>(b));
  stats.mean_q = static_cast<float>(sums.q / static_cast<double>(b));
  if (options_.gradient_average)
    options_.gradient_average->average(gradients().flat(), Tensor(&stats.loss, {1}));
  step(stats, learning_rate);
  if (stats.non_finite != NonFinite::kNothing) stats.where = parameters_.where_not_finite(batch, td_error);
  return stats;
}

cpu::fused::Observations FusedCpuLearner::observations_of(const Batch& batch) {
  if (staged_.empty()) {
    batch.observations->check_slots(batch.slots);
    batch.observations->check_slots(batch.next_slots);
    const float* const all = batch.observations->floats().data();
    return {all, batch.slots, all, batch.next_slots};
  }
  const auto stage = [&](std::vector<float>& to, std::span<const Index> slots) {
    const std::span<float> rows =
        std::span(to).first(batch.slots.size() * static_cast<std::size_t>(mlp_.plan().inputs()));
    batch.observations->gather(rows, slots);
    if (options_.normalizer) options_.normalizer->apply(rows, rows);
  };
  stage(staged_, batch.state_slots());
  stage(next_staged_, batch.next_state_slots());
  const std::span<const Index> rows = std::span(staged_rows_).first(batch.slots.size());
  return {staged_.data(), rows, next_staged_.data(), rows};
}

/// Adam, unless loss or gradient are not finite.
void FusedCpuLearner::step(LearnStats& stats, float learning_rate) {
  Optimizer& optimizer = parameters_.optimizer();
  const Tensor p = online().flat(), g = gradients().flat();
  const Tensor m = optimizer.moments()[0].values.flat(), v = optimizer.moments()[1].values.flat();
  check_adam_step(p, m, v, g, learning_rate, optimizer.steps() + 1, adam_, IntTensor());
  const cpu::Kernels& kernels = mlp_.kernels();
  const bool clips = options_.max_grad_norm > 0;
  for_each_piece([&](Piece& piece, Index first, Index count) {
    piece.finite = kernels.finite(g.data() + first, count);
    if (clips) piece.squares = kernels.sum_of_squares(g.data() + first, count);
  });
  if (clips) {
    double squares = 0;
    for (const Piece& piece : pieces_) squares += piece.squares;
    stats.gradient_norm = static_cast<float>(std::sqrt(squares));
  }
  if (!std::isfinite(stats.loss))
    stats.non_finite = NonFinite::kLoss;
  else if (!all_finite())
    stats.non_finite = NonFinite::kGradient;
  if (stats.non_finite != NonFinite::kNothing) return;

  optimizer.set_steps(optimizer.steps() + 1);
  cpu::AdamFactors factors = cpu::adam_factors(adam_, learning_rate, optimizer.steps());
  if (clips) {
    const float scale = static_cast<float>(options_.max_grad_norm) / (stats.gradient_norm + 1e-6F);
    if (scale < 1) factors.gradient_scale = scale;
  }
  for_each_piece([&](Piece& piece, Index first, Index count) {
    piece.finite =
        kernels.adam(p.data() + first, m.data() + first, v.data() + first, g.data() + first, count, factors);
  });
  if (!all_finite()) stats.non_finite = NonFinite::kParameters;
}

/// f(piece, its first parameter, how many it has), on any thread.
template <class F>
void FusedCpuLearner::for_each_piece(F f) {
  const Index elements = gradients().flat().elements();
  pool_.run(static_cast<Index>(pieces_.size()), [&](Index i, int /*thread*/) {
    const Index first = i * kPiece;
    f(pieces_[static_cast<std::size_t>(i)], first, std::min(kPiece, elements - first));
  });
}

bool FusedCpuLearner::all_finite() const {
  return std::all_of(pieces_.begin(), pieces_.end(), [](const Piece& piece) { return piece.finite; });
}

void FusedCpuLearner::q_values(std::span<float> q, std::span<const float> observations, Index n) {
  const Index inputs = mlp_.plan().inputs(), actions = mlp_.plan().actions();
  if (n < 1 || n > options_.max_acting_batch)
    fail("q_values of ", n, " observations, must be 1 to ", options_.max_acting_batch);
  if (static_cast<Index>(q.size()) != n * actions || static_cast<Index>(observations.size()) != n * inputs)
    fail("q_values of ", n, " observations: q has ", q.size(), " numbers, observations have ",
         observations.size(), "; expected ", n * actions, " and ", n * inputs);
  if (options_.normalizer) {
    const std::span<float> normalised = std::span(acting_).first(observations.size());
    options_.normalizer->apply(normalised, observations);
    observations = normalised;
  }
  const FlushDenormals flush;
  mlp_.q_values(q, observations, n, online().flat().data());
}

}  // namespace bellman
