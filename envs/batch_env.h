// Many copies of one environment, stepped together.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "envs/env.h"

namespace bellman {

/// E copies of an environment. Copy e draws from RandomStream{seed, purpose, e}, and does to the last bit
/// what an Env with that stream does, whatever the others do. Nothing resets itself.
class BatchEnv {
 public:
  virtual ~BatchEnv() = default;

  virtual const EnvSpec& spec() const = 0;
  virtual Index size() const = 0;

  /// Starts an episode in each of the copies `which`, and writes its observation to row e of observations
  /// (E,I). REQUIRES: 0 <= e < size(), here and below.
  virtual void reset(std::span<float> observations, std::span<const Index> which) = 0;
  /// One step of copies first .. first + actions.size() - 1: writes results (E) and observations (E,I) of
  /// these. Returns the copies whose episodes it ended, in order, until the next step.
  /// Throws: Error as Env::step.
  virtual std::span<const Index> step(std::span<StepResult> results, std::span<float> observations,
                                      Index first, std::span<const std::int32_t> actions) = 0;

  /// As Env::state and Env::set_state of copy e.
  virtual std::vector<double> state(Index e) const = 0;
  virtual void set_state(Index e, std::span<const double> state) = 0;
};

/// From this many copies on a batch of an environment's own is used, where it has one.
inline constexpr Index kLeastBatch = 8;

/// `copies` of what `make_env` makes: a batch of its own, or else one Env after the other.
/// Throws: Error when copies is not in 1 .. 2^24 - 1.
std::unique_ptr<BatchEnv> make_batch_env(const EnvFactory& make_env, Index copies, std::uint64_t seed,
                                         Purpose purpose);

}  // namespace bellman
