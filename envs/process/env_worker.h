// A child process that plays copies of a Python environment (Gymnasium, EnvPool). One request steps as many copies as
// there are: actions, rewards and observations lie in memory that both processes map, and a line on a socket wakes the
// other side.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "envs/env.h"
#include "envs/process/socket_reader.h"

namespace bellman {

/// What a worker says of its environment before it plays.
struct EnvDescription {
  EnvSpec spec;
  std::string observation_type;  // as NumPy names it: "float64"; "one_hot" of a Discrete space
  std::string way_to_save;       // "pickle", "get_state"; empty: a running episode cannot be saved
};

/// One worker. Not for several threads at once.
class EnvWorker {
 public:
  /// A copy of the environment in the shared memory. envs/process/env_worker.py has the same layout.
  struct Record {
    double reward;
    std::uint8_t terminated, truncated;
    std::uint32_t seed;  // of the next reset
    std::int32_t action;
  };

  /// Starts the process and waits until it has described its environment. `first`: null, or what another worker of the
  /// same options has said: the process then does not find it out again.
  /// Throws: Error with one line when the process cannot be started, ends, does not answer within options.env_timeout
  /// seconds, or refuses the environment.
  explicit EnvWorker(const EnvOptions& options, const EnvDescription* first = nullptr);
  /// Ends the process; one that does not end by itself within a second is killed.
  ~EnvWorker();
  EnvWorker(const EnvWorker&) = delete;
  EnvWorker& operator=(const EnvWorker&) = delete;

  const EnvDescription& description() const { return description_; }

  /// `copies` more; their numbers follow each other. Returns the first. Throws: Error as the constructor, here and
  /// below.
  Index add(Index copies);
  Record& record(Index e);
  /// (I), valid until the next add().
  std::span<const float> observation(Index e) const;

  /// Asks without waiting; wait() must follow. Copies first .. end - 1 take their records' actions.
  void ask_step(Index first, Index end);
  void ask_step(std::span<const Index> which);
  /// Starts an episode of each, with its record's seed.
  void ask_reset(std::span<const Index> which);
  void wait();
  /// The running episode's state. REQUIRES: description().way_to_save is not empty.
  std::vector<std::byte> save(Index e);
  void load(Index e, std::span<const std::byte> state);
  /// The picture that the copy draws of itself: height, width (4 bytes each), then (height, width, 3). REQUIRES: it was
  /// reset.
  std::vector<std::byte> frame(Index e);

 private:
  struct Process {
    int pid = -1, socket = -1, memory = -1;
  };

  void start(const EnvDescription* first);
  void describe(const std::string& fields);
  void send(std::string_view bytes);
  std::string line();
  void receive_more();
  std::string answer();
  std::vector<std::byte> ask_bytes(const char* command, Index e);
  [[noreturn]] void fail_with_end();
  void end();

  EnvOptions options_;
  Process process_;
  EnvDescription description_;
  SocketReader reader_;
  std::string received_;
  std::byte* records_ = nullptr;
  std::size_t stride_ = 0;
  Index copies_ = 0;
};

}  // namespace bellman
