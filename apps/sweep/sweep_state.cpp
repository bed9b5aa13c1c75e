#include "apps/sweep/sweep_state.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <vector>

#include "apps/base/json_text.h"
#include "apps/base/shell_word.h"
#include "apps/settings/config_file.h"
#include "core/base/check.h"

namespace bellman {
namespace {

void save_result(StateWriter& out, const TrainResult& result) {
  out.add("record.timesteps", result.timesteps);
  out.add("record.gradient_updates", result.gradient_updates);
  out.add("record.skipped_updates", result.skipped_updates);
  out.add("record.skipped_steps", result.skipped_steps);
  out.add("time.seconds", result.wall_seconds);
  out.add("record.solved_at_timestep", result.solved_at_timestep.value_or(-1));
  out.add("time.to_solve", result.seconds_to_solve);
  out.add("record.model_timestep", result.model_timestep);
  out.add("record.eval.mean", result.eval.mean);
  out.add("record.eval.std", result.eval.std);
  out.add("record.eval.min", result.eval.min);
  out.add("record.eval.max", result.eval.max);
  out.add("record.eval.mean_length", result.eval.mean_length);
  out.add("record.eval.episodes", result.eval.episodes);
  out.add("record.eval_seed", result.eval_seed);
}

TrainResult result_of(const StateReader& in) {
  TrainResult result;
  result.timesteps = in.count("record.timesteps");
  result.gradient_updates = in.count("record.gradient_updates");
  result.skipped_updates = in.count("record.skipped_updates");
  result.skipped_steps = in.count("record.skipped_steps");
  result.wall_seconds = in.seconds("time.seconds");
  if (const Index solved = in.count("record.solved_at_timestep", -1); solved >= 0)
    result.solved_at_timestep = solved;
  result.seconds_to_solve = in.seconds("time.to_solve");
  result.model_timestep = in.count("record.model_timestep");
  result.eval = {.mean = in.finite("record.eval.mean"),
                 .std = in.finite("record.eval.std"),
                 .min = in.finite("record.eval.min"),
                 .max = in.finite("record.eval.max"),
                 .mean_length = in.finite("record.eval.mean_length"),
                 .episodes = in.count("record.eval.episodes")};
  result.eval_seed = in.number<std::uint64_t>("record.eval_seed");
  return result;
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
  fail(in.source(), ": record.state is ", state, ", which is none of a run that is over");
}

}  // namespace

TensorFile record_tensors(const RunRecord& record) {
  TensorFile file;
  StateWriter out(file);
  out.add("record.state", static_cast<Index>(record.state));
  save_result(out, record.result);
  save_curve(out, record.curve);
  out.add("record.error", std::vector<std::uint8_t>(record.error.begin(), record.error.end()));
  return file;
}

SweepState::SweepState(std::filesystem::path directory, const SweepPlan& plan)
    : directory_(std::move(directory)), plan_(plan), build_(build_id()) {}

std::filesystem::path SweepState::path(std::size_t run) const {
  std::array<char, 64> name{};
  std::snprintf(name.data(), name.size(), "run-%04zu-seed%llu.safetensors", plan_.variant_of(run),
                static_cast<unsigned long long>(plan_.seed_of(run)));
  return directory_ / name.data();
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
      fail(file.string(), ": is of a run with other settings");
    return checkpoint;
  } catch (const Error& failure) {
    fail(failure.what(), remedy());
  }
}

/// What to do about a run's file that cannot be used.
std::string SweepState::remedy() const {
  return ". Without this file `bellman sweep --resume " + shell_word(directory_.string()) +
         "` trains the run again";
}

std::optional<RunRecord> SweepState::record_of(std::size_t run, const Checkpoint& checkpoint) const {
  const StateReader in(checkpoint.state, path(run).string());
  if (!in.has("record.state")) return std::nullopt;
  try {
    RunRecord record;
    record.state = state_of(in);
    record.timestep = checkpoint.timestep;
    record.result = result_of(in);
    record.curve = curve_of(in);
    const auto error = in.get<std::uint8_t>("record.error");
    record.error = escaped({reinterpret_cast<const char*>(error.data()), error.size()});
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
