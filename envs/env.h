// Environments: the interface, options, and batches of copies.
//
// An episode is a reset, then steps until one is terminated (the task ended: nothing to bootstrap from) or
// truncated (a time limit: the state after it still has value), or both. An environment never resets itself.
// Its randomness is a function of (seed, stream, step); the step is the count of resets and steps, which is
// part of the state.
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
  bool byte_observations = false;     // they hold whole numbers from 0 to 255 alone, and are kept as bytes
  bool narrows_observations = false;  // they had more digits than a float has
  Index frame_stack = 1;       // observations are this many frames, oldest first, along the first dimension
  bool saves_episodes = true;  // false: state() has no running episode, and set_state() waits for a reset
};

struct StepResult {
  float reward = 0;
  bool terminated = false;
  bool truncated = false;
  /// No step was made, an episode began: so do vector environments that reset themselves one step late.
  bool began = false;
};

class BatchEnv;

class Env {
 public:
  virtual ~Env() = default;

  virtual const EnvSpec& spec() const = 0;
  /// Which random numbers this environment draws, from step 0 on. Call before the first reset.
  virtual void seed(const RandomStream& stream) = 0;
  virtual void reset() = 0;
  /// Throws: Error when action is not in [0, num_actions). REQUIRES: a running episode.
  virtual StepResult step(int action) = 0;
  /// step(action) in two halves. Environments in another process make the steps that were begun together.
  virtual void begin_step(int action) { begun_ = action; }
  virtual StepResult end_step() { return step(begun_); }
  /// Writes the current observation. REQUIRES: out holds observation_shape.elements().
  virtual void observe(std::span<float> out) const = 0;

  /// The whole state as numbers (counts are below 2^53 and exact): set_state(state()) continues to the same
  /// bits.
  virtual std::vector<double> state() const = 0;
  /// Throws: Error that names what is wrong with an impossible state.
  virtual void set_state(std::span<const double> state) = 0;
  /// Starts an episode in this physical state (CartPole's x, x', theta, theta'; a gridworld's cell), as
  /// `rollout --state` does. Throws: Error for a wrong count or value.
  virtual void set_physical_state(std::span<const double> values) = 0;

  /// The environment that this one wraps, whose state can be shown; itself if it wraps none.
  virtual const Env& unwrapped() const { return *this; }

  /// `copies` of this environment, not reset, that step faster together than one by one, to the same bits;
  /// copy e draws from the stream e places after `first`. Null when there is no faster way.
  virtual std::unique_ptr<BatchEnv> batch(Index copies, const RandomStream& first) const;
  /// The fewest copies for which batch() is used.
  virtual Index least_batch() const { return 8; }

 private:
  int begun_ = 0;
};

/// A gridworld's map: its name and, once it was read, its text. Environments are made from the text, so a run
/// keeps its map even when the file changes.
struct MapSource {
  MapSource() = default;
  MapSource(std::string map_name) : name(std::move(map_name)) {}  // NOLINT: a name converts to a map
  MapSource(const char* map_name) : name(map_name) {}             // NOLINT
  bool operator==(const MapSource&) const = default;

  std::string name;  // a file's path, or a bundled map's name; empty: the environment's own map
  std::string text;  // of the file, by plain_map_text; empty: not read yet, or a bundled map
};

/// A user's choices. Options that an environment does not have must keep their defaults.
struct EnvOptions {
  std::string id = "CartPole-v1";
  MapSource map;                        // FrozenLake, GridWorld
  std::string observation = "one_hot";  // gridworlds: one_hot | coordinates | planes
  bool slippery = true;                 // FrozenLake
  double success_rate = 1.0 / 3.0;      // FrozenLake: probability of the intended direction when slippery
  double slip = -1;                     // GridWorld: probability of slipping; negative: the map's own
  bool sutton_barto_reward = false;     // CartPole: 0, and -1 on termination
  Index max_episode_steps = -1;         // -1: the environment's own; 0: none
  Index frame_stack = 1;                // observations that are shown as one (envs/frame_stack.h)

  // Environments of Python packages, which other processes play (envs/process/).
  std::string env_kwargs;          // of its constructor: "gravity=-9, wind=true", or a JSON object
  std::string python = "python3";  // the interpreter, by its path or as found on the PATH
  Index env_workers = 0;           // processes for num_envs; 0: as many as processors
  Index env_timeout = 120;         // seconds that one may take for an answer

  // Games of ale_py, as agents see them (envs/process/atari.py). Names are those of
  // gymnasium.wrappers.AtariPreprocessing.
  bool atari = false;
  Index noop_max = 30;     // an episode begins with 1 .. noop_max frames without action; 0: none
  Index frame_skip = 4;    // frames that an action is repeated for
  Index screen_size = 84;  // rows and columns of what is seen
  bool terminal_on_life_loss =
      false;  // a lost life ends an episode of training; evaluations play whole games

