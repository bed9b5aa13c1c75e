// Several copies of one environment that gather experience side by side.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "envs/env.h"
#include "rl/state/rank_share.h"
#include "rl/state/training_state.h"

namespace bellman {

/// E environments and the observation each of them is in. Environment e draws from RandomStream{seed,
/// Purpose::kEnvironment, e}: it plays the same whatever the others do. Nothing resets itself: after an
/// episode's end the observation is the real final one until reset(e). Only the constructor allocates.
///
/// Where several ranks train (rl/ranks), some of the E are here, and the others' steps are told (set_result).
class VectorEnv {
 public:
  /// `here`: those that this process steps; none: all. Throws: Error when num_envs is not in 1 .. 2^24 - 1.
  VectorEnv(const EnvFactory& make_env, Index num_envs, std::uint64_t seed, RankShare here = {});

  const EnvSpec& spec() const { return envs_->spec(); }
  Index size() const { return static_cast<Index>(results_.size()); }
  const RankShare& here() const { return here_; }
  /// (here,I): those of the environments here, for one forward pass.
  std::span<const float> observations() const { return observations_; }
  /// (I); empty for one that is not here. REQUIRES: 0 <= e < size(), here and below.
  std::span<const float> observation(Index e) const {
    if (!here_.has(e)) return {};
    return observations().subspan(static_cast<std::size_t>(e - here_.first) * observation_size_,
                                  observation_size_);
  }

  /// Starts an episode in environment e, wherever it is.
  void reset(Index e);
  /// One step of environment e. Throws: Error as Env::step. REQUIRES: it is here.
  StepResult step(Index e, std::int32_t action);
  /// One step of every environment here, with actions (here). Throws: Error as Env::step, and for another number
  /// of actions.
  void step(std::span<const std::int32_t> actions);
  /// What a step of an environment that is not here led to.
  void set_result(Index e, const StepResult& result);
  /// What the last step of environment e led to.
  const StepResult& result(Index e) const { return results_[static_cast<std::size_t>(e)]; }

  /// Of the episode that environment e is in, or has just ended.
  double episode_return(Index e) const { return returns_[static_cast<std::size_t>(e)]; }
  Index episode_length(Index e) const { return lengths_[static_cast<std::size_t>(e)]; }

  /// The environments here with their observations, and the returns and lengths of all episodes.
  void save(StateWriter& out) const;
  /// From a state that has all environments. Throws: Error, naming the environment, as Env::set_state and
  /// StateReader::get.
  void load(const StateReader& in);

 private:
  void step(Index first, std::span<const std::int32_t> actions);
  void count(Index e);

  RankShare here_;
  std::unique_ptr<BatchEnv> envs_;  // those here
  std::size_t observation_size_ = 0;
  std::vector<float> observations_;  // (here,I)
  std::vector<StepResult> results_;  // (E)
  std::vector<double> returns_;      // (E), of raw rewards
  std::vector<Index> lengths_;       // (E)
};

}  // namespace bellman
