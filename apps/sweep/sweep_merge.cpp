#include "apps/sweep/sweep_merge.h"

#include <algorithm>
#include <sstream>
#include <utility>

#include "apps/settings/config_file.h"
#include "apps/sweep/sweep_files.h"
#include "apps/sweep/sweep_state.h"
#include "core/base/check.h"
#include "core/base/text.h"
#include "core/io/files.h"

namespace bellman {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kNowhere = static_cast<std::size_t>(-1);
constexpr std::size_t kMostBytes = std::size_t{1} << 36;  // of a run's file

bool is_sweep(const fs::path& directory) {
  std::error_code error;
  return fs::exists(sweep_plan_path(directory), error);
}

/// "n_step = 1 in the one and n_step = 3 in the other": the first line that differs.
std::string difference(const std::string& one, const std::string& other) {
  std::istringstream a(one), b(other);
  std::string x, y;
  while (x == y && (a || b)) {
    x.clear();
    y.clear();
    std::getline(a, x);
    std::getline(b, y);
  }
  return (x.empty() ? "nothing" : x) + " in the one and " + (y.empty() ? "nothing" : y) + " in the other";
}

/// What differs between two plans; empty: nothing but who trains which run.
std::string difference(const SweepPlan& one, const SweepPlan& other) {
  if (one.seeds != other.seeds) return "their seeds differ";
  if (one.grid != other.grid) return "their grids have other settings";
  if (one.variants.size() != other.variants.size()) return "their grids have other values";
  for (std::size_t v = 0; v < one.variants.size(); ++v) {
    const std::string a = config_file_text(one.variants[v].resolved.config),
                      b = config_file_text(other.variants[v].resolved.config);
    if (a != b) return difference(a, b);
  }
  return "";
}

/// Apart from how long it took.
bool same_results(const RunRecord& one, const RunRecord& other) {
  const TensorFile a = record_tensors(one), b = record_tensors(other);
  return std::equal(a.tensors.begin(), a.tensors.end(), b.tensors.begin(), b.tensors.end(),
                    [](const FileTensor& x, const FileTensor& y) {
                      return x.name == y.name && (x.name.starts_with("time.") || x.bytes == y.bytes);
                    });
}

}  // namespace

std::string shard_directory(const SweepShard& shard) {
  const std::string count = std::to_string(shard.count), number = std::to_string(shard.number);
  return "shard-" + std::string(count.size() - number.size(), '0') + number + "-of-" + count;
}

std::vector<fs::path> sweeps_within(const fs::path& directory) {
  std::vector<fs::path> sweeps;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory, error))
    if (is_sweep(entry.path())) sweeps.push_back(entry.path());
  std::sort(sweeps.begin(), sweeps.end());
  return sweeps;
}

std::vector<fs::path> sweeps_in(const std::vector<std::string>& directories) {
  std::vector<fs::path> sweeps;
  for (const std::string& directory : directories) {
    if (is_sweep(directory)) {
      sweeps.emplace_back(directory);
      continue;
    }
    const std::vector<fs::path> within = sweeps_within(directory);
    if (within.empty())
      fail("--merge \"", printable(directory), "\": there is no sweep, and no directory with one in it");
    sweeps.insert(sweeps.end(), within.begin(), within.end());
  }
  std::sort(sweeps.begin(), sweeps.end());
  sweeps.erase(std::unique(sweeps.begin(), sweeps.end()), sweeps.end());
  return sweeps;
}

SweepMerge::SweepMerge(std::vector<fs::path> directories) : directories_(std::move(directories)) {
  for (std::size_t source = 0; source < directories_.size(); ++source) take(source);
  for (const RunRecord& record : records_) run_seconds_ += record.result.wall_seconds;
}

void SweepMerge::take(std::size_t source) {
  const fs::path& directory = directories_[source];
  SweepPlan plan = load_sweep_plan(sweep_plan_path(directory)).plan;
  const std::vector<RunRecord> records = SweepState(directory, plan).records();
  if (source == 0) {
    plan_ = std::move(plan);
    plan_.shard = {};
    records_.resize(plan_.runs());
    sources_.assign(plan_.runs(), kNowhere);
  } else if (const std::string reason = difference(plan_, plan); !reason.empty()) {
    fail("--merge: ", directories_[0].string(), " and ", directory.string(),
         " are parts of different sweeps: ", reason);
  }
  for (std::size_t run = 0; run < records.size(); ++run) {
    if (!is_over(records[run])) continue;
    if (sources_[run] != kNowhere) {
      if (!same_results(records_[run], records[run]))
        fail("--merge: ", directories_[sources_[run]].string(), " and ", directory.string(),
             " have different results of one run, ", run_name(plan_, run),
             ": another binary or device trained it. Merge only one of them");
      if (records_[run].result.wall_seconds <= records[run].result.wall_seconds) continue;
    }
    records_[run] = records[run];
    sources_[run] = source;
  }
}

std::vector<std::size_t> SweepMerge::missing() const {
  std::vector<std::size_t> runs;
  for (std::size_t run = 0; run < sources_.size(); ++run)
    if (sources_[run] == kNowhere) runs.push_back(run);
  return runs;
}

/// The best run of all is also the best one where it was trained, so its model is there.
void SweepMerge::copy_to(const fs::path& directory) const {
  const auto copy = [](const fs::path& from, const fs::path& to) {
    write_file_atomically(to, read_file(from, kMostBytes));
  };
  const SweepState merged(directory, plan_);
  for (std::size_t run = 0; run < sources_.size(); ++run)
    if (sources_[run] != kNowhere)
      copy(SweepState(directories_[sources_[run]], plan_).path(run), merged.path(run));
  for (const auto& [env_id, run] : best_runs(plan_, records_)) {
    const fs::path model = best_model_path(directories_[sources_[run]], env_id);
    std::error_code error;
    if (fs::exists(model, error)) copy(model, best_model_path(directory, env_id));
  }
}

}  // namespace bellman
