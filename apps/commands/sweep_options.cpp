#include "apps/commands/sweep_options.h"

#include <iostream>
#include <optional>
#include <system_error>

#include "apps/base/numbers.h"
#include "apps/sweep/sweep_merge.h"
#include "apps/sweep/sweep_state.h"
#include "apps/sweep/sweep_words.h"
#include "core/base/check.h"
#include "core/base/text.h"

namespace bellman {
namespace {

void refuse_settings(const SweepOptions& options) {
  if (!options.settings->flags().empty() || options.settings->config_file() ||
      is_given(*options.directory_option) || is_given(*options.shard_option) || options.overwrite)
    fail(
        "--resume: settings, directory and shard are those of the sweep; only --seeds and --grid can add to "
        "it");
}

/// The sweep that --resume names. Throws: Error when there is none.
SavedSweep earlier_sweep(const SweepOptions& options) {
  const std::filesystem::path path = sweep_plan_path(options.resume);
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    if (!std::filesystem::exists(options.resume, error))
      fail("--resume \"", printable(options.resume), "\": there is no such directory, and so no sweep");
    refuse_held_directory(options.resume);  // a sweep that has not saved anything yet
    if (const auto shards = sweeps_within(options.resume); !shards.empty())
      fail("--resume ", options.resume, ": it holds ", counted(shards.size(), "shard"),
           ". Resume each, or make one sweep of them with --merge");
    fail("--resume ", options.resume, ": there is no ", path.filename().string(),
         ": this is no sweep, or one that an earlier version of the program ended");
  }
  SavedSweep sweep = load_sweep_plan(path);
  if (const std::vector<std::string> changed = changed_maps(sweep.plan); !changed.empty())
    fail("--resume ", options.resume, ": ", changed.front(),
         " in the sweep: rename the file to continue with the sweep's own map");
  return sweep;
}

/// Prints which results are missing, and that their runs are trained again.
void print_lost(const SavedSweep& earlier, const std::filesystem::path& directory) {
  const SweepState state(directory, earlier.plan);
  for (const std::size_t run : state.lost(earlier.over))
    std::cerr << "bellman sweep: " << state.path(run).string() << ": is missing; the run ("
              << run_name(earlier.plan, run) << ") is trained again" << std::endl;
}

}  // namespace

bool is_resumed(const SweepOptions& options) { return is_given(*options.resume_option); }

SweepPlan plan_of(const SweepOptions& options) {
  if (!is_resumed(options)) {
    SweepPlan plan = plan_sweep(*options.settings, options.grid, options.seeds);
    if (is_given(*options.shard_option)) plan.shard = parse_shard(options.shard);
    return plan;
  }
  refuse_settings(options);
  const SavedSweep earlier = earlier_sweep(options);
  print_lost(earlier, options.resume);
  return extended(earlier.plan, options.grid, is_given(*options.seeds_option) ? options.seeds : "");
}

std::filesystem::path directory_path(const SweepOptions& options, const SweepPlan& plan) {
  const std::filesystem::path path = options.directory;
  return plan.is_whole() ? path : path / shard_directory(plan.shard);
}

RunDirectory directory_of(const SweepOptions& options, const SweepPlan& plan) {
  if (is_resumed(options)) return RunDirectory::of_earlier_run(options.resume);
  if (is_given(*options.directory_option)) {
    const std::filesystem::path path = directory_path(options, plan);
    if (options.overwrite) refuse_other_kind(path, RunKind::kSweep);
    return RunDirectory(path, options.overwrite);
  }
  return RunDirectory::of_new_run("sweeps", plan.variants.front().resolved.config.env.id);
}

std::vector<RankWord> words_of(const SweepOptions& options) {
  std::vector<RankWord> words = {
      {"--seeds", options.seeds},       {"--sweep-dir", options.directory},
      {"--resume", options.resume},     {"--shard", options.shard},
      {"--baseline", options.baseline}, {"--dry-run", options.dry_run ? "yes" : "no"}};
  std::string grid, merged;
  for (const std::string& axis : options.grid) grid += (grid.empty() ? "" : " ") + axis;
  for (const std::string& directory : options.merge) merged += (merged.empty() ? "" : " ") + directory;
  words.push_back({"--grid", grid});
  words.push_back({"--merge", merged});
  words.push_back({"--preset", options.settings->preset().value_or("")});
  for (const Assignment& flag : options.settings->flags()) words.push_back({flag.label, flag.text});
  if (const std::optional<ConfigFile>& file = options.settings->config_file())
    for (const Assignment& line : file->assignments) words.push_back({line.label, line.text});
  return words;
}

}  // namespace bellman
