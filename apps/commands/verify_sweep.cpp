#include "apps/commands/verify_sweep.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "apps/base/shell_word.h"
#include "apps/commands/command.h"
#include "apps/commands/state_difference.h"
#include "apps/run/progress_bar.h"
#include "apps/run/run_directory.h"
#include "apps/sweep/sweep_plan_file.h"
#include "apps/sweep/sweep_population.h"
#include "apps/sweep/sweep_runner.h"
#include "apps/sweep/sweep_state.h"
#include "apps/sweep/sweep_way.h"
#include "core/base/check.h"
#include "core/base/text.h"

namespace bellman {
namespace {

namespace fs = std::filesystem;

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

/// What a run has left.
enum class Left { kNothing, kState, kResults };

class SweepVerifier {
 public:
  SweepVerifier(const fs::path& directory, const SavedSweep& sweep, std::ostream& out)
      : plan_(sweep.plan),
        over_(sweep.over),
        state_(directory, plan_),
        out_(out),
        left_(plan_.runs(), Left::kNothing) {
    if (!state_.any()) fail("sweep directory ", directory.string(), ": no run has left anything to verify");
  }

  int verify() {
    check_files();
    if (count(Left::kNothing) == plan_.runs()) return kExitCheckFailed;
    const SweepWay way = plan_sweep_way(plan_, "auto");
    if (const auto run = std::find(left_.begin(), left_.end(), Left::kState);
        !way.population && run != left_.end())
      fail(state_.path(static_cast<std::size_t>(run - left_.begin())).string(),
           ": is the state of a run of a population, which is none here: ", way.text);
    out_ << "Training again " << what_is_left() << " ...\n" << std::flush;
    if (way.population)
      for (const PopulationGroup& group : population_groups(plan_)) train_again(group, *way.population);
    else
      train_again(way.jobs);
    return tell();
  }

 private:
  std::size_t count(Left what) const {
    return static_cast<std::size_t>(std::count(left_.begin(), left_.end(), what));
  }
  std::string what_is_left() const {
    const std::size_t states = count(Left::kState), results = count(Left::kResults);
    std::string text;
    if (states > 0) text = counted(states, "run") + " to the moment that was saved";
    if (results > 0) text += (states > 0 ? ", " : "") + counted(results, "run") + " to the end";
    return text;
  }

  /// Every hash; and what each run has left.
  void check_files() {
    for (std::size_t run = 0; run < plan_.runs(); ++run) {
      try {
        const std::optional<Checkpoint> checkpoint = state_.find(run);
        if (!checkpoint) continue;
        left_[run] = state_.record_of(run, *checkpoint) ? Left::kResults : Left::kState;
      } catch (const Error& error) {
        damage(run, error);
      }
    }
    const std::vector<std::size_t> lost = state_.lost(over_);
    for (const std::size_t run : lost)
      out_ << state_.path(run).string() << ": is lost (" << printable(run_name(plan_, run))
           << "): `bellman sweep --resume " << shell_word(state_.path(run).parent_path().string())
           << "` trains the run again\n";
    const std::size_t whole = plan_.runs() - count(Left::kNothing);
    if (damaged_ == 0 && lost.empty())
      out_ << "The plan and the files of " << counted(whole, "run") << ": every hash is right\n";
    else
      out_ << "The plan is right; of the runs' files " << whole << " are right, " << damaged_ << " damaged, "
           << lost.size() << " lost\n";
    lost_ = lost.size();
  }
  /// The run's file is none that can be compared.
  void damage(std::size_t run, const Error& error) {
    out_ << error.what() << "\n";
    left_[run] = Left::kNothing;
    ++damaged_;
  }

