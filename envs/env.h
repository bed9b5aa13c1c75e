// The interface of every environment.
//
// An episode: reset, then steps until one says terminated (the task ended: nothing follows, so nothing is
// bootstrapped) or truncated (a time limit: the state after it still has value), both, or neither. The
// environment never resets itself. Randomness is a function of (seed, stream, step): the step is the count of
// resets and steps, part of the state.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/rng.h"
#include "core/base/tensor.h"

namespace bellman {

// ---- The interface of every environment.
//
// An episode: reset, then steps until one says terminated (the task ended: nothing follows, so nothing is
// bootstrapped) or truncated (a time limit: the state after it still has value), both, or neither. The
// environment never resets itself. Randomness is a function of (seed, stream, step): the step is the count of
// resets and steps, part of the state.

struct EnvSpec {
  std::string id;           // "CartPole-v1"
  Shape observation_shape;  // (4), (16), (4,8,8)
  int num_actions = 0;
  Index max_episode_steps = 0;            // 0: no time limit
  double reward_threshold = 0;            // mean return that counts as solved; NaN: none is defined
  std::vector<std::string> action_names;  // num_actions of them
  double highest_return = std::numeric_limits<double>::infinity();  // no episode returns more
  double lowest_return =
      -std::numeric_limits<double>::infinity();  // none returns less; gridworlds do not say
  bool goal_in_reach = true;                     // false: no way leads from a start to a goal of the map
  bool byte_observations = false;  // they hold whole numbers from 0 to 255 alone, and are kept as bytes
};

struct StepResult {
  float reward = 0;
  bool terminated = false;
  bool truncated = false;
};

class BatchEnv;

class Env {
 public:
  virtual ~Env() = default;

  virtual const EnvSpec& spec() const = 0;
  /// Which random numbers this environment draws, from step 0 on. Call before the first reset.
  virtual void seed(const RandomStream& stream) = 0;
  virtual void reset() = 0;
  /// Throws: Error when action is not in [0, num_actions). REQUIRES: a reset, and no step after an episode's
  /// end.
  virtual StepResult step(int action) = 0;
  /// Writes the observation of the present state. REQUIRES: out holds observation_shape.elements().
  virtual void observe(std::span<float> out) const = 0;

  /// All that changes, as numbers (counts exactly, below 2^53): set_state(state()) continues to the same
  /// bits.
  virtual std::vector<double> state() const = 0;
  /// Throws: Error, naming what is wrong, for a state this environment cannot be in.
  virtual void set_state(std::span<const double> state) = 0;
  /// Sets only the physical state (CartPole's x, x', theta, theta'; a gridworld's cell), as `rollout --state`
  /// does; the episode starts there. Throws: Error for a wrong count or value.
  virtual void set_physical_state(std::span<const double> values) = 0;

  /// `copies` of this environment that are stepped faster together than one by one, to the same bits
  /// (envs/env.h), not reset yet; copy e draws from random stream {seed, purpose, e}. Null: there is no
  /// faster way.
  virtual std::unique_ptr<BatchEnv> batch(Index copies, std::uint64_t seed, Purpose purpose) const;
};

/// A map of a gridworld: its name and, once it was read, what it says. Environments are made of the text, so
/// a run stays on the map that it began with, whatever becomes of the file.
struct MapSource {
  MapSource() = default;
  MapSource(std::string map_name) : name(std::move(map_name)) {}  // NOLINT: a name alone is a map, too
  MapSource(const char* map_name) : name(map_name) {}             // NOLINT
  bool operator==(const MapSource&) const = default;

  std::string name;  // a file's path, or a bundled map's name; empty: the environment's own map
  std::string text;  // of the file, as plain_map_text gives it; empty: not read yet, or the map is bundled
};

/// What a user can choose about an environment. Options that an environment does not know must keep their
/// default.
struct EnvOptions {
  std::string id = "CartPole-v1";
  MapSource map;                        // FrozenLake, GridWorld
  std::string observation = "one_hot";  // gridworlds: one_hot | coordinates | planes
  bool slippery = true;                 // FrozenLake
  double success_rate = 1.0 / 3.0;      // FrozenLake: probability of the intended direction when slippery
  double slip = -1;                     // GridWorld: probability of slipping; negative: the map's own
  bool sutton_barto_reward = false;     // CartPole: 0, and -1 on termination
  Index max_episode_steps = -1;         // -1: the environment's own; 0: none

  /// The time limit of an environment whose own is `own`.
  Index limit_or(Index own) const { return max_episode_steps < 0 ? own : max_episode_steps; }
  bool operator==(const EnvOptions&) const = default;
};

/// Options that only some environments have, as bits.
enum class EnvOption : unsigned {
  kMap = 1,
  kObservation = 2,
  kSlippery = 4,  // and success_rate
  kSlip = 8,
  kSuttonBartoReward = 16,
};
/// Whether the environment with this id has the option; true for an unknown id, which make_env refuses.
bool has_option(std::string_view id, EnvOption option);

/// Reads the map file of `options` unless its text is there already; afterwards no file is needed to make
/// environments. A text that is there is checked and made plain. Throws: Error, as make_env does of a map.
void read_map(EnvOptions& options);

/// The present state of the map file that a text was read from.
struct MapFileNow {
  bool is_missing = false;
  /// From the text: "line 2 is \"FFFG\", not \"FHFG\"", or why it is no map; empty: none.
  std::string difference;
};
/// Of options without a map's text, which have no earlier file: neither missing nor different.
MapFileNow map_file_now(const EnvOptions& options);

/// Throws: Error for an unknown id (with the nearest), an option that does not apply to it, or a bad map.
std::unique_ptr<Env> make_env(const EnvOptions& options);

/// Makes one more copy of the same environment.
using EnvFactory = std::function<std::unique_ptr<Env>()>;

/// Reads and builds at once what the copies share (a gridworld's map, its table): each of them then takes
/// little memory, and no file is read again. Throws: Error as make_env.
EnvFactory env_factory(const EnvOptions& options);

/// The known ids with a line about each, for `bellman envs`.
struct EnvEntry {
  std::string_view id;
  std::string_view summary;
};
std::span<const EnvEntry> env_entries();

// ---- Many copies of one environment, stepped together.

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

// ---- What the elements of an observation are, in words.

struct ObservationPart {
  std::string place;    // "0"; "row * 4 + column"; "plane 2"
  std::string meaning;  // "cart position, m, 0 in the middle; ..."
};

/// In the order of the observation of make_env(options). Throws: Error as make_env().
std::vector<ObservationPart> observation_parts(const EnvOptions& options);

}  // namespace bellman
