// What all environments have in common: step count, time limit, numbered random draws, saving and restoring.
// A particular environment adds only its physics.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/base/numeric.h"
#include "core/base/tensor.h"
#include "envs/env.h"

namespace bellman {

/// A time limit ends an episode without ending the task: the last state still has value. A step that reaches
/// the limit and ends the task is both terminated and truncated.
struct TimeLimit {
  Index limit = 0;    // steps an episode may make; 0: no limit
  Index elapsed = 0;  // steps since the last reset

  BELLMAN_HOST_DEVICE constexpr void restart() { elapsed = 0; }
  /// Counts a step. True when it was the last one allowed.
  BELLMAN_HOST_DEVICE constexpr bool advance() {
    ++elapsed;
    return reached();
  }
  BELLMAN_HOST_DEVICE constexpr bool reached() const { return limit > 0 && elapsed >= limit; }
};

enum class EpisodePhase : std::int8_t { kUnstarted = 0, kRunning = 1, kOver = 2 };

/// Throws: Error when action is not in [0, num_actions), or no episode runs.
void check_episode_step(const EnvSpec& spec, EpisodePhase phase, int action);

/// An environment whose state is its physical state and a few counters.
///
/// Every reset and step has a number, the *draw*, and takes its random numbers from (stream, draw), so that
/// state() needs no hidden generator.
///
/// state() is the physical state, then: steps of this episode, draws so far, and the phase.
class EpisodeEnv : public Env {
 public:
  const EnvSpec& spec() const final { return spec_; }
  void seed(const RandomStream& stream) final;
  void reset() final;
  /// Throws: Error when action is not in [0, num_actions), or no episode runs.
  StepResult step(int action) final;
  std::vector<double> state() const final;
  void set_state(std::span<const double> state) final;
  void set_physical_state(std::span<const double> values) final;

 protected:
  struct Transition {
    double reward = 0;
    bool terminated = false;
  };

  /// `physical_size`: the length of the physical state.
  EpisodeEnv(EnvSpec spec, std::size_t physical_size);

  /// Draws an initial state.
  virtual void start(const RandomStream& stream, std::uint64_t draw) = 0;
  /// Makes one step. REQUIRES: action in range, and a state that is not terminal.
  virtual Transition advance(int action, const RandomStream& stream, std::uint64_t draw) = 0;

  virtual void write_physical(std::span<double> out) const = 0;
  virtual void read_physical(std::span<const double> values) = 0;
  /// Whether this state ends the task. Throws: Error that names an impossible value.
  virtual bool is_terminal(std::span<const double> values) const = 0;

 private:
  EnvSpec spec_;
  std::size_t physical_size_;
  RandomStream stream_{};
  std::uint64_t draws_ = 0;
  TimeLimit time_;
  EpisodePhase phase_ = EpisodePhase::kUnstarted;
};

/// state() of `env` before its first episode, but with the count of draws of `earlier`, a state of another
/// task's environment: the next episodes then repeat random numbers of neither. REQUIRES: `env` is an
/// EpisodeEnv.
/// Throws: Error when `earlier` is too short for a state.
std::vector<double> unstarted_state(const Env& env, std::span<const double> earlier);

}  // namespace bellman
