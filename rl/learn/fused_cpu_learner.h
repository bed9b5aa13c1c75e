// The fast learner for small dense networks on a CPU: the passes, the loss and Adam fused (core/cpu/fused/),
// shared by the backend's threads. It does what OpByOpLearner does, keeps and saves the same state, and
// rounds otherwise.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/cpu/fused/mlp.h"
#include "core/cpu/simd/kernels.h"
#include "rl/learn/dqn_update.h"
#include "rl/learn/learner.h"
#include "rl/replay/observation_store.h"

namespace bellman {

class FusedCpuLearner final : public Learner {
 public:
  /// `kernels`: of an instruction set that this processor has. Throws: Error when it cannot train
  /// this (rl/learn/make_learner.h), and as DqnParameters. REQUIRES: backend and network outlive the learner.
  FusedCpuLearner(Backend& backend, const Network& network, const LearnerOptions& options,
                  const cpu::Kernels& kernels = *cpu::usable_kernels().front());

  std::string description() const override { return std::string("fused, with ") + mlp_.kernels().name; }
  void q_values(std::span<float> q, std::span<const float> observations, Index n) override;
  /// Numbers below 1.2e-38 (denormals) count as zero in it.
  LearnStats learn(const Batch& batch, float learning_rate, std::span<float> td_error) override;
  void update_target(float tau) override { parameters_.update_target(tau); }
  void get_parameters(std::span<float> out) override { parameters_.get(out); }
  void set_parameters(std::span<const float> in) override { parameters_.set(in); }

  void save(StateWriter& out) const override { parameters_.save(out); }
  void load(const StateReader& in) override { parameters_.load(in); }

  // For tests and teaching.
  const Arena& online() const { return parameters_.online(); }
  const Arena& target() const { return parameters_.target(); }
  const Arena& gradients() const { return parameters_.gradients(); }
  const Optimizer& optimizer() const { return parameters_.optimizer(); }

 private:
  /// Where the network reads the batch's observations: in the replay itself, when they can go in as they are.
  cpu::fused::Observations observations_of(const Batch& batch);
  void step(LearnStats& stats, float learning_rate);
  template <class F>
  void for_each_piece(F f);
  bool all_finite() const;

  /// What came of a run of parameters in the latest pass over them.
  struct Piece {
    bool finite = true;
    double squares = 0;
  };

  LearnerOptions options_;
  ThreadPool& pool_;
  AdamOptions adam_;
  DqnParameters parameters_;
  cpu::fused::Mlp mlp_;
  std::vector<Piece> pieces_;
  // Observations that are converted first: bytes, and what is normalised.
  std::vector<float> staged_, next_staged_;  // (max_batch, I)
  std::vector<Index> staged_rows_;           // 0, 1, 2, ..
  std::vector<float> acting_;                // (max_acting_batch, I)
};

}  // namespace bellman
