#include "apps/commands/verify_sweep.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "apps/base/fingerprint.h"
#include "apps/base/numbers.h"
#include "apps/base/process.h"
#include "apps/commands/command.h"
#include "apps/run/run_directory.h"
#include "apps/sweep/sweep_population.h"
#include "apps/sweep/sweep_runner.h"
#include "apps/sweep/sweep_state.h"
#include "core/base/check.h"
#include "core/base/text.h"

namespace bellman {
namespace {

namespace fs = std::filesystem;

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

/// What a run has saved.
enum class Saved { kNothing, kState, kResults };

class SweepVerifier {
 public:
  SweepVerifier(const fs::path& directory, const SavedSweep& sweep, std::ostream& out)
      : plan_(sweep.plan),
        over_(sweep.over),
        state_(directory, plan_),
        out_(out),
        saved_(plan_.runs(), Saved::kNothing) {
    if (!state_.any()) fail("sweep directory ", directory.string(), ": no run has saved anything to verify");
  }

  int verify() {
    check_files();
    if (count(Saved::kNothing) == plan_.runs()) return kExitCheckFailed;
    const ExecutionPlan execution = plan_execution(plan_, "auto");
    if (const auto run = std::find(saved_.begin(), saved_.end(), Saved::kState);
        !execution.population && run != saved_.end())
      fail(state_.path(static_cast<std::size_t>(run - saved_.begin())).string(),
           ": is the state of a run of a population, and this sweep does not train as one: ", execution.text);
    out_ << "Training again " << training_text() << " ...\n" << std::flush;
    if (execution.population)
      for (const PopulationGroup& group : population_groups(plan_)) train_again(group, *execution.population);
    else
      train_again(execution.jobs);
    return print_verdict();
  }

 private:
  std::size_t count(Saved what) const {
    return static_cast<std::size_t>(std::count(saved_.begin(), saved_.end(), what));
  }
  std::string training_text() const {
    const std::size_t states = count(Saved::kState), results = count(Saved::kResults);
    std::string text;
    if (states > 0) text = counted(states, "run") + " to the saved step";
    if (results > 0) text += (states > 0 ? ", " : "") + counted(results, "run") + " to the end";
    return text;
  }

  /// Checks every hash, and finds what each run has saved.
  void check_files() {
    for (std::size_t run = 0; run < plan_.runs(); ++run) {
      try {
        const std::optional<Checkpoint> checkpoint = state_.find(run);
        if (!checkpoint) continue;
        saved_[run] = state_.record_of(run, *checkpoint) ? Saved::kResults : Saved::kState;
      } catch (const Error& error) {
        damage(run, error);
      }
    }
    const std::vector<std::size_t> lost = state_.lost(over_);
    for (const std::size_t run : lost)
      out_ << state_.path(run).string() << ": is missing (" << printable(run_name(plan_, run))
           << "): `bellman sweep --resume " << shell_word(state_.path(run).parent_path().string())
           << "` trains the run again\n";
    const std::size_t whole = plan_.runs() - count(Saved::kNothing);
    if (damaged_ == 0 && lost.empty())
      out_ << "The plan and the files of " << counted(whole, "run") << ": every hash is right\n";
    else
      out_ << "The plan is right; of the runs' files " << whole << " are right, " << damaged_ << " damaged, "
           << lost.size() << " missing\n";
    lost_ = lost.size();
  }
  /// The run's file cannot be compared.
  void damage(std::size_t run, const Error& error) {
    out_ << error.what() << "\n";
    saved_[run] = Saved::kNothing;
    ++damaged_;
  }

  /// The runs of a group that have saved something, on the device.
  void train_again(const PopulationGroup& group, const Device& device) {
    const auto has_saved = [&](std::size_t run) { return saved_[run] != Saved::kNothing; };
    const auto most = static_cast<Index>(std::count_if(group.begin(), group.end(), has_saved));
    if (most == 0) return;
    Population population(*device.agent_kernel_ops, configs_of(plan_, group), most);
    std::vector<std::size_t> open;  // numbers within the group
    RunRecord left_out;
    left_out.state = RunState::kCut;
    for (std::size_t i = 0; i < group.size(); ++i) {
      if (has_saved(group[i]) && is_taken(population, i, group[i]))
        open.push_back(i);
      else
        population.leave_out(i, left_out);
    }
    while (population.advance())
      std::erase_if(open, [&](std::size_t i) { return is_compared(population, i, group[i]); });
  }
  /// Compares run i of the population once it has reached its end. False: it trains on.
  bool is_compared(Population& population, std::size_t i, std::size_t run) {
    const RunRecord& record = population.runs()[i];
    if (!is_over(record) && record.state != RunState::kCut) return false;
    TensorFile state;
    StateWriter out(state);
    if (saved_[run] == Saved::kState) population.save(i, out);
    compare(run, record, state);
    return true;
  }
  /// Sets the step at which run i of the population ends. False: its file is damaged.
  bool is_taken(Population& population, std::size_t i, std::size_t run) {
    if (saved_[run] == Saved::kResults) return true;
    try {
      const std::optional<Checkpoint> checkpoint = state_.find(run);
      population.repeat(i, StateReader(checkpoint.value().state, state_.path(run).string()));
      return true;
    } catch (const Error& error) {
      damage(run, error);
      return false;
    }
  }

