// What gathers experience and learns from it: replay, sampling and learner behind one door. Where each of
// them lives is the agent's affair: HostAgent keeps the replay in host memory, ResidentAgent in the
// backend's.
#pragma once

#include <cstdint>
#include <span>

#include "core/base/tensor.h"
#include "core/ops/replay_ops.h"
#include "rl/learn/learner.h"

namespace bellman {

/// Lanes are the environments, one each.
class Agent {
 public:
  /// What a learn step depends on beside the experience.
  struct LearnStep {
    std::uint64_t number = 0;  // gradient steps made before: its draws depend on it
    Index timestep = 0;        // environment steps made: for messages
    float learning_rate = 0;
    double beta = 1;  // exponent of the importance weights
  };

  virtual ~Agent() = default;

  /// An episode starts in a lane with this observation. Throws: Error when one is running there.
  virtual void begin_episode(Index lane, std::span<const float> observation) = 0;
  /// The lane's environment made a step of which nothing can be used, and starts an episode with this
  /// observation: the running one ends with its last step, as if truncated there. Throws: Error when none is
  /// running.
  virtual void restart_episode(Index lane, std::span<const float> observation) = 0;
  /// The lane's environment made a step; `next_observation` is what followed, the real final one at an
  /// episode's end. Throws: Error when no episode is running there, or the reward is not finite.
  virtual void add(Index lane, std::int32_t action, float reward, bool terminated, bool truncated,
                   std::span<const float> next_observation) = 0;

  /// action(E), epsilon-greedy: lane e is in the observation that it was last told of, which is also row e of
  /// `observations` (E,I).
  virtual void act(std::span<std::int32_t> actions, std::span<const float> observations,
                   const EpsilonGreedy& exploration) = 0;
  /// q(n,A) of n observations of whomever.
  virtual void q_values(std::span<float> q, std::span<const float> observations, Index n) = 0;

  /// One gradient step on a batch of its own choice. False when there is nothing yet to learn from. A step
  /// whose loss or gradient is not finite changes nothing; with OnNan::kSkip it is counted. Throws: Error,
  /// naming step, tensor and sample, otherwise, and for a step that leaves a parameter which is not finite:
  /// here or, where the steps run on a device and nobody waits for them, at the next take_summary(),
  /// skipped_updates() or save(); no step that follows changes anything.
  virtual bool learn(const LearnStep& step) = 0;
  /// `steps` of them, one after the other, with numbers from first.number on: what as many calls of learn()
  /// do, at once where that is faster. Returns how many there were.
  virtual Index learn_steps(const LearnStep& first, Index steps) {
    Index made = 0;
    for (LearnStep step = first; made < steps && learn(step); ++made) ++step.number;
    return made;
  }
  /// How many of them learn_steps() makes at once where it can: a caller who wants to look up in between asks
  /// for no more at a time.
  virtual Index steps_at_once() const { return 1; }
  /// target <- tau online + (1 - tau) target.
  virtual void update_target(float tau) = 0;

  /// Of the learn steps since the last call, those apart that were skipped.
  virtual LearnSummary take_summary() = 0;
  /// Learn steps that were skipped, since the run began.
  virtual Index skipped_updates() = 0;
  /// Of the last learn step; NaN before the first.
  virtual float last_loss() = 0;

  /// As Learner::get_parameters and set_parameters.
  virtual void get_parameters(std::span<float> out) = 0;
  virtual void set_parameters(std::span<const float> in) = 0;

  /// Replay, sampler, networks, optimiser, sums of the summary: all that changes. An agent that loads what
  /// another of the same settings saved goes on to the same bits. load throws: Error for a state that is
  /// another's.
  virtual void save(StateWriter& out) = 0;
  virtual void load(const StateReader& in) = 0;
};

}  // namespace bellman
