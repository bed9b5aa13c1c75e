#include "apps/sweep_state.h"

#include <array>
#include <cstdio>
#include <vector>

#include <nlohmann/json.hpp>

#include "apps/config_file.h"
#include "core/check.h"
#include "core/io/atomic_file.h"
#include "core/printable.h"

namespace bellman {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kPlanName = "sweep_plan.json";

Json json_of(const SweepVariant& variant) {
  return {{"values", variant.values},
          {"label", variant.label},
          {"preset", variant.resolved.preset},
          {"config", config_file_text(variant.resolved.config)}};
}

SweepVariant variant_of(const Json& json, const std::string& source) {
  SweepVariant variant;
  variant.values = json.at("values").get<std::vector<std::string>>();
  variant.label = json.at("label").get<std::string>();
  variant.resolved.preset = json.at("preset").get<std::string>();
  variant.resolved.origins.assign(settings().size(), "sweep that is resumed");
  for (const Assignment& a : parse_config(json.at("config").get<std::string>(), source).assignments)
    assign(variant.resolved.config, *a.setting, a.label, a.text);
  validate(variant.resolved);
  return variant;
}

SweepPlan plan_of(const Json& json, const std::string& source) {
  SweepPlan plan;
  for (const Json& key : json.at("grid")) {
    const Setting* const setting = find_setting(key.get<std::string>());
    if (!setting) fail(source, ": unknown setting ", printable(key.get<std::string>()));
    plan.grid.push_back(setting);
  }
  plan.seeds = json.at("seeds").get<std::vector<std::uint64_t>>();
  for (const Json& variant : json.at("variants")) plan.variants.push_back(variant_of(variant, source));
  if (plan.seeds.empty() || plan.variants.empty()) fail(source, ": no seeds, or no settings");
  for (const SweepVariant& variant : plan.variants)
    if (variant.values.size() != plan.grid.size())
      fail(source, ": ", variant.values.size(), " values for ", plan.grid.size(), " settings of the grid");
  return plan;
}

/// The numbers of a result; kept in this order.
std::vector<double> numbers_of(const TrainResult& r) {
  return {r.wall_seconds, r.seconds_to_solve, r.eval.mean,       r.eval.std,
          r.eval.min,     r.eval.max,         r.eval.mean_length};
}

std::vector<Index> counts_of(const TrainResult& r) {
  return {r.timesteps,
          r.gradient_updates,
          r.skipped_updates,
          r.skipped_steps,
          r.solved_at_timestep.value_or(-1),
          r.model_timestep,
          r.eval.episodes};
}

TrainResult result_of(const std::vector<double>& numbers, const std::vector<Index>& counts) {
  TrainResult r;
  r.wall_seconds = numbers[0];
  r.seconds_to_solve = numbers[1];
  r.eval = {.mean = numbers[2],
            .std = numbers[3],
            .min = numbers[4],
            .max = numbers[5],
            .mean_length = numbers[6],
            .episodes = counts[6]};
  r.timesteps = counts[0];
  r.gradient_updates = counts[1];
  r.skipped_updates = counts[2];
  r.skipped_steps = counts[3];
  if (counts[4] >= 0) r.solved_at_timestep = counts[4];
  r.model_timestep = counts[5];
  return r;
}

}  // namespace

std::string sweep_plan_json(const SweepPlan& plan) {
  Json json;
  json["grid"] = Json::array();
  for (const Setting* setting : plan.grid) json["grid"].push_back(file_key(*setting));
  json["seeds"] = plan.seeds;
  json["variants"] = Json::array();
  for (const SweepVariant& variant : plan.variants) json["variants"].push_back(json_of(variant));
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

SweepPlan parse_sweep_plan(const std::string& text, const std::string& source) {
  try {
    return plan_of(Json::parse(text), source);
  } catch (const Json::exception& error) {
    fail(source, ": ", error.what());
  }
}

void SweepState::save_plan() const { write_file_atomically(directory_ / kPlanName, sweep_plan_json(plan_)); }

std::filesystem::path SweepState::path(std::size_t run) const {
  std::array<char, 40> name{};
  std::snprintf(name.data(), name.size(), "run-%06zu.safetensors", run);
  return directory_ / name.data();
}

void SweepState::save(std::size_t run, Index timestep, TensorFile state) const {
  const TrainConfig config = plan_.config_of(run);
  save_checkpoint(path(run), {.version = "",
                              .build = build_id(),
                              .device = config.device,
                              .config = config_file_text(config),
                              .timestep = timestep,
                              .logs = {},
                              .state = std::move(state)});
}

void SweepState::save_record(std::size_t run, const RunRecord& record) const {
  TensorFile file;
  StateWriter out(file);
  out.add("record.state", static_cast<Index>(record.state));
  out.add("record.numbers", numbers_of(record.result));
  out.add("record.counts", counts_of(record.result));
  out.add("record.eval_seed", record.result.eval_seed);
  std::vector<Index> timesteps;
  std::vector<double> means;
  for (const EvaluationPoint& point : record.curve) {
    timesteps.push_back(point.timestep);
    means.push_back(point.mean_return);
  }
  out.add("record.curve_timesteps", timesteps);
  out.add("record.curve_means", means);
  out.add("record.error", std::vector<std::uint8_t>(record.error.begin(), record.error.end()));
  save(run, record.timestep, std::move(file));
}

void SweepState::save_training(std::size_t run, Population& population, std::size_t number) const {
  TensorFile file;
  StateWriter out(file);
  population.save(number, out);
  save(run, population.runs()[number].timestep, std::move(file));
}

std::optional<Checkpoint> SweepState::find(std::size_t run) const {
  const std::filesystem::path file = path(run);
  std::error_code error;
  if (!std::filesystem::exists(file, error)) return std::nullopt;
  Checkpoint checkpoint = load_checkpoint(file);
  if (checkpoint.config != config_file_text(plan_.config_of(run)))
    fail(file.string(), ": is of a run with other settings");
  return checkpoint;
}

void SweepState::check() const {
  for (std::size_t run = 0; run < plan_.runs(); ++run) find(run);
}

std::optional<RunRecord> SweepState::record_of(const Checkpoint& checkpoint, const std::string& source) {
  const StateReader in(checkpoint.state, source);
  if (!in.has("record.state")) return std::nullopt;
  RunRecord record;
  record.state = static_cast<RunState>(in.count("record.state"));
  if (!is_over(record)) fail(source, ": record.state is none of a run that is over");
  record.timestep = checkpoint.timestep;
  record.result = result_of(in.get<double>("record.numbers", 7), in.get<Index>("record.counts", 7));
  record.result.eval_seed = in.number<std::uint64_t>("record.eval_seed");
  const auto timesteps = in.get<Index>("record.curve_timesteps");
  const auto means = in.get<double>("record.curve_means", timesteps.size());
  for (std::size_t i = 0; i < timesteps.size(); ++i) record.curve.push_back({timesteps[i], means[i]});
  const auto error = in.get<std::uint8_t>("record.error");
  record.error.assign(error.begin(), error.end());
  return record;
}

void SweepState::remove() const {
  std::error_code error;
  for (std::size_t run = 0; run < plan_.runs(); ++run) std::filesystem::remove(path(run), error);
  std::filesystem::remove(directory_ / kPlanName, error);
}

}  // namespace bellman
