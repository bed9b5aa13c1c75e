// What all environments do alike: count steps, keep the time limit, number the random draws, save and
// restore. A particular environment adds only its physics.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/base/numeric.h"
#include "core/base/tensor.h"
#include "envs/env.h"

namespace bellman {

// ---- A time limit ends an episode without ending the task: the last state still has value.

/// How many steps an episode has made, and how many it may make. Whether the task ended on the same step is
/// not asked: failing on the very step that hits the limit is both terminated and truncated.
struct TimeLimit {
  Index limit = 0;    // steps an episode may make; 0: no limit
  Index elapsed = 0;  // steps since the last reset

  BELLMAN_HOST_DEVICE constexpr void restart() { elapsed = 0; }
  /// Counts one step. True when it was the last one allowed.
  BELLMAN_HOST_DEVICE constexpr bool advance() {
    ++elapsed;
    return reached();
  }
  BELLMAN_HOST_DEVICE constexpr bool reached() const { return limit > 0 && elapsed >= limit; }
};

// ---- What all environments do alike: count steps, keep the time limit, number the random draws, save and
// restore. A particular environment adds only its physics.

enum class EpisodePhase : std::int8_t { kUnstarted = 0, kRunning = 1, kOver = 2 };

/// Throws: Error when action is not in [0, num_actions), or no episode runs.
void check_episode_step(const EnvSpec& spec, EpisodePhase phase, int action);

/// An environment whose numbers are its physical state and a few counters.
///
/// Every reset and every step of a life time has a number, the *draw*: reset and step take their random
/// numbers from (stream, draw), so that state() needs no hidden generator.
///
/// state() is the physical state, then: steps made in this episode, draws made so far, and the phase.
class EpisodeEnv : public Env {
 public:
  const EnvSpec& spec() const final { return spec_; }
  void seed(const RandomStream& stream) final;
  void reset() final;
  /// Throws: Error when action is not in [0, num_actions), before the first reset, and after an episode's
  /// end.
  StepResult step(int action) final;
  std::vector<double> state() const final;
  void set_state(std::span<const double> state) final;
  void set_physical_state(std::span<const double> values) final;

 protected:
  struct Transition {
    double reward = 0;
    bool terminated = false;
  };

  /// `physical_size`: how many numbers the physical state has.
  EpisodeEnv(EnvSpec spec, std::size_t physical_size);

  /// Draws an initial state.
  virtual void start(const RandomStream& stream, std::uint64_t draw) = 0;
  /// Moves on. REQUIRES: action in range, and a state that is not terminal.
  virtual Transition advance(int action, const RandomStream& stream, std::uint64_t draw) = 0;

  virtual void write_physical(std::span<double> out) const = 0;
  virtual void read_physical(std::span<const double> values) = 0;
  /// Is this a state that the environment can be in, and does it end the task? Throws: Error naming the value
  /// that makes it impossible.
  virtual bool is_terminal(std::span<const double> values) const = 0;

 private:
  EnvSpec spec_;
  std::size_t physical_size_;
  RandomStream stream_{};
  std::uint64_t draws_ = 0;
  TimeLimit time_;
  EpisodePhase phase_ = EpisodePhase::kUnstarted;
};

/// state() of `env` before its first episode, but with the draws of `earlier`, a state of an environment of
/// another task: what is played next is new to both. REQUIRES: `env` is an EpisodeEnv. Throws: Error when
/// `earlier` is too short to be a state.
std::vector<double> unstarted_state(const Env& env, std::span<const double> earlier);

}  // namespace bellman
