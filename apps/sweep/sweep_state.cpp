#include "apps/sweep/sweep_state.h"

#include <cmath>
#include <limits>
#include <set>
#include <type_traits>
#include <utility>

#include "apps/base/fingerprint.h"
#include "apps/base/json_text.h"
#include "apps/base/numbers.h"
#include "apps/base/process.h"
#include "apps/run/resume.h"
#include "apps/settings/config_file.h"
#include "core/base/check.h"
#include "core/base/text.h"
#include "rl/state/training_state.h"

namespace bellman {
namespace {

using Bytes = std::vector<std::uint8_t>;

std::string settings_name(std::size_t variant) { return formatted("settings.%06zu", variant); }

void add_text(StateWriter& out, const std::string& name, const std::string& text) {
  out.add(name, Bytes(text.begin(), text.end()));
}

std::string text_of(const StateReader& in, const std::string& name) {
  const Bytes bytes = in.get<std::uint8_t>(name);
  return {bytes.begin(), bytes.end()};
}

/// The settings of a combination: every setting that applies to it. `source` names file and tensor.
ResolvedConfig settings_of(const std::string& text, const std::string& source) {
  ResolvedConfig resolved;
  resolved.preset = "none";
  resolved.origins.assign(settings().size(), "sweep that is resumed");
  std::set<const Setting*> given;
  for (const Assignment& a : parse_config(text, source).assignments) {
    apply(resolved.config, a);
    given.insert(a.setting);
  }
  for (const Setting& setting : settings())
    if (!missing_condition(setting, resolved.config) && !given.contains(&setting))
      fail(source, ": ", file_key(setting), " is missing");
  validate(resolved);
  // Plans of earlier versions have only the map's name: its file is read when a run is made.
  if (EnvOptions& env = resolved.config.env; !env.map.text.empty()) read_map(env);
  return resolved;
}

std::vector<const Setting*> grid_of(const std::string& text) {
  std::vector<const Setting*> grid;
  for (const std::string& key : text.empty() ? std::vector<std::string>() : split_list(text, ','))
    grid.push_back(&grid_setting(key));
  return grid;
}

std::vector<bool> over_of(const StateReader& in, std::size_t runs) {
  std::vector<bool> over;
  for (const std::uint8_t value : in.get<std::uint8_t>("over", runs)) {
    if (value > 1) fail(in.source(), ": over has ", static_cast<int>(value), ", must be 0 or 1");
    over.push_back(value == 1);
  }
  return over;
}

SweepShard shard_of(const StateReader& in) {
  const auto values = in.get<std::uint64_t>("shard", 2);
  if (values[0] < 1 || values[0] > values[1]) fail(in.source(), ": shard has ", values[0], " of ", values[1]);
  return {values[0], values[1]};
}

const std::string kTrainingEpisodes = "record.training.episodes", kTrainingMean = "record.training.mean";

/// Calls `field` with name and member of each field of a result, in the order of the file.
template <class Result, class Field>
void for_each_field(Result& result, const Field& field) {
  field("record.timesteps", result.timesteps);
  field("record.gradient_updates", result.gradient_updates);
  field("record.skipped_updates", result.skipped_updates);
  field("record.skipped_steps", result.skipped_steps);
  field("time.seconds", result.wall_seconds);
  field("record.solved_at_timestep", result.solved_at_timestep);
  field("time.to_solve", result.seconds_to_solve);
  field("record.model_timestep", result.model_timestep);
  field("record.eval.mean", result.eval.mean);
  field("record.eval.std", result.eval.std);
  field("record.eval.min", result.eval.min);
  field("record.eval.max", result.eval.max);
  field("record.eval.mean_length", result.eval.mean_length);
  field("record.eval.episodes", result.eval.episodes);
  field("record.eval_seed", result.eval_seed);
}

void save_result(StateWriter& out, const TrainResult& result) {
  for_each_field(result, [&]<class T>(const std::string& name, const T& value) {
    if constexpr (std::is_same_v<T, std::optional<Index>>)
      out.add(name, value.value_or(-1));
    else
      out.add(name, value);
  });
}

TrainResult result_of(const StateReader& in) {
  TrainResult result;
  for_each_field(result, [&]<class T>(const std::string& name, T& value) {
    if constexpr (std::is_same_v<T, std::optional<Index>>) {
      if (const Index count = in.count(name, -1); count >= 0) value = count;
    } else if constexpr (std::is_same_v<T, Index>) {
      value = in.count(name);
    } else if constexpr (std::is_same_v<T, double>) {
      value = name.starts_with("time.") ? in.seconds(name) : in.finite(name);
    } else {
      value = in.template number<T>(name);
    }
  });
  return result;
}

/// Files of earlier versions have none.
void save_training_return(StateWriter& out, const TrainResult& result) {
  if (!result.training_episodes) return;
  out.add(kTrainingEpisodes, *result.training_episodes);
  out.add(kTrainingMean, *result.training_episodes > 0 ? result.training_mean : 0.0);
}

void read_training_return(const StateReader& in, TrainResult& result) {
  if (!in.has(kTrainingEpisodes)) return;
  result.training_episodes = in.count(kTrainingEpisodes);
  const double mean = in.finite(kTrainingMean);
  result.training_mean = *result.training_episodes > 0 ? mean : std::numeric_limits<double>::quiet_NaN();
}

void save_curve(StateWriter& out, const std::vector<EvaluationPoint>& curve) {
  std::vector<Index> timesteps;
  std::vector<double> means;
  for (const EvaluationPoint& point : curve) {
    timesteps.push_back(point.timestep);
    means.push_back(point.mean_return);
  }
  out.add("record.curve.timesteps", timesteps);
  out.add("record.curve.means", means);
}

std::vector<EvaluationPoint> curve_of(const StateReader& in) {
  const auto timesteps = in.get<Index>("record.curve.timesteps");
  const auto means = in.get<double>("record.curve.means", timesteps.size());
  std::vector<EvaluationPoint> curve;
  for (std::size_t i = 0; i < timesteps.size(); ++i) {
    const Index before = i == 0 ? 0 : timesteps[i - 1];
    if (timesteps[i] < before || timesteps[i] > StateReader::kMostCount)
      fail(in.source(), ": record.curve.timesteps has ", timesteps[i], " after ", before);
    if (!std::isfinite(means[i])) fail(in.source(), ": record.curve.means has ", means[i]);
    curve.push_back({timesteps[i], means[i]});
  }
  return curve;
}

RunState state_of(const StateReader& in) {
  const auto state = in.number<Index>("record.state");
  if (state == static_cast<Index>(RunState::kFinished)) return RunState::kFinished;
  if (state == static_cast<Index>(RunState::kFailed)) return RunState::kFailed;
  fail(in.source(), ": record.state is ", state, ", which no run has that is over");
}

}  // namespace

std::filesystem::path sweep_plan_path(const std::filesystem::path& directory) {
  return directory / "sweep_plan.safetensors";
}

SavedSweep sweep_of(const TensorFile& file, const std::string& source) {
  const StateReader in(file, source);
  SweepPlan plan;
  plan.seeds = in.get<std::uint64_t>("seeds");
  in.hand_over("grid", [&] { plan.grid = grid_of(text_of(in, "grid")); });
  if (in.has("shard")) plan.shard = shard_of(in);
  std::set<std::string> names = {"seeds", "grid", "shard", "over"};
  for (std::string name = settings_name(0); in.has(name); name = settings_name(plan.variants.size())) {
    in.hand_over(name, [&] {
      plan.variants.push_back(sweep_variant(plan.grid, settings_of(text_of(in, name), "config.toml")));
    });
    names.insert(name);
  }
  for (const FileTensor& tensor : file.tensors)
    if (!names.contains(tensor.name)) fail(source, ": a sweep has no tensor ", printable(tensor.name));
  in.hand_over("the sweep", [&] { validate(plan); });
  std::vector<bool> over = over_of(in, plan.runs());
  return {std::move(plan), std::move(over)};
}

TensorFile plan_tensors(const SweepPlan& plan, const std::vector<RunRecord>& runs) {
  TensorFile file;
  StateWriter out(file);
  out.add("seeds", plan.seeds);
  std::string grid;
  for (const Setting* setting : plan.grid) grid += (grid.empty() ? "" : ",") + file_key(*setting);
  add_text(out, "grid", grid);
  if (!plan.is_whole()) out.add("shard", std::vector<std::uint64_t>{plan.shard.number, plan.shard.count});
  Bytes over;
  for (const RunRecord& run : runs) over.push_back(is_over(run));
  out.add("over", over);
  for (std::size_t v = 0; v < plan.variants.size(); ++v)
    add_text(out, settings_name(v), config_file_text(plan.variants[v].resolved.config));
  return file;
}

void save_sweep_plan(const std::filesystem::path& path, const SweepPlan& plan,
                     const std::vector<RunRecord>& runs) {
  save_checkpoint(path, {.version = "",
                         .build = build_id(),
                         .device = "",
                         .config = "",
                         .timestep = 0,
                         .logs = {},
                         .state = plan_tensors(plan, runs)});
}

SavedSweep load_sweep_plan(const std::filesystem::path& path) {
  const Checkpoint checkpoint = load_checkpoint(path);
  return sweep_of(checkpoint.state, path.string());
}

TensorFile record_tensors(const RunRecord& record) {
  TensorFile file;
  StateWriter out(file);
  out.add("record.state", static_cast<Index>(record.state));
  save_result(out, record.result);
  save_training_return(out, record.result);
  save_curve(out, record.curve);
  out.add("record.error", Bytes(record.error.begin(), record.error.end()));
  return file;
}

RunRecord record_of(const TensorFile& file, const std::string& source) {
  const StateReader in(file, source);
  RunRecord record;
  record.state = state_of(in);
  record.result = result_of(in);
  read_training_return(in, record.result);
  record.curve = curve_of(in);
  const auto error = in.get<std::uint8_t>("record.error");
  record.error = {reinterpret_cast<const char*>(error.data()), error.size()};
  return record;
}

SweepState::SweepState(std::filesystem::path directory, const SweepPlan& plan)
    : directory_(std::move(directory)), plan_(plan), build_(build_id()) {}

std::filesystem::path SweepState::path(std::size_t run) const {
  return directory_ / formatted("run-%04zu-seed%llu.safetensors", plan_.variant_of(run),
                                static_cast<unsigned long long>(plan_.seed_of(run)));
}

void SweepState::save(std::size_t run, Index timestep, TensorFile state) const {
  const TrainConfig config = plan_.config_of(run);
  save_checkpoint(path(run), {.version = "",
                              .build = build_,
                              .device = config.device,
                              .config = config_file_text(config),
                              .timestep = timestep,
                              .logs = {},
                              .state = std::move(state)});
}

void SweepState::save_record(std::size_t run, const RunRecord& record) const {
  save(run, record.timestep, record_tensors(record));
}

void SweepState::save_training(std::size_t run, Population& population, std::size_t number) const {
  TensorFile file;
  StateWriter out(file);
  population.save(number, out);
  save(run, population.runs()[number].timestep, std::move(file));
}

bool SweepState::any() const {
  std::error_code error;
  for (std::size_t run = 0; run < plan_.runs(); ++run)
    if (std::filesystem::exists(path(run), error)) return true;
  return false;
}

std::optional<Checkpoint> SweepState::find(std::size_t run) const {
  const std::filesystem::path file = path(run);
  std::error_code error;
  if (!std::filesystem::exists(file, error)) return std::nullopt;
  try {
    Checkpoint checkpoint = load_checkpoint(file);
    if (checkpoint.config != config_file_text(plan_.config_of(run)))
      fail(file.string(), ": belongs to ", owner(checkpoint, run));
    return checkpoint;
  } catch (const Error& failure) {
    fail(failure.what(), remedy());
  }
}

/// Whose a file is that has not the settings of this run.
std::string SweepState::owner(const Checkpoint& checkpoint, std::size_t run) const {
  TrainConfig config = plan_.config_of(run);
  config.seed = saved_config(checkpoint.config, path(run).string()).config.seed;
  return config.seed != plan_.seed_of(run) && checkpoint.config == config_file_text(config)
             ? "the run of seed " + std::to_string(config.seed)
             : "a run with other settings";
}

/// The remedy for a run's file that cannot be used.
std::string SweepState::remedy() const {
  return ". Without this file `bellman sweep --resume " + shell_word(directory_.string()) +
         "` trains the run again";
}

std::optional<RunRecord> SweepState::record_of(std::size_t run, const Checkpoint& checkpoint) const {
  const std::string source = path(run).string();
  if (!StateReader(checkpoint.state, source).has("record.state")) return std::nullopt;
  try {
    RunRecord record = bellman::record_of(checkpoint.state, source);
    record.timestep = checkpoint.timestep;
    record.error = escaped(record.error);
    return record;
  } catch (const Error& failure) {
    fail(failure.what(), remedy());
  }
}

std::vector<RunRecord> SweepState::records() const {
  std::vector<RunRecord> records(plan_.runs());
  for (std::size_t run = 0; run < plan_.runs(); ++run)
    if (const auto checkpoint = find(run))
      if (const auto record = record_of(run, *checkpoint)) records[run] = *record;
  return records;
}

std::vector<std::size_t> SweepState::lost(const std::vector<bool>& over) const {
  std::vector<std::size_t> runs;
  std::error_code error;
  for (std::size_t run = 0; run < over.size(); ++run)
    if (over[run] && !std::filesystem::exists(path(run), error)) runs.push_back(run);
  return runs;
}

}  // namespace bellman