  /// The runs with results, side by side.
  void train_again(int jobs) {
    std::vector<SweepRun> runs(plan_.runs());
    for (std::size_t run = 0; run < runs.size(); ++run)
      if (saved_[run] == Saved::kNothing) runs[run].state = RunState::kCut;
    const std::atomic<bool> stop = false;
    runs = run_sweep(
        plan_, jobs, std::move(runs), [](std::size_t, const SweepRun&, const Model*) {}, stop,
        [](const std::vector<SweepRun>&) {});
    for (std::size_t run = 0; run < runs.size(); ++run)
      if (saved_[run] == Saved::kResults) compare(run, runs[run], {});
  }

  /// `state`: of a run that was trained to the step of a saved state.
  void compare(std::size_t run, const RunRecord& record, const TensorFile& state) {
    const Checkpoint checkpoint = state_.find(run).value();
    RunRecord comparable = record;
    if (const auto saved = state_.record_of(run, checkpoint); saved && !saved->result.training_episodes)
      comparable.result.training_episodes.reset();  // an earlier version trained it, and did not record that
    const std::string difference =
        first_difference(checkpoint.state, saved_[run] == Saved::kState ? state : record_tensors(comparable));
    // The timestep of a run that failed on a CPU is only sampled from time to time.
    const bool same_step = record.state == RunState::kFailed || checkpoint.timestep == record.timestep;
    if (difference.empty() && same_step) return;
    ++different_;
    if (other_build_.empty() && checkpoint.build != build_id()) other_build_ = checkpoint.build;
    out_ << state_.path(run).filename().string() << " (" << printable(run_name(plan_, run))
         << "): different: ";
    if (difference.empty())
      out_ << "its timestep is " << checkpoint.timestep << ", the run reaches " << record.timestep << "\n";
    else
      out_ << printable(difference) << " is the first tensor that is not the same\n";
  }

  int print_verdict() const {
    const std::size_t compared = plan_.runs() - count(Saved::kNothing);
    if (different_ > 0) {
      out_ << "Different: " << different_ << " of " << counted(compared, "run") << ".\n";
      if (!other_build_.empty())
        out_ << "They were made by another build of the program (" << printable(other_build_)
             << "), which may round differently.\n";
    } else if (compared > 0) {
      out_ << "Identical: " << counted(count(Saved::kState), "state") << " and the results of "
           << counted(count(Saved::kResults), "run") << " to the last bit, wall times aside.\n";
    }
    return damaged_ + lost_ + different_ > 0 ? kExitCheckFailed : kExitSuccess;
  }

  const SweepPlan& plan_;
  const std::vector<bool>& over_;
  const SweepState state_;
  std::ostream& out_;
  std::vector<Saved> saved_;
  std::size_t damaged_ = 0, lost_ = 0, different_ = 0;
  std::string other_build_;
};

}  // namespace

bool is_sweep_directory(const fs::path& directory) {
  return is_there(sweep_plan_path(directory)) || is_there(directory / "sweep.json");
}

int verify_sweep(const fs::path& directory, std::ostream& out) {
  if (!is_there(sweep_plan_path(directory)))
    fail("sweep directory ", directory.string(), ": there is no ",
         sweep_plan_path(directory).filename().string(),
         ": an earlier version of the program ended the sweep and kept only its results (sweep.json)");
  const RunDirectory locked = RunDirectory::of_earlier_run(directory);
  std::optional<SavedSweep> sweep;
  try {
    sweep = load_sweep_plan(sweep_plan_path(directory));
  } catch (const Error& error) {
    out << error.what() << "\n";
    return kExitCheckFailed;
  }
  for (const std::string& changed : changed_maps(sweep->plan))
    out << changed << " in the sweep, whose own map is used\n";
  return SweepVerifier(directory, *sweep, out).verify();
}

}  // namespace bellman
