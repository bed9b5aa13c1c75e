#include "apps/sweep/sweep_files.h"

#include <cmath>
#include <optional>
#include <span>
#include <utility>

#include <nlohmann/json.hpp>

#include "apps/base/json_text.h"
#include "apps/settings/resolve.h"
#include "apps/sweep/sweep_comparison.h"
#include "apps/sweep/sweep_report.h"
#include "apps/sweep/sweep_statistics.h"
#include "core/base/text.h"
#include "core/io/files.h"

namespace bellman {
namespace {

using Json = nlohmann::ordered_json;

/// A cell of a CSV file (RFC 4180): quoted where it contains a comma or a quote.
std::string cell(const std::string& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

std::string csv_start(const SweepPlan& plan) {
  std::string text;
  for (const Setting* setting : plan.grid) text += file_key(*setting) + ",";
  return text + "seed";
}

std::string csv_start(const SweepPlan& plan, std::size_t run) {
  std::string text;
  for (const std::string& value : plan.variants[plan.variant_of(run)].values) text += cell(value) + ",";
  return text + std::to_string(plan.seed_of(run));
}

const char* state_name(RunState state) {
  if (state == RunState::kFinished) return "finished";
  if (state == RunState::kFailed) return "failed";
  return state == RunState::kCut ? "cut" : "not run";
}

Json grid_json(const SweepPlan& plan, const SweepVariant& variant) {
  Json json = Json::object();
  for (const Setting* setting : plan.grid)
    json[file_key(*setting)] = setting_json(variant.resolved.config, *setting);
  return json;
}

Json json_of(const VariantSummary& summary) {
  return {{"finished", summary.finished},
          {"failed", summary.failed},
          {"mean", number_or_null(summary.mean)},
          {"std", number_or_null(summary.std)},
          {"iqm", number_or_null(summary.iqm)},
          {"iqm_low", number_or_null(summary.interval.low)},
          {"iqm_high", number_or_null(summary.interval.high)},
          {"solved", number_or_null(summary.solved)},
          {"solved_low", number_or_null(summary.solved_bounds.low)},
          {"solved_high", number_or_null(summary.solved_bounds.high)},
          {"median_steps_to_solve", number_or_null(summary.median_steps_to_solve)},
          {"median_seconds_to_solve", number_or_null(summary.median_seconds_to_solve)}};
}

/// Those that are not columns of their own before.
std::span<const SweepScore> added_scores() { return sweep_scores().subspan(1); }

Json json_of(const SweepPlan& plan, const std::optional<VariantComparison>& comparison) {
  if (!comparison) return nullptr;
  Json json = {{"baseline", grid_json(plan, plan.variants[comparison->baseline])}};
  for (std::size_t i = 0; i < comparison->scores.size(); ++i) {
    const ScoreComparison& score = comparison->scores[i];
    json[sweep_scores()[i].key] = {{"pairs", score.pairs},
                                   {"difference", number_or_null(score.difference)},
                                   {"difference_low", number_or_null(score.difference_interval.low)},
                                   {"difference_high", number_or_null(score.difference_interval.high)},
                                   {"probability_of_improvement", number_or_null(score.improvement)},
                                   {"probability_low", number_or_null(score.improvement_interval.low)},
                                   {"probability_high", number_or_null(score.improvement_interval.high)}};
  }
  return json;
}

Json json_of(const std::vector<ProfilePoint>& profile) {
  Json json = Json::array();
  for (const ProfilePoint& point : profile)
    json.push_back({{"tau", point.tau},
                    {"share", point.share},
                    {"low", point.interval.low},
                    {"high", point.interval.high}});
  return json;
}

Json json_of(const SweepPlan& plan, std::size_t number, const SweepRun& run) {
  Json json = {{"seed", plan.seed_of(number)},
               {"state", state_name(run.state)},
               {"command", run_command(plan, number)}};
  if (run.state == RunState::kFailed) json["error"] = run.error;
  json["curve"] = Json::array();
  for (const EvaluationPoint& point : run.curve)
    json["curve"].push_back({{"timestep", point.timestep}, {"eval_mean", number_or_null(point.mean_return)}});
  if (run.state != RunState::kFinished) return json;
  const TrainResult& result = run.result;
  json["total_timesteps"] = result.timesteps;
  json["gradient_updates"] = result.gradient_updates;
  json["skipped_updates"] = result.skipped_updates;
  json["skipped_steps"] = result.skipped_steps;
  json["wall_seconds"] = result.wall_seconds;
  json["solved_at_timestep"] = result.solved_at_timestep ? Json(*result.solved_at_timestep) : Json(nullptr);
  json["seconds_to_solve"] = result.solved_at_timestep ? Json(result.seconds_to_solve) : Json(nullptr);
  json["eval"] = {{"mean", result.eval.mean},
                  {"std", result.eval.std},
                  {"min", result.eval.min},
                  {"max", result.eval.max},
                  {"episodes", result.eval.episodes}};
  const TrainConfig& config = plan.variants[plan.variant_of(number)].resolved.config;
  for (const SweepScore& score : added_scores()) json[score.key] = number_or_null(score.of(run, config));
  json["training_episodes"] = result.training_episodes ? Json(*result.training_episodes) : Json(nullptr);
  return json;
}

const std::string& env_id_of(const SweepPlan& plan, std::size_t run) {
  return plan.variants[plan.variant_of(run)].resolved.config.env.id;
}

}  // namespace

std::string sweep_plan_json(const SweepPlan& plan, const std::string& execution) {
  Json json = {{"runs", plan.runs()}, {"seeds", plan.seeds}, {"way", execution}, {"variants", Json::array()}};
  if (!plan.is_whole())
    json["shard"] = {{"number", plan.shard.number}, {"count", plan.shard.count}, {"runs", plan.own_runs()}};
  for (const SweepVariant& variant : plan.variants)
    json["variants"].push_back(
        {{"settings", grid_json(plan, variant)}, {"config", settings_json(variant.resolved)}});
  return json_line(json);
}

std::string runs_csv(const SweepPlan& plan, const std::vector<SweepRun>& runs) {
  std::string text = csv_start(plan) +
                     ",state,eval_mean,eval_std,timesteps,gradient_updates,solved_at_timestep,"
                     "seconds_to_solve,wall_seconds,error,command";
  for (const SweepScore& score : added_scores()) text += std::string(",") + score.key;
  text += "\n";
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const SweepRun& run = runs[i];
    const TrainResult& result = run.result;
    if (!is_over(run)) continue;
    text += csv_start(plan, i) + "," + state_name(run.state) + ",";
    if (run.state == RunState::kFailed) {
      text += ",,,,,,," + cell(run.error) + "," + cell(run_command(plan, i)) +
              std::string(added_scores().size(), ',') + "\n";
      continue;
    }
    text += number_text(result.eval.mean) + "," + number_text(result.eval.std) + "," +
            std::to_string(result.timesteps) + "," + std::to_string(result.gradient_updates) + ",";
    if (result.solved_at_timestep)
      text += std::to_string(*result.solved_at_timestep) + "," + formatted("%.3f", result.seconds_to_solve);
    else
      text += ",";
    text += "," + formatted("%.3f", result.wall_seconds) + ",," + cell(run_command(plan, i));
    for (const SweepScore& score : added_scores()) {
      const double value = score.of(run, plan.variants[plan.variant_of(i)].resolved.config);
      text += "," + (std::isnan(value) ? "" : number_text(value));
    }
    text += "\n";
  }
  return text;
}

std::string curves_csv(const SweepPlan& plan, const std::vector<SweepRun>& runs) {
  std::string text = csv_start(plan) + ",timestep,eval_mean\n";
  for (std::size_t i = 0; i < runs.size(); ++i)
    for (const EvaluationPoint& point : runs[i].curve)
      text += csv_start(plan, i) + "," + std::to_string(point.timestep) + "," +
              number_text(point.mean_return) + "\n";
  return text;
}

std::string sweep_json(const SweepPlan& plan, const std::vector<SweepRun>& runs, double seconds) {
  const std::vector<VariantSummary> summaries = summarise(plan, runs);
  const std::vector<std::optional<VariantComparison>> comparisons = compare_variants(plan, runs);
  const std::vector<std::vector<ProfilePoint>> profiles = performance_profiles(plan, runs);
  Json json;
  json["env_id"] = plan.variants.front().resolved.config.env.id;
  json["runs"] = plan.runs();
  json["wall_seconds"] = seconds;
  json["best"] = Json::array();
  for (const auto& [env_id, run] : best_runs(plan, runs))
    json["best"].push_back({{"env_id", env_id},
                            {"settings", grid_json(plan, plan.variants[plan.variant_of(run)])},
                            {"seed", plan.seed_of(run)},
                            {"eval_mean", number_or_null(runs[run].result.eval.mean)},
                            {"model", best_model_path("", env_id).string()}});
  json["variants"] = Json::array();
  for (std::size_t v = 0; v < summaries.size(); ++v) {
    Json variant;
    variant["settings"] = grid_json(plan, plan.variants[v]);
    for (const Setting& setting : settings())
      variant["config"][file_key(setting)] = setting_json(plan.variants[v].resolved.config, setting);
    variant["summary"] = json_of(summaries[v]);
    variant["runs"] = Json::array();
    for (std::size_t s = 0; s < plan.seeds.size(); ++s) {
      const std::size_t run = v * plan.seeds.size() + s;
      variant["runs"].push_back(json_of(plan, run, runs[run]));
    }
    variant["comparison"] = json_of(plan, comparisons[v]);
    variant["performance_profile"] = json_of(profiles[v]);
    json["variants"].push_back(std::move(variant));
  }
  return json_line(json);
}

std::map<std::string, std::size_t> best_runs(const SweepPlan& plan, const std::vector<SweepRun>& runs) {
  std::map<std::string, std::size_t> best;
  for (std::size_t run = 0; run < runs.size(); ++run) {
    if (runs[run].state != RunState::kFinished) continue;
    const auto [place, is_first] = best.try_emplace(env_id_of(plan, run), run);
    if (!is_first && runs[run].result.eval.mean > runs[place->second].result.eval.mean) place->second = run;
  }
  return best;
}

std::filesystem::path best_model_path(const std::filesystem::path& directory, const std::string& env_id) {
  return directory / ("best-" + file_name_of(env_id) + ".safetensors");
}

SweepBest::SweepBest(std::filesystem::path directory, const SweepPlan& plan,
                     const std::vector<SweepRun>& runs)
    : directory_(std::move(directory)), plan_(plan) {
  for (const auto& [env_id, run] : best_runs(plan, runs)) best_[env_id] = {run, runs[run].result.eval.mean};
}

void SweepBest::offer(std::size_t run, const SweepRun& record, const Model& model) {
  const std::string& env_id = env_id_of(plan_, run);
  const double mean = record.result.eval.mean;
  const std::lock_guard lock(mutex_);
  if (const auto best = best_.find(env_id); best != best_.end()) {
    const auto [best_run, best_mean] = best->second;
    if (!(mean > best_mean || (mean == best_mean && run < best_run))) return;
  }
  save_model(best_model_path(directory_, env_id), model);
  best_[env_id] = {run, mean};
}

SweepFiles::SweepFiles(const std::filesystem::path& directory, const SweepPlan& plan)
    : directory_(directory),
      plan_(plan),
      state_(directory, plan),
      records_(state_.records()),
      best_(directory, plan, records_) {}

void SweepFiles::save_plan() const { save_sweep_plan(sweep_plan_path(directory_), plan_, records_); }

void SweepFiles::keep(std::size_t run, const SweepRun& record, const Model* model) {
  if (model) best_.offer(run, record, *model);  // first: a run that has a record is not trained again
  state_.save_record(run, record);
}

void SweepFiles::save_progress(const std::vector<SweepRun>& runs) const {
  write_file_atomically(directory_ / "sweep.csv", runs_csv(plan_, runs));
  save_sweep_plan(sweep_plan_path(directory_), plan_, runs);
}

void SweepFiles::save_results(const std::vector<SweepRun>& runs, double seconds) const {
  save_progress(runs);
  write_file_atomically(directory_ / "sweep_curves.csv", curves_csv(plan_, runs));
  write_file_atomically(directory_ / "sweep.json", sweep_json(plan_, runs, seconds));
  write_file_atomically(directory_ / "sweep.html", sweep_page(plan_, runs, seconds));
}

}  // namespace bellman
