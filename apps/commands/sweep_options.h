// The options of `bellman sweep`, and the plan and directory that they ask for.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "apps/ranks/rank_words.h"
#include "apps/run/run_directory.h"
#include "apps/settings/declare_options.h"
#include "apps/settings/setting_options.h"
#include "apps/sweep/sweep_plan.h"

namespace bellman {

struct SweepOptions {
  std::unique_ptr<SettingOptions> settings;
  std::vector<std::string> grid;
  std::string seeds = "0-9", jobs = "auto", directory;
  std::string resume, baseline, shard;
  std::vector<std::string> merge;
  const CLI::Option *seeds_option = nullptr, *directory_option = nullptr, *resume_option = nullptr,
                    *baseline_option = nullptr, *shard_option = nullptr, *merge_option = nullptr;
  bool overwrite = false, dry_run = false, json = false, quiet = false;
};

bool is_resumed(const SweepOptions& options);

/// The sweep that --resume names, with more seeds and settings, or the one that the flags describe. Prints which results
/// of an earlier sweep are missing. Throws: Error that names the option, or the file of the earlier sweep.
SweepPlan plan_of(const SweepOptions& options);

/// --sweep-dir; of a shard a directory in it, so that several can have the same one.
std::filesystem::path directory_path(const SweepOptions& options, const SweepPlan& plan);
/// The directory that the sweep's files go to, locked. Throws: Error as RunDirectory's.
RunDirectory directory_of(const SweepOptions& options, const SweepPlan& plan);

/// What all ranks must have been given. --jobs may differ.
std::vector<RankWord> words_of(const SweepOptions& options);

}  // namespace bellman
