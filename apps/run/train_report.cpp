#include "apps/run/train_report.h"

#include <cmath>
#include <limits>
#include <sstream>

#include <nlohmann/json.hpp>

#include "apps/base/json_text.h"
#include "apps/base/numbers.h"
#include "apps/base/process.h"
#include "apps/base/terminal.h"
#include "core/base/text.h"

namespace bellman {
namespace {

double per_second(Index count, double seconds) {
  return seconds > 0 ? static_cast<double>(count) / seconds : 0;
}

std::string seconds_text(double seconds) {
  return seconds < 60 ? formatted("%.1f s", seconds) : duration_text(seconds);
}

double threshold(const TrainReport& report) {
  return std::isnan(report.config.solved_return) ? report.spec.reward_threshold : report.config.solved_return;
}

/// Advice for a run that is not solved.
std::string what_to_try(const TrainReport& report, std::size_t width) {
  const std::string program = program_to_type();
  return wrapped(
             "  Try other seeds or more steps; docs/training.md says how to find the cause in "
             "progress.csv:\n",
             width) +
         "    " + program + " sweep --config " + shell_word((report.directory / "config.toml").string()) +
         " --seeds 0-9\n    " + program + " train --resume " + shell_word(report.directory.string()) +
         " --override total_timesteps=" + std::to_string(2 * report.config.total_timesteps) + "\n";
}

/// Whether the evaluation at the end, of the kept parameters, reached the threshold.
bool reached_at_end(const TrainReport& report) {
  return report.result.eval.episodes > 0 && report.result.eval.mean >= threshold(report);
}

/// Why a run does not count as solved. Only evaluations during training decide that.
std::string not_solved_text(const TrainReport& report, double wanted) {
  const TrainConfig& config = report.config;
  if (config.eval_frequency == 0) {
    const std::string text =
        "Unknown whether solved: there were no evaluations during training (eval_frequency is 0)";
    if (report.result.eval.episodes == 0) return text + ".\n";
    return text + "; the one at the end " + (reached_at_end(report) ? "reached" : "did not reach") +
           " a mean return of " + short_number(wanted) + ".\n";
  }
  std::string text =
      "Not solved: no evaluation during training reached a mean return of " + short_number(wanted);
  if (config.solve_confirm_episodes > 0)
    text += " and held it over " +
            counted(static_cast<std::size_t>(config.solve_confirm_episodes), "more episode");
  return text + (reached_at_end(report) ? "; the one at the end reached it.\n" : ".\n");
}

std::string verdict(const TrainReport& report, std::size_t width) {
  const TrainResult& result = report.result;
  const double wanted = threshold(report);
  std::string text;
  if (result.solved_at_timestep) {
    text = "Solved at step " + with_separators(*result.solved_at_timestep) + ", after " +
           seconds_text(result.seconds_to_solve) + ": the mean return reached " + short_number(wanted) +
           ".\n";
  } else if (!std::isnan(wanted)) {
    text = wrapped(not_solved_text(report, wanted), width);
    if (!result.interrupted && !reached_at_end(report)) text += what_to_try(report, width);
  }
  if (result.interrupted) text += "Interrupted: the run ended early, and its files are complete.\n";
  return text;
}

/// The steps that were skipped because a number was NaN or infinite.
std::string skipped_text(const TrainResult& result) {
  if (result.skipped_updates == 0 && result.skipped_steps == 0) return "";
  return "Skipped, with numbers that are NaN or infinite: " + with_separators(result.skipped_updates) +
         " gradient steps and " + with_separators(result.skipped_steps) + " environment steps.\n";
}

std::string evaluation_text(const TrainResult& result) {
  const EvalResult& eval = result.eval;
  const std::string network = "the network of step " + with_separators(result.model_timestep);
  if (eval.episodes == 0) return "Evaluation: none, as the run ended early; " + network + " is kept.\n";
  std::ostringstream text;
  text << "Evaluation: mean return " << short_number(eval.mean) << " +- " << short_number(eval.std)
       << " over " << eval.episodes << " fresh episodes (" << short_number(eval.min) << " to "
       << short_number(eval.max) << "), with " << network << ".\n";
  return text.str();
}

std::string numbers(const TrainReport& report) {
  const TrainResult& result = report.result;
  std::ostringstream text;
  if (report.had_finished)
    text << "Nothing was left to train of its " << with_separators(result.timesteps) << " steps and "
         << with_separators(result.gradient_updates) << " gradient steps.\n";
  else
    text << "Trained " << with_separators(result.timesteps) << " steps and "
         << with_separators(result.gradient_updates) << " gradient steps in "
         << seconds_text(result.wall_seconds) << " ("
         << with_separators(std::llround(per_second(result.timesteps, result.wall_seconds))) << " and "
         << with_separators(std::llround(per_second(result.gradient_updates, result.wall_seconds)))
         << " a second).\n";
  text << skipped_text(result) << evaluation_text(result);
  return text.str();
}

std::string policy_text(const TrainReport& report) {
  if (report.policy_interrupted)
    return "The policy's exact value is unknown: a signal ended its calculation.\n";
  if (!report.policy) return "";
  const PolicyValue& policy = *report.policy;
  std::ostringstream text;
  text << "Exactly: the policy's value is " << formatted("%.6g", policy.value) << ", the best possible "
       << formatted("%.6g", policy.optimal_value) << " (discounted by " << short_number(report.config.gamma)
       << "); its expected return " << formatted("%.6g", policy.expected_return) << ", the best possible "
       << formatted("%.6g", policy.optimal_return) << ".\n";
  return text.str();
}

/// The files, and commands that work as printed.
std::string files_text(const TrainReport& report, std::size_t width) {
  const auto word = [](const std::filesystem::path& path) { return shell_word(path.string()); };
  const std::string directory = word(report.directory), program = program_to_type();
  const std::string model = word(report.directory / "model.safetensors");
  const std::string above = report.directory.has_parent_path() ? word(report.directory.parent_path()) : ".";
  std::ostringstream text, files;
  files << "\nWritten to " << report.directory.string() << ":\n"
        << "  model.safetensors     the network; PyTorch's safetensors reads it too\n"
        << "  checkpoint-*          the whole state: train --resume goes on from it\n"
        << "  config.toml           every setting of this run\n"
        << "  progress.csv          loss, epsilon, evaluations over the run\n"
        << "  monitor.csv           every training episode; Stable-Baselines3's load_results reads it\n"
        << "  events.out.tfevents.* the same for TensorBoard\n";
  if (report.was_recorded)
    files << "  diagnostics.csv       gradients, steps, TD errors and time over the run\n";
  if (report.has_report) files << "  report.html           all of it drawn, for a browser\n";
  text << wrapped(files.str(), width) << "\nNext:\n"
       << "  " << program << " eval --checkpoint " << model << "\n"
       << "  " << program << " inspect " << model << "\n"
       << "  " << program << " train --config " << word(report.directory / "config.toml") << "\n"
       << "  tensorboard --logdir " << above << "\n"
       << (report.result.interrupted ? "  " + program + " train --resume " + directory + "\n" : "");
  return text.str();
}

}  // namespace

std::string summary_text(const TrainReport& report, std::size_t width) {
  return verdict(report, width) + wrapped(numbers(report) + policy_text(report), width) +
         files_text(report, width);
}

std::string report_json(const TrainReport& report) {
  const TrainResult& result = report.result;
  nlohmann::ordered_json json;  // NaN becomes null
  json["env_id"] = report.spec.id;
  json["seed"] = report.config.seed;
  json["total_timesteps"] = result.timesteps;
  json["gradient_updates"] = result.gradient_updates;
  json["skipped_updates"] = result.skipped_updates;
  json["skipped_steps"] = result.skipped_steps;
  json["wall_seconds"] = result.wall_seconds;
  json["env_steps_per_second"] = per_second(result.timesteps, result.wall_seconds);
  json["gradient_steps_per_second"] = per_second(result.gradient_updates, result.wall_seconds);
  json["solved_at_timestep"] = nullptr;
  json["seconds_to_solve"] = nullptr;
  if (result.solved_at_timestep) {
    json["solved_at_timestep"] = *result.solved_at_timestep;
    json["seconds_to_solve"] = result.seconds_to_solve;
  }
  json["solved_return"] = threshold(report);
  const EvalResult& eval = result.eval;
  const auto known = [&](double value) {
    return eval.episodes > 0 ? value : std::numeric_limits<double>::quiet_NaN();
  };
  json["eval"] = {{"mean", known(eval.mean)},  {"std", known(eval.std)},
                  {"min", known(eval.min)},    {"max", known(eval.max)},
                  {"episodes", eval.episodes}, {"mean_length", known(eval.mean_length)},
                  {"seed", result.eval_seed}};
  json["model_timestep"] = result.model_timestep;
  if (report.policy_interrupted) {
    for (const char* key : {"policy_value", "optimal_value", "policy_return", "optimal_return"})
      json[key] = nullptr;
  } else if (report.policy) {
    json["policy_value"] = report.policy->value;
    json["optimal_value"] = report.policy->optimal_value;
    json["policy_return"] = report.policy->expected_return;
    json["optimal_return"] = report.policy->optimal_return;
  }
  json["interrupted"] = result.interrupted;
  json["run_dir"] = report.directory.string();
  return json_line(json);
}

}  // namespace bellman