  /// The time limit, for an environment's own limit `own`.
  Index limit_or(Index own) const { return max_episode_steps < 0 ? own : max_episode_steps; }
  bool operator==(const EnvOptions&) const = default;
};

/// An environment's id as a part of a file's name: without slashes and colons.
std::string file_name_of(std::string id);

/// Whether both are one task: how its processes are started makes no difference.
bool is_same_task(const EnvOptions& a, const EnvOptions& b);

/// Options that only some environments have, as bits.
enum class EnvOption : unsigned {
  kMap = 1,
  kObservation = 2,
  kSlippery = 4,  // and success_rate
  kSlip = 8,
  kSuttonBartoReward = 16,
  kProcess = 32,  // env_kwargs, python, env_workers, env_timeout
  kAtari = 64,    // atari, noop_max, frame_skip, screen_size, terminal_on_life_loss
};
/// Whether the environment with this id has the option; true for an unknown id, which make_env rejects.
bool has_option(std::string_view id, EnvOption option);

/// Reads the map file of `options` unless its text is set, so that no file is needed to make environments
/// afterwards. A text that is set is checked and made plain. Throws: Error for a bad map, as make_env.
void read_map(EnvOptions& options);

/// The map file compared with the text that was read from it.
struct MapFileNow {
  bool is_missing = false;
  /// `line 2 is "FFFG", it was "FHFG"`, or why the file is no map; empty when they are equal.
  std::string difference;
};
/// For options without a map's text: neither missing nor different.
MapFileNow map_file_now(const EnvOptions& options);

/// Throws: Error for an unknown id (with the nearest), an option that does not apply to it, or a bad map.
std::unique_ptr<Env> make_env(const EnvOptions& options);

/// Makes another copy of the same environment.
using EnvFactory = std::function<std::unique_ptr<Env>()>;

/// Reads and builds once what the copies share (a gridworld's map and table), so that each copy takes little
/// memory and reads no file. Throws: Error as make_env.
EnvFactory env_factory(const EnvOptions& options);

/// The known ids with a line on each, for `bellman envs`.
struct EnvEntry {
  std::string_view id;
  std::string_view summary;
};
std::span<const EnvEntry> env_entries();

/// E copies of an environment, stepped together. Each draws from a random stream of its own and equals an Env
/// with that stream to the last bit, independently of the others. Copies do not reset themselves.
class BatchEnv {
 public:
  virtual ~BatchEnv() = default;

  virtual const EnvSpec& spec() const = 0;
  virtual Index size() const = 0;

  /// Resets the copies `which`, and writes their observations to their rows of observations (E,I).
  /// REQUIRES: 0 <= e < size(), here and below.
  virtual void reset(std::span<float> observations, std::span<const Index> which) = 0;
  /// Steps copies first .. first + actions.size() - 1 and writes their rows of results (E) and observations
  /// (E,I). Returns the copies whose episodes ended, in order; valid until the next step. Throws: Error as
  /// Env::step.
  virtual std::span<const Index> step(std::span<StepResult> results, std::span<float> observations,
                                      Index first, std::span<const std::int32_t> actions) = 0;

  /// As Env::state and Env::set_state of copy e.
  virtual std::vector<double> state(Index e) const = 0;
  virtual void set_state(Index e, std::span<const double> state) = 0;
};

/// These, one after the other: copy e is envs[e]. REQUIRES: at least one, all seeded and of one kind.
std::unique_ptr<BatchEnv> one_by_one(std::vector<std::unique_ptr<Env>> envs);

/// The stream that copy e of a batch draws from whose copy 0 draws from `first`.
inline RandomStream stream_of_copy(const RandomStream& first, Index e) {
  return {first.seed, first.purpose, first.index + static_cast<std::uint32_t>(e)};
}

/// `copies` of what `make_env` makes: its own batch, or otherwise one Env after the other. Copy e draws from
/// stream_of_copy(first, e). Throws: Error when copies is not in 1 .. 2^24 - 1, or there are fewer streams.
std::unique_ptr<BatchEnv> make_batch_env(const EnvFactory& make_env, Index copies, const RandomStream& first);

/// An element of an observation, in words.
struct ObservationPart {
  std::string place;    // "0"; "row * 4 + column"; "plane 2"
  std::string meaning;  // "cart position, m, 0 in the middle; ..."
};

/// In the order of make_env(options)'s observation. Throws: Error as make_env.
std::vector<ObservationPart> observation_parts(const EnvOptions& options);

}  // namespace bellman
