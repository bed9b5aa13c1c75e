#include "envs/episode_env.h"

#include <cmath>
#include <utility>

#include "core/base/check.h"

namespace bellman {
namespace {

/// A count stored as a double. Throws: Error for anything but a whole number in [0, 2^53].
std::int64_t whole(double value, const std::string& id, const char* what) {
  if (!(value >= 0 && value <= 0x1p53 && value == std::floor(value)))
    fail(id, ": a state's ", what, " is ", value, ", must be a whole number from 0 to 2^53");
  return static_cast<std::int64_t>(value);
}

}  // namespace

void check_episode_step(const EnvSpec& spec, EpisodePhase phase, int action) {
  if (action < 0 || action >= spec.num_actions)
    fail(spec.id, ": action ", action, " is not in [0, ", spec.num_actions, ")");
  if (phase != EpisodePhase::kRunning)
    fail(spec.id, ": step ",
         phase == EpisodePhase::kOver ? "after the end of an episode" : "before the first reset");
}

EpisodeEnv::EpisodeEnv(EnvSpec spec, std::size_t physical_size)
    : spec_(std::move(spec)), physical_size_(physical_size) {
  time_.limit = spec_.max_episode_steps;
}

void EpisodeEnv::seed(const RandomStream& stream) {
  stream_ = stream;
  draws_ = 0;
}

void EpisodeEnv::reset() {
  start(stream_, draws_++);
  time_.restart();
  phase_ = EpisodePhase::kRunning;
}

StepResult EpisodeEnv::step(int action) {
  check_episode_step(spec_, phase_, action);
  const Transition transition = advance(action, stream_, draws_++);
  const bool truncated = time_.advance();
  if (transition.terminated || truncated) phase_ = EpisodePhase::kOver;
  return {static_cast<float>(transition.reward), transition.terminated, truncated};
}

std::vector<double> EpisodeEnv::state() const {
  std::vector<double> out(physical_size_ + 3);
  write_physical(std::span(out).first(physical_size_));
  out[physical_size_] = static_cast<double>(time_.elapsed);
  out[physical_size_ + 1] = static_cast<double>(draws_);
  out[physical_size_ + 2] = static_cast<double>(phase_);
  return out;
}

void EpisodeEnv::set_state(std::span<const double> state) {
  if (state.size() != physical_size_ + 3)
    fail(spec_.id, ": a state of ", state.size(), " numbers, must be ", physical_size_ + 3);
  const std::span<const double> physical = state.first(physical_size_);
  TimeLimit time{spec_.max_episode_steps, whole(state[physical_size_], spec_.id, "step count")};
  const std::int64_t draws = whole(state[physical_size_ + 1], spec_.id, "draw count");
  const std::int64_t phase = whole(state[physical_size_ + 2], spec_.id, "phase");
  if (phase > 2) fail(spec_.id, ": a state's phase is ", phase, ", must be 0, 1 or 2");

  const bool over = is_terminal(physical) || time.reached();
  if (over != (phase == static_cast<std::int64_t>(EpisodePhase::kOver)))
    fail(spec_.id, ": a state's phase is ", phase, ", but its episode ", over ? "is over" : "is not over",
         " after ", time.elapsed, " steps");
  if (time.elapsed > draws)
    fail(spec_.id, ": a state has made ", time.elapsed, " steps with ", draws, " draws, must be one a step");

  read_physical(physical);
  time_ = time;
  draws_ = static_cast<std::uint64_t>(draws);
  phase_ = static_cast<EpisodePhase>(phase);
}

void EpisodeEnv::set_physical_state(std::span<const double> values) {
  if (values.size() != physical_size_)
    fail(spec_.id, ": a physical state of ", values.size(), " numbers, must be ", physical_size_);
  if (is_terminal(values)) fail(spec_.id, ": no episode starts in a state that ends it");
  read_physical(values);
  time_.restart();
  phase_ = EpisodePhase::kRunning;
}

std::vector<double> unstarted_state(const Env& env, std::span<const double> earlier) {
  if (earlier.size() < 3) fail(env.spec().id, ": a state of ", earlier.size(), " numbers, must be 3 or more");
  std::vector<double> state = env.state();
  state[state.size() - 2] = earlier[earlier.size() - 2];
  return state;
}

}  // namespace bellman
