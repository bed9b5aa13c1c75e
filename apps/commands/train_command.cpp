// `bellman train`: from options to a trained network and its files.

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "apps/base/clean_stderr.h"
#include "apps/base/json_text.h"
#include "apps/base/numbers.h"
#include "apps/base/process.h"
#include "apps/base/terminal.h"
#include "apps/commands/command.h"
#include "apps/commands/train_options.h"
#include "apps/ranks/machine_share.h"
#include "apps/ranks/mpi_ranks.h"
#include "apps/ranks/rank_words.h"
#include "apps/report/report_page.h"
#include "apps/run/checkpoint_writer.h"
#include "apps/run/device.h"
#include "apps/run/policy_value.h"
#include "apps/run/progress_bar.h"
#include "apps/run/ranked_run.h"
#include "apps/run/resume.h"
#include "apps/run/run_directory.h"
#include "apps/run/run_files.h"
#include "apps/run/run_hooks.h"
#include "apps/run/train_report.h"
#include "apps/run/train_words.h"
#include "apps/settings/config_file.h"
#include "apps/settings/declare_options.h"
#include "apps/settings/resolve.h"
#include "apps/settings/setting_options.h"
#include "core/base/check.h"
#include "rl/train/trainer.h"

namespace bellman {
namespace {

std::unique_ptr<Trainer> make_trainer(const TrainConfig& config, const Device& device,
                                      const ResumePoint* resume) {
  return resume ? trainer_at(*resume, config, device)
                : std::make_unique<Trainer>(config, *device.backend, device.parts);
}

Device device_for(const TrainOptions& options, const TrainConfig& config) {
  Device device = make_device(config.device, config.threads);
  device.parts.records = options.records();
  if (options.ranks) {
    // "auto" may have settled otherwise elsewhere.
    require_same_words(*options.ranks, {{"device", device.backend->name()}});
    join_ranks(device, *options.ranks);
  }
  device.parts.ranks_on_machine = options.ranks_on_machine;
  return device;
}

/// Notes about the run before its first step, a line each on stderr.
void warn(const TrainOptions& options, const TrainConfig& config, const Trainer& trainer,
          const ResumePoint* resume) {
  for (const std::string& note : notes_before(config, trainer, resume))
    std::cerr << options.label << ": note: " << note << "\n";
}

/// Prepares a run and describes it; trains nothing.
int dry_run(const TrainOptions& options, const ResolvedConfig& resolved, const ResumePoint* resume) {
  const Device device = device_for(options, resolved.config);
  const std::unique_ptr<Trainer> trainer = make_trainer(resolved.config, device, resume);
  if (!options.leads()) return kExitSuccess;
  if (!resume && is_given(*options.run_directory_option)) {
    if (options.overwrite) refuse_other_kind(options.run_directory, RunKind::kRun);
    check_run_directory(options.run_directory, options.overwrite);
  }
  warn(options, resolved.config, *trainer, resume);
  std::cout << (options.json ? json_line(settings_json(resolved)) : dry_run_text(resolved, *trainer, resume));
  return kExitSuccess;
}

RunDirectory new_directory(const TrainOptions& options, const TrainConfig& config) {
  if (is_given(*options.run_directory_option)) {
    if (options.overwrite) refuse_other_kind(options.run_directory, RunKind::kRun);
    return RunDirectory(options.run_directory, options.overwrite);
  }
  return RunDirectory::of_new_run("runs", file_name_of(config.env.id) + "__" + std::to_string(config.seed));
}

/// Sets the text that the first signal prints: "Ending early: `what`".
void announce_end(InterruptGuard& interrupt, const TrainOptions& options, const std::string& what) {
  if (options.quiet || !options.leads()) return;
  const int descriptor = options.text_descriptor();
  const std::string over_the_bar = terminal_descriptor(descriptor) >= 0 ? "\r\x1b[J" : "";
  interrupt.announce(descriptor,
                     over_the_bar + "Ending early: " + what + ". A second signal ends at once.\n");
}

/// After this call the first signal ends the run early and leaves a complete run behind.
void listen(std::optional<InterruptGuard>& interrupt, const TrainOptions& options) {
  interrupt.emplace();
  announce_end(*interrupt, options, "saving the model, then a checkpoint");
}

/// The exact value of a gridworld's policy.
void add_policy_value(TrainReport& report, Trainer& trainer, InterruptGuard& interrupt,
                      const TrainOptions& options) {
  if (report.result.interrupted || !has_option(report.config.env.id, EnvOption::kObservation)) return;
  announce_end(interrupt, options, "everything is saved, the policy's exact value is left out");
  const QFunction q = [&](std::span<float> values, std::span<const float> observations, Index n) {
    trainer.q_values(values, observations, n);
  };
  report.policy = policy_value(*trainer.make_env(), q, report.config.gamma, interrupt.flag());
  report.policy_interrupted = !report.policy;
}

/// The exit code of a run that has ended. `signal`: that reached this process, 0 where none did.
int exit_code(int signal, const TrainResult& result) {
  if (signal != 0) return 128 + signal;
  return result.interrupted ? 128 + SIGTERM : kExitSuccess;  // another rank was asked to end
}

/// What a rank other than the first does.
int train_with_the_first(const TrainOptions& options, TrainConfig config, ResumePoint* resume,
                         InterruptGuard& interrupt) {
  const Device device = device_for(options, config);
  config.device = device.backend->name();
  const std::unique_ptr<Trainer> trainer = make_trainer(config, device, resume);
  if (resume) resume->checkpoint.state = {};  // the trainer has it now
  const std::filesystem::path directory = shared_directory(*options.ranks, {});
  const TrainResult result =
      train_along(*options.ranks, *trainer, directory, config.checkpoint_frequency, interrupt.flag());
  return exit_code(interrupt.release(), result);
}

/// Trains from the beginning, in a new directory, or from a checkpoint in its directory.
int train(const TrainOptions& options, TrainConfig config, std::optional<RunDirectory> earlier,
          ResumePoint* resume, InterruptGuard& interrupt) {
  outlive_readers(/*prints_result=*/options.json);
  const Device device = device_for(options, config);
  config.device = device.backend->name();  // "auto" is settled: a resumed run uses the same device
  const std::unique_ptr<Trainer> owned_trainer = make_trainer(config, device, resume);
  Trainer& trainer = *owned_trainer;
  const std::string finished = resume ? finished_reason(*resume, config) : "";
  if (resume) resume->checkpoint.state = {};  // the trainer has it now, and the run needs the memory
  // Everything that can be refused was refused above, before a directory is created.
  RunDirectory directory = earlier ? std::move(*earlier) : new_directory(options, config);
  if (options.ranks) shared_directory(*options.ranks, directory.path());
  if (!options.quiet) warn(options, config, trainer, resume);
  RunFiles files = resume ? RunFiles(directory, config, resume->checkpoint, options.files())
                          : RunFiles(directory, config, options.files());
  files.attach(trainer, options.label, std::cerr);
  KeepOnceRunning keeper(directory);
  trainer.add_sink(keeper);
  CheckpointWords words = {.device = device.backend->name(), .history = {}};
  if (options.ranks) words.ranks = options.ranks->size();
  if (resume) {
    words.history = history_of(resume->checkpoint, config);
    words.ranks = std::max(words.ranks, resume->checkpoint.ranks);
  }
  CheckpointWriter checkpoints(
      directory.path(), config.keep,
      checkpoint_source(trainer, config, std::move(words), files, options.ranks),
      saves_while_training(config) && trainer.memory().copy_fits(trainer.memory_before()),
      [&files] { files.sync(); });
  set_hooks(trainer, checkpoints, directory, config, options.label, options.quiet ? nullptr : &std::cerr);

  const int descriptor = options.text_descriptor();
  std::ostream& out = options.text();
  ProgressBar bar(options.json ? unfiltered_stderr() : std::cout, terminal_descriptor(descriptor));
  if (!options.quiet) {
    out << wrapped(announcement(config, trainer, device, directory.path()), line_width(descriptor));
    if (resume) out << "Resuming at step " << with_separators(resume->checkpoint.timestep) << ".\n";
    out << std::flush;
    trainer.add_sink(bar);
    if (!finished.empty())
      std::cerr << options.label << ": " << directory.path().string() << ": " << finished << "\n";
  }
  TrainResult result = trainer.run(&interrupt.flag());
  directory.keep();
  bar.finish();
  checkpoints.finish();
  files.sync();
  if (!files.lost().empty())
    std::cerr << options.label << ": note: " << files.lost() << "; the run itself is on the disk\n";
  result.interrupted = result.interrupted || interrupt.signal() != 0;
  const bool has_report = !options.no_report && leave_report(directory.path(), options.label, std::cerr);
  TrainReport report = {.config = config,
                        .spec = trainer.env_spec(),
                        .result = result,
                        .policy = std::nullopt,
                        .directory = directory.path(),
                        .had_finished = !finished.empty(),
                        .has_report = has_report,
                        .was_recorded = has_report && options.records()};
  add_policy_value(report, trainer, interrupt, options);
  const int signal = interrupt.release();  // the next one ends at once
  if (!options.quiet) out << "\n" << summary_text(report, line_width(descriptor));
  if (options.json) std::cout << report_json(report);
  return exit_code(signal, report.result);
}

/// Throws: Error on all ranks for the first difference of one from rank 0, in a setting.
void require_same_settings(const TrainOptions& options, const TrainConfig& config) {
  if (!options.ranks) return;
  std::vector<RankWord> words;
  for (const Setting& setting : settings()) words.push_back({file_key(setting), value_text(config, setting)});
  words.push_back({"map_text", config.env.map.text});
  require_same_words(*options.ranks, words);
}

/// Where a rank other than the first resumes.
ResumePoint point_of_rank_0(Ranks& ranks) {
  const std::filesystem::path path = text_of_rank_0(ranks, "");
  if (std::error_code error; !std::filesystem::exists(path, error))
    fail(path.string(),
         ": rank 0 resumes it, and this rank does not see it: ranks need a directory that all see");
  return {path, load_checkpoint(path)};
}

int resume(const TrainOptions& options) {
  if (options.leads() && !options.resume.empty() && checkpoints_of(options.resume).empty()) {
    refuse_held_directory(options.resume);  // a run that has not saved anything yet
    checkpoints_to_resume(options.resume);  // not a run: nothing is written there
  }
  std::optional<InterruptGuard> interrupt;
  // Before the lock is taken: another process may read our process number in it and send a signal.
  if (!options.dry_run) listen(interrupt, options);
  std::optional<RunDirectory> directory;
  if (options.leads()) directory.emplace(RunDirectory::of_earlier_run(options.resume));
  ResumePoint point = directory ? find_resume_point(directory->path(), options.label, std::cerr)
                                : point_of_rank_0(*options.ranks);
  if (options.ranks && options.leads()) text_of_rank_0(*options.ranks, absolute(point.path).string());
  for (const std::string& note : notes_on_origin(point, options.ranks ? options.ranks->size() : 1))
    options.notes() << options.label << ": " << note << "\n";
  const RunConfigFile run_config = read_run_config(point.path.parent_path());
  std::vector<Assignment> asked;
  if (options.settings) asked = asked_settings(*options.settings, point, run_config);
  const ResolvedConfig resolved = resumed_config(
      point, asked, overrides_in_force(point, run_config, options.overrides, options.label, options.notes()));
  check_map(point, resolved, options.label, options.notes());
  validate(resolved);
  require_same_settings(options, resolved.config);
  const std::atomic<bool> never = false;
  if (options.ranks) check_cut_round(point, resolved);
  if (!apply_overrides(point, resolved.config, options.dry_run || !directory ? nullptr : &*directory,
                       options.files(), options.label, options.notes(),
                       interrupt ? interrupt->flag() : never))
    return 128 + interrupt->signal();
  if (options.dry_run) return dry_run(options, resolved, &point);
  if (!directory) return train_with_the_first(options, resolved.config, &point, *interrupt);
  return train(options, resolved.config, std::move(directory), &point, *interrupt);
}

int train_or_resume(const TrainOptions& options) {
  const bool resumes = is_given(*options.resume_option);
  if (resumes && (is_given(*options.run_directory_option) || options.overwrite))
    fail("--resume continues in the directory it names: neither --run-dir nor --overwrite goes with it");
  if (resumes) return resume(options);
  if (!options.overrides.empty()) fail("--override needs --resume; without it a flag sets the value");
  if (options.new_logs) fail("--new-logs needs --resume");
  ResolvedConfig resolved = options.settings->resolve();
  validate(resolved);
  read_map(resolved);
  require_same_settings(options, resolved.config);
  if (options.dry_run) return dry_run(options, resolved, nullptr);
  std::optional<InterruptGuard> interrupt;
  listen(interrupt, options);
  if (!options.leads()) return train_with_the_first(options, resolved.config, nullptr, *interrupt);
  return train(options, resolved.config, std::nullopt, nullptr, *interrupt);
}

/// Started by mpirun or srun, the ranks train one run together.
int run_train(TrainOptions& options) {
  std::unique_ptr<MpiRanks> ranks = ranks_of_this_launch();
  if (!ranks || ranks->size() == 1) return train_or_resume(options);
  options.ranks = ranks.get();
  const int status = on_rank(*ranks, options.label, [&] {
    require_same_words(*ranks, words_of(options));
    options.ranks_on_machine = machine_share(*ranks).ranks;
    return train_or_resume(options);
  });
  return leave_ranks(std::move(ranks), status);
}

}  // namespace

int resume_run(const std::string& directory, const ResumeOptions& how) {
  TrainOptions options;
  options.resume = directory, options.label = how.label;
  options.quiet = how.quiet, options.no_report = how.no_report;
  return resume(options);
}

RunCommand declare_train(CLI::App& parent) {
  CLI::App& command = declare_command(
      parent, "train", "Train a deep Q-network",
      "Every setting has a value for each environment (its preset) or in general (its default):\n"
      "--dry-run shows them all and where each comes from. A flag wins over --config, a config\n"
      "file over the preset, the preset over the default.\n"
      "Exit codes: 0 trained; 2 bad input, a failing disk, or a number that is NaN or infinite\n"
      "(--on-nan); 128 + N ended early by signal N, files written (130: Ctrl-C; 143: SIGTERM; 129:\n"
      "SIGHUP; 138: SIGUSR1; 152: SIGXCPU).");
  const auto options = std::make_shared<TrainOptions>();
  options->settings = std::make_unique<SettingOptions>(command);
  options->run_directory_option = declare_text(command, "--run-dir", options->run_directory, "DIR",
                                               "where the run's files go; without it a new one under runs/");
  options->resume_option = declare_text(command, "--resume", options->resume, "DIR",
                                        "continue the run in this directory from its newest good checkpoint");
  declare_list(command, "--override", options->overrides, "KEY=VALUE",
               "with --resume: a setting that replaces the run's");
  declare_flag(command, "--new-logs", options->new_logs,
               "with --resume: start new logs in place of missing or damaged ones");
  declare_flag(command, "--overwrite", options->overwrite, "replace the run that is in --run-dir");
  declare_flag(command, "--dry-run", options->dry_run, "show every setting and its origin; train nothing");
  declare_flag(command, "--json", options->json, "one JSON object on stdout at the end; all else on stderr");
  declare_flag(command, "--no-report", options->no_report,
               "write no diagnostics.csv while it trains, and no report.html at the end");
  declare_flag(command, "--quiet", options->quiet, "no progress, no notes and no summary");
  return [options] { return run_train(*options); };
}

}  // namespace bellman