  /// Those of a group that have left something, on the device.
  void train_again(const PopulationGroup& group, const Device& device) {
    const auto is_left = [&](std::size_t run) { return left_[run] != Left::kNothing; };
    const auto most = static_cast<Index>(std::count_if(group.begin(), group.end(), is_left));
    if (most == 0) return;
    Population population(*device.agent_kernel_ops, configs_of(plan_, group), most);
    std::vector<std::size_t> open;  // numbers within the group
    RunRecord left_out;
    left_out.state = RunState::kCut;
    for (std::size_t i = 0; i < group.size(); ++i) {
      if (is_left(group[i]) && is_taken(population, i, group[i]))
        open.push_back(i);
      else
        population.leave_out(i, left_out);
    }
    while (population.advance())
      std::erase_if(open, [&](std::size_t i) { return is_compared(population, i, group[i]); });
  }
  /// Once run i of the population has come as far as it is to go.
  bool is_compared(Population& population, std::size_t i, std::size_t run) {
    const RunRecord& record = population.runs()[i];
    if (!is_over(record) && record.state != RunState::kCut) return false;
    TensorFile state;
    StateWriter out(state);
    if (left_[run] == Left::kState) population.save(i, out);
    compare(run, record, state);
    return true;
  }
  /// The population is told how far run i is to go.
  bool is_taken(Population& population, std::size_t i, std::size_t run) {
    if (left_[run] == Left::kResults) return true;
    try {
      const std::optional<Checkpoint> checkpoint = state_.find(run);
      population.repeat(i, StateReader(checkpoint.value().state, state_.path(run).string()));
      return true;
    } catch (const Error& error) {
      damage(run, error);
      return false;
    }
  }

  /// Those whose results are there, side by side.
  void train_again(int jobs) {
    std::vector<SweepRun> runs(plan_.runs());
    for (std::size_t run = 0; run < runs.size(); ++run)
      if (left_[run] == Left::kNothing) runs[run].state = RunState::kCut;
    const std::atomic<bool> stop = false;
    runs = run_sweep(
        plan_, jobs, std::move(runs), [](std::size_t, const SweepRun&, const Model*) {}, stop,
        [](const std::vector<SweepRun>&) {});
    for (std::size_t run = 0; run < runs.size(); ++run)
      if (left_[run] == Left::kResults) compare(run, runs[run], {});
  }

  /// `state`: the run's, when it was trained to the moment of one.
  void compare(std::size_t run, const RunRecord& record, const TensorFile& state) {
    const Checkpoint checkpoint = state_.find(run).value();
    const std::string difference =
        first_difference(checkpoint.state, left_[run] == Left::kState ? state : record_tensors(record));
    // How far one came that failed on a CPU is known from a look now and then.
    const bool same_step = record.state == RunState::kFailed || checkpoint.timestep == record.timestep;
    if (difference.empty() && same_step) return;
    ++different_;
    if (other_build_.empty() && checkpoint.build != build_id()) other_build_ = checkpoint.build;
    out_ << state_.path(run).filename().string() << " (" << printable(run_name(plan_, run))
         << "): different: ";
    if (difference.empty())
      out_ << "its timestep is " << checkpoint.timestep << ", the run comes to " << record.timestep << "\n";
    else
      out_ << printable(difference) << " is the first tensor that is not the same\n";
  }

  int tell() const {
    const std::size_t compared = plan_.runs() - count(Left::kNothing);
    if (different_ > 0) {
      out_ << "Different: " << different_ << " of " << counted(compared, "run") << ".\n";
      if (!other_build_.empty())
        out_ << "They were made by another build of the program (" << printable(other_build_)
             << "), which may round differently.\n";
    } else if (compared > 0) {
      out_ << "Identical: " << counted(count(Left::kState), "state") << " and the results of "
           << counted(count(Left::kResults), "run") << " to the last bit, wall times aside.\n";
    }
    return damaged_ + lost_ + different_ > 0 ? kExitCheckFailed : kExitSuccess;
  }

  const SweepPlan& plan_;
  const std::vector<bool>& over_;
  const SweepState state_;
  std::ostream& out_;
  std::vector<Left> left_;
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
         ": an earlier version of the program ended the sweep and kept its results alone (sweep.json)");
  const RunDirectory locked = RunDirectory::of_earlier_run(directory);
  std::optional<SavedSweep> sweep;
  try {
    sweep = load_sweep_plan(sweep_plan_path(directory));
  } catch (const Error& error) {
    out << error.what() << "\n";
    return kExitCheckFailed;
  }
  for (const std::string& changed : changed_maps(sweep->plan))
    out << changed << " in the sweep, whose own map is trained on again\n";
  return SweepVerifier(directory, *sweep, out).verify();
}

}  // namespace bellman
