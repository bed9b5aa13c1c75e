// `bellman sweep`: trains many seeds and settings, and compares them.

#include <algorithm>
#include <atomic>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

#include "apps/base/clean_stderr.h"
#include "apps/base/numbers.h"
#include "apps/base/process.h"
#include "apps/base/terminal.h"
#include "apps/commands/command.h"
#include "apps/commands/sweep_options.h"
#include "apps/ranks/mpi_ranks.h"
#include "apps/ranks/rank_words.h"
#include "apps/run/run_directory.h"
#include "apps/settings/declare_options.h"
#include "apps/settings/setting_options.h"
#include "apps/sweep/comparison_report.h"
#include "apps/sweep/over_ranks/sweep_over_ranks.h"
#include "apps/sweep/sweep_comparison.h"
#include "apps/sweep/sweep_files.h"
#include "apps/sweep/sweep_merge.h"
#include "apps/sweep/sweep_plan.h"
#include "apps/sweep/sweep_population.h"
#include "apps/sweep/sweep_progress.h"
#include "apps/sweep/sweep_report.h"
#include "apps/sweep/sweep_runner.h"
#include "apps/sweep/sweep_words.h"
#include "core/base/check.h"
#include "rl/train/foreseen.h"

namespace bellman {
namespace {

/// Prints which best runs' models are missing. Their runs are over and are not trained again.
void print_lost_models(const SweepPlan& plan, const std::vector<SweepRun>& runs,
                       const std::filesystem::path& directory) {
  std::error_code error;
  for (const auto& [env_id, run] : best_runs(plan, runs))
    if (const auto path = best_model_path(directory, env_id); !std::filesystem::exists(path, error))
      std::cerr << "bellman sweep: " << path.string() << ": is missing; `" << run_command(plan, run)
                << "` trains this model again" << std::endl;
}

/// Notes about the sweep before its first run, a line each on stderr.
void warn(const SweepPlan& plan) {
  for (const SweepVariant& variant : plan.variants) {
    const TrainConfig& config = variant.resolved.config;
    for (const std::string& note : foreseen(config, make_env(config.env)->spec()))
      std::cerr << "bellman sweep: note: " << (plan.grid.empty() ? "" : variant.label + ": ") << note << "\n";
  }
}

int dry_run(const SweepPlan& plan, const ExecutionPlan& execution, bool json) {
  if (json) {
    std::cout << sweep_plan_json(plan, execution.text);
    return kExitSuccess;
  }
  for (const SweepVariant& variant : plan.variants) std::cout << variant.label << "\n";
  std::cout << "\n"
            << settings_table(plan.variants.front().resolved) << "\n"
            << counted(plan.variants.size(), "setting") << ", " << counted(plan.seeds.size(), "seed")
            << "; the table shows the first. " << shard_text(plan) << execution.text << ".\n"
            << (plan.device_note.empty() ? "" : "Device: " + plan.device_note + ".\n")
            << "Nothing was trained or written.\n";
  return kExitSuccess;
}

/// Files of runs stay when the disk fails: --resume continues from them. `ranks`: null for one process.
RankedSweep train(const SweepPlan& plan, const ExecutionPlan& execution, SweepFiles& files,
                  const std::atomic<bool>& stop, const SweepWatch& watch, RunDirectory& directory,
                  Ranks* ranks) {
  const SweepKeep keep = [&](std::size_t run, const SweepRun& record, const Model* model) {
    files.keep(run, record, model);
  };
  try {
    if (ranks) return lead_sweep(*ranks, plan, execution.jobs, files.records(), keep, stop, watch);
    return {.runs = execution.population
                        ? run_populations(plan, *execution.population, execution.jobs, files.state(), keep,
                                          stop, watch)
                        : run_sweep(plan, execution.jobs, files.records(), keep, stop, watch)};
  } catch (...) {
    if (files.state().any()) directory.keep();
    throw;
  }
}

bool any_failed(const std::vector<SweepRun>& runs) {
  return std::any_of(runs.begin(), runs.end(),
                     [](const SweepRun& run) { return run.state == RunState::kFailed; });
}

/// Where a sweep prints: its result has stdout for itself with --json.
struct Terminal {
  std::ostream& out;
  int descriptor;
  std::size_t width() const { return line_width(descriptor); }
  static Terminal of(const SweepOptions& options) {
    return options.json ? Terminal{std::cerr, STDERR_FILENO} : Terminal{std::cout, STDOUT_FILENO};
  }
};

/// The table and what belongs to it, at the end.
void print_results(const SweepOptions& options, const SweepPlan& plan, const std::vector<SweepRun>& runs,
                   const std::filesystem::path& directory, SweepProgress& progress, double seconds) {
  const Terminal terminal = Terminal::of(options);
  progress.finish(runs);
  if (!options.quiet)
    terminal.out << comparison_paragraph(plan, runs, terminal.width())
                 << wrapped(summary_text(plan, runs, directory),
                            std::min<std::size_t>(terminal.width(), 100));
  if (options.json) std::cout << sweep_json(plan, runs, seconds);
}

bool is_same_place(const std::filesystem::path& one, const std::filesystem::path& other) {
  std::error_code error;
  return std::filesystem::equivalent(one, other, error);
}

/// --merge: one sweep of the runs that several trained.
int merge(const SweepOptions& options) {
  if (!options.settings->flags().empty() || options.settings->config_file() || !options.grid.empty() ||
      is_given(*options.seeds_option) || is_given(*options.shard_option) || is_resumed(options) ||
      options.dry_run)
    fail(
        "--merge: settings and seeds are those of the shards; of the other options it takes --sweep-dir, "
        "--overwrite, --baseline, --json and --quiet");
  const std::vector<std::filesystem::path> sweeps = sweeps_in(options.merge);
  for (const std::filesystem::path& directory : sweeps)
    if (is_given(*options.directory_option) && is_same_place(directory, options.directory))
      fail("--sweep-dir ", options.directory, ": it is one of the sweeps that --merge reads; give another");
  const SweepMerge merge(sweeps);
  SweepPlan plan = merge.plan();
  if (is_given(*options.baseline_option)) plan.baseline = variant_with_label(plan, options.baseline);
  outlive_readers(/*prints_result=*/options.json);
  RunDirectory directory = directory_of(options, plan);
  // First: a signal then leaves a sweep that --resume continues.
  save_sweep_plan(sweep_plan_path(directory.path()), plan, std::vector<SweepRun>(plan.runs()));
  merge.copy_to(directory.path());
  const SweepFiles files(directory.path(), plan);
  const std::vector<SweepRun>& runs = files.records();
  print_lost_models(plan, runs, directory.path());
  files.save_plan();
  files.save_results(runs, merge.run_seconds());
  directory.keep();
  const Terminal terminal = Terminal::of(options);
  SweepProgress progress(options.json ? unfiltered_stderr() : std::cout, terminal.descriptor, std::cerr,
                         options.quiet, plan, runs);
  print_results(options, plan, runs, directory.path(), progress, merge.run_seconds());
  if (const std::vector<std::size_t> missing = merge.missing(); !missing.empty()) {
    std::cerr << "bellman sweep: " << counted(missing.size(), "run") << " of " << plan.runs()
              << (missing.size() == 1 ? " is" : " are")
              << " in none of the directories, the first: " << run_name(plan, missing.front())
              << ". To train " << (missing.size() == 1 ? "it" : "them") << ":\n  " << program_to_type()
              << " sweep --resume " << shell_word(directory.path().string()) << std::endl;
    return kExitCheckFailed;
  }
  return any_failed(runs) ? kExitCheckFailed : kExitSuccess;
}

/// A rank that is not the first: it trains what rank 0 deals out, and writes nothing.
int follow(const SweepOptions& options, Ranks& ranks) {
  const SweepPlan plan = shared_plan(ranks, {});
  const ExecutionPlan execution = shared_execution(ranks, plan, options.jobs);
  if (options.dry_run) return kExitSuccess;
  const InterruptGuard interrupt;
  outlive_readers(/*prints_result=*/false);
  follow_sweep(ranks, plan, execution.jobs, interrupt.flag(), [&] { return interrupt.signal(); });
  return kExitSuccess;
}

/// `ranks`: null for one process.
int sweep(const SweepOptions& options, Ranks* ranks) {
  if (ranks) {
    require_same_words(*ranks, words_of(options));
    if (is_given(*options.merge_option)) fail("--merge trains nothing: start it without mpirun");
    if (ranks->rank() > 0) return follow(options, *ranks);
  }
  if (is_given(*options.merge_option)) return merge(options);
  SweepPlan plan = plan_of(options);
  if (is_given(*options.baseline_option)) plan.baseline = variant_with_label(plan, options.baseline);
  if (ranks) shared_plan(*ranks, plan);
  const ExecutionPlan execution =
      ranks ? shared_execution(*ranks, plan, options.jobs) : plan_execution(plan, options.jobs);
  if (options.dry_run) {
    if (!is_resumed(options) && is_given(*options.directory_option)) {
      const std::filesystem::path path = directory_path(options, plan);
      if (options.overwrite) refuse_other_kind(path, RunKind::kSweep);
      check_run_directory(path, options.overwrite);
    }
    warn(plan);
    return dry_run(plan, execution, options.json);
  }

  const InterruptGuard interrupt;
  outlive_readers(/*prints_result=*/options.json);
  RunDirectory directory = directory_of(options, plan);
  if (!options.quiet) warn(plan);
  SweepFiles files(directory.path(), plan);
  print_lost_models(plan, files.records(), directory.path());
  if (const std::string note = unrecorded_note(files.records()); !note.empty() && !options.quiet)
    std::cerr << "bellman sweep: note: " << note << "\n";
  const Terminal terminal = Terminal::of(options);
  if (!options.quiet)
    terminal.out << wrapped(announcement(plan, execution, directory.path(), files.records()),
                            terminal.width())
                 << std::flush;

  SweepProgress progress(options.json ? unfiltered_stderr() : std::cout, terminal.descriptor, std::cerr,
                         options.quiet, plan, files.records());
  constexpr double kBetweenWrites = 5;  // seconds
  double written = 0;
  bool is_ending = false;
  const auto watch = [&](const std::vector<SweepRun>& runs) {
    if (interrupt.flag() && !std::exchange(is_ending, true))
      progress.print("Ending early: cutting the running ones. A second signal ends at once.");
    progress.show(runs);
    if (progress.seconds() - written < kBetweenWrites) return;
    files.save_progress(runs);
    directory.keep();
    written = progress.seconds();
  };
  files.save_plan();
  const auto [runs, signal] = train(plan, execution, files, interrupt.flag(), watch, directory, ranks);
  directory.keep();  // the finished runs, though their table or page may not be writable
  files.save_results(runs, progress.seconds());
  print_results(options, plan, runs, directory.path(), progress, progress.seconds());
  const auto over = std::count_if(runs.begin(), runs.end(), [](const SweepRun& run) { return is_over(run); });
  if (static_cast<std::size_t>(over) < plan.own_runs()) {
    if (!options.quiet)
      terminal.out << "\nInterrupted: " << over << " of " << plan.own_runs()
                   << " runs are over. To continue:\n  " << program_to_type() << " sweep --resume "
                   << shell_word(directory.path().string()) << "\n";
    return 128 + (interrupt.signal() != 0 ? interrupt.signal() : signal);
  }
  if (!plan.is_whole() && !options.quiet)
    terminal.out << "\nThis is shard " << plan.shard.number << " of " << plan.shard.count
                 << ". When all are over, `" << program_to_type()
                 << " sweep --merge DIR` makes one sweep of those in DIR.\n";
  return any_failed(runs) ? kExitCheckFailed : kExitSuccess;
}

}  // namespace

RunCommand declare_sweep(CLI::App& parent) {
  CLI::App& command = declare_command(
      parent, "sweep", "Train many seeds and settings, and compare them",
      "Every run is the one that `bellman train` makes with its seed and settings, whatever trains\n"
      "beside it: to the last bit on a CPU; on a device, where many train at once, up to rounding.\n"
      "Started by mpirun or srun, the ranks share the runs.\n"
      "Exit codes: 0 all trained; 1 a run failed; 2 bad input or a failing disk; 128 + N ended early\n"
      "by signal N, files written.");
  const auto options = std::make_shared<SweepOptions>();
  options->seeds_option =
      declare_text(command, "--seeds", options->seeds, "LIST", "seeds and ranges of seeds: 0-19,42");
  declare_list(command, "--grid", options->grid, "KEY=V,V,...",
               "values to compare, every combination; network and map: 'KEY=V; V'");
  declare_text(command, "--jobs", options->jobs, "N",
               "runs at a time; auto: the machine's processors, on a device what its memory holds");
  options->directory_option = declare_text(command, "--sweep-dir", options->directory, "DIR",
                                           "where the files go; without it a new one under sweeps/");
  options->resume_option = declare_text(command, "--resume", options->resume, "DIR",
                                        "continue a sweep; --seeds and --grid add to it");
  options->shard_option =
      declare_text(command, "--shard", options->shard, "I/N",
                   "train the I-th of N parts of the sweep, in a directory of its own within --sweep-dir");
  options->merge_option =
      declare_list(command, "--merge", options->merge, "DIR",
                   "make one sweep of the shards in these directories; nothing is trained", Values::kSeveral);
  options->baseline_option =
      declare_text(command, "--baseline", options->baseline, "SETTINGS",
                   "compare the others with these, as the table names them; without it the first");
  declare_flag(command, "--overwrite", options->overwrite, "replace the sweep that is in --sweep-dir");
  declare_flag(command, "--dry-run", options->dry_run, "show settings, seeds and memory; train nothing");
  declare_flag(command, "--json", options->json,
               "one JSON object on stdout: at the end, all else on stderr; or of --dry-run");
  declare_flag(command, "--quiet", options->quiet, "no table and no summary");
  options->settings = std::make_unique<SettingOptions>(command);
  return [options] {
    std::unique_ptr<MpiRanks> ranks = ranks_of_this_launch();
    if (!ranks) return sweep(*options, nullptr);
    const int status = on_rank(*ranks, "bellman sweep",
                               [&] { return sweep(*options, ranks->size() > 1 ? ranks.get() : nullptr); });
    return leave_ranks(std::move(ranks), status);
  };
}

}  // namespace bellman
