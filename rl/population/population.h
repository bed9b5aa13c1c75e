// Trains many runs on a device at once, one a block (core/nn/agent_kernel.h). A run's results are those of
// Trainer with its settings. They depend neither on the other runs nor on how many train side by side.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/nn/agent_kernel.h"
#include "rl/population/agent_run.h"
#include "rl/state/training_state.h"
#include "rl/train/model_file.h"
#include "rl/train/train_result.h"

namespace bellman {

/// Whether one population can train runs of both: they need the same environment, network, batch and replay.
/// Seed, learning rate, schedules and every other number may differ.
bool fit_one_population(const TrainConfig& a, const TrainConfig& b);

/// The device memory that a population needs, and how many of its runs fit at a time.
struct PopulationPlan {
  Index runs = 0, bytes = 0, free = 0;  // bytes: of one agent
  Index places = 0;
};

class Population {
 public:
  static constexpr Index kMostPlaces = 1 << 16;  // blocks of a launch

  /// Throws: Error, with the reason, when the device cannot train them, and with the numbers when not one
  /// fits its memory. REQUIRES: there is one; each two fit_one_population(); ops outlives it.
  Population(AgentKernelOps& ops, std::vector<TrainConfig> configs, Index most_places = kMostPlaces);
  /// The same, without allocating memory.
  static PopulationPlan plan(const AgentKernelOps& ops, std::span<const TrainConfig> configs,
                             Index most_places = kMostPlaces);
  /// Empty, or why the device cannot train it, as the end of a sentence.
  static std::string unsupported_reason(const AgentKernelOps& ops, const TrainConfig& config);

  const std::vector<RunRecord>& runs() const { return runs_; }
  /// Where the agents' arrays are stored, in a few words.
  std::string description() const { return agents_->description(); }

  /// Advances all agents by one launch. It lasts less than a tenth of a second once the first few launches have
  /// shown how long a tick takes. Then finished runs make room for waiting ones. False when all are over.
  bool advance();

  /// The model of a finished run. REQUIRES: it finished in the last advance().
  Model kept_model(std::size_t run);
  /// A run's whole state. REQUIRES: it is running, or was until the last advance().
  void save(std::size_t run, StateWriter& out);
  /// The run will start from this state. To be called before the first advance(). Throws: Error, naming file
  /// and tensor, for a state of other settings.
  void load(std::size_t run, const StateReader& in);
  /// The run is trained from its start to the tick of that state, and is kCut then. It ends at the latest when
  /// it has passed the state's step, so a state of no such run takes no longer. Reads only the state's counts.
  /// To be called before the first advance(). Throws: as load().
  void repeat(std::size_t run, const StateReader& in);
  /// Does not train the run, which is over or was cut before. To be called before the first advance().
  void leave_out(std::size_t run, const RunRecord& record);

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

  /// Where a run ends before its regular end.
  struct Moment {
    Index ticks = 0, timestep = 0;
  };

  /// What a run needs beside its record.
  struct Progress {
    Clock::time_point start{};
    double seconds_before = 0;      // of training, before it was loaded
    std::vector<std::byte> loaded;  // its first state; empty: a new run
    std::string source;             // the file that was loaded
    std::optional<Moment> last;
  };

  void vacate_places();
  void fill_places();
  void start(std::size_t place, std::size_t run);
  Index ticks_of_launch() const;
  void set_ticks(Index ticks, double seconds);
  std::vector<std::byte> state_of(const StateReader& in) const;
  Index place_of(std::size_t run) const;
  void update_record(std::size_t place, const AgentStatus& status);
  void finish(std::size_t run, const AgentStatus& status);
  double seconds(std::size_t run) const;

  std::vector<TrainConfig> configs_;
  AgentEnvData env_;
  Network network_;
  std::unique_ptr<AgentKernel> agents_;
  std::vector<RunRecord> runs_;
  std::vector<Progress> progress_;
  std::vector<std::size_t> run_in_;  // (places): which run, or kNone
  std::vector<AgentStatus> status_;
  std::size_t next_ = 0;  // the first run that has not started
  Index ticks_ = 1;
};

}  // namespace bellman
