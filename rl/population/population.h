// Many runs on a device at once, each one whole in a block of it (core/nn/agent_kernel.h). A run's results are
// those of Trainer with its settings; they depend on no other run, and not on how many train side by side.
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
#include "rl/train/run_record.h"

namespace bellman {

/// Whether runs of both can be in one population: the same environment, network, batch and replay. What they
/// may differ in: seed, learning rate, schedules, every other number.
bool fit_one_population(const TrainConfig& a, const TrainConfig& b);

/// What a population needs of a device's memory, and how many of its runs fit at a time.
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
  /// The same without memory being taken.
  static PopulationPlan plan(const AgentKernelOps& ops, std::span<const TrainConfig> configs,
                             Index most_places = kMostPlaces);
  /// Why the device cannot train it, in one line; empty when it can.
  static std::string unsupported_reason(const AgentKernelOps& ops, const TrainConfig& config);

  const std::vector<RunRecord>& runs() const { return runs_; }
  /// Where the agents' arrays lie, in a few words.
  std::string description() const { return agents_->description(); }

  /// All agents go on for a launch, which lasts less than a tenth of a second once the first few have shown
  /// how long a tick takes; then runs that are over make room for those that wait. False when all are over.
  bool advance();

  /// What a run that has finished keeps. REQUIRES: it did so in the last advance().
  Model kept_model(std::size_t run);
  /// A run's whole state. REQUIRES: it trains, or did so until the last advance().
  void save(std::size_t run, StateWriter& out);
  /// The run goes on from there when its turn comes. Before the first advance(). Throws: Error, naming file
  /// and tensor, for a state of other settings.
  void load(std::size_t run, const StateReader& in);
  /// The run is trained from its start to the moment of that state, the same tick, and then is kCut; at the
  /// latest when it has come past the state's step, so that a state of no such run takes no longer. Nothing
  /// but the state's counts is read. Before the first advance(). Throws: as load().
  void repeat(std::size_t run, const StateReader& in);
  /// The run is over already, or was cut: it gets no turn. Before the first advance().
  void leave_out(std::size_t run, const RunRecord& record);

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::size_t kNobody = static_cast<std::size_t>(-1);

  /// How far a run is to go when it is not to go to its end.
  struct Moment {
    Index ticks = 0, timestep = 0;
  };

  /// What a run has beside its record.
  struct Turn {
    Clock::time_point start{};
    double seconds_before = 0;      // of training, before it was loaded
    std::vector<std::byte> loaded;  // where it goes on; empty: from its start
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
  void look(std::size_t place, const AgentStatus& status);
  void finish(std::size_t run, const AgentStatus& status);
  std::string what_failed(std::size_t run, const AgentStatus& status) const;
  double seconds(std::size_t run) const;

  std::vector<TrainConfig> configs_;
  AgentEnvData env_;
  Network network_;
  std::unique_ptr<AgentKernel> agents_;
  std::vector<RunRecord> runs_;
  std::vector<Turn> turns_;
  std::vector<std::size_t> run_in_;  // (places): which run, or kNobody
  std::vector<AgentStatus> status_;
  std::size_t next_ = 0;  // the first run that has not had its turn
  Index ticks_ = 1;
};

}  // namespace bellman
