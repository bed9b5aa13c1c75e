#include "bench/row_columns.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <numeric>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include <unistd.h>

#include "core/base/check.h"
#include "core/cpu/cpu_backend.h"
#include "envs/grid/tabular_env.h"
#include "rl/learn/dqn_update.h"
#include "rl/log/append_file.h"
#include "rl/train/from_config.h"
#include "rl/train/network_measures.h"
#include "rl/train/next_step.h"
#include "rl/train/q_table.h"
#include "rl/train/recorder.h"
#include "rl/train/recorder_columns.h"
#include "rl/train/trainer.h"
#include "rl/train/value_errors.h"

namespace bellman::bench {
namespace {

/// The run ends with a row of all groups, and with the networks that this row is of: the target network lags behind.
TrainConfig ending_with_a_row(TrainConfig config) {
  config.diagnostics = Diagnostics::kFull;
  if (config.total_timesteps % config.target_network_frequency == 0)
    config.total_timesteps += config.train_frequency;
  config.eval_frequency = config.total_timesteps;
  config.keep_best = false;
  return config;
}

LearnerOptions step_options(const TrainConfig& config) {
  LearnerOptions options = learner_options(config, nullptr);
  options.max_acting_batch = 1;
  return options;
}

double sum_of(const std::vector<double>& numbers) {
  return std::accumulate(numbers.begin(), numbers.end(), 0.0,
                         [](double sum, double x) { return std::isnan(x) ? sum : sum + x; });
}

}  // namespace

const ColumnGroup& find_group(std::string_view name) {
  for (const ColumnGroup& group : kColumnGroups)
    if (group.name == name) return group;
  fail("there is no group of columns \"", name, "\"");
}

Index steps_between(const TrainConfig& config, const ColumnGroup& group) {
  return group.of_tables ? config.eval_frequency : Recorder::steps_between(config);
}

struct RowColumns::Parts {
  explicit Parts(const TrainConfig& config_in)
      : config(ending_with_a_row(config_in)),
        trainer(config, backend, {.records = true}),
        columns(trainer),
        update(backend, trainer.network(), step_options(config)),
        pass(backend, trainer.network(), update.options().max_batch, false),
        env(trainer.make_env()) {}

  void train();
  double recorded(std::string_view group) const;
  double measure(const ColumnGroup& group);
  void load_learner();
  double parameter_gap();
  double target_passes();
  ConstTensor q_values(const Arena& parameters);

  TrainConfig config;
  CpuBackend backend;
  Trainer trainer;
  RecorderColumns columns;
  DqnUpdate update;
  Workspace pass;
  std::unique_ptr<Env> env;
  std::optional<ValueErrors> exact;
  NextStep step;
  std::vector<std::vector<float>> activations;  // of columns.activations
  std::vector<float> features, q_before;
  std::vector<double> table;
  std::vector<double> last;  // of each column the last number that was recorded
  AppendFile nowhere{"/dev/null"};
};

/// Trains, keeps the recorded numbers, and makes the step that the last row is of.
void RowColumns::Parts::train() {
  const std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("bellman_row_columns_" + std::to_string(getpid()) + ".csv");
  AppendFile file(path);
  std::filesystem::remove(path);
  {
    Recorder recorder(trainer, file, [](const std::string& reason) { fail(reason); });
    trainer.add_sink(recorder);
    trainer.run();
  }
  last.assign(columns.names.size(), std::nan(""));
  std::istringstream lines(file.tail(static_cast<std::size_t>(file.size())));
  std::string line, cell;
  for (std::getline(lines, line); std::getline(lines, line);) {
    std::istringstream cells(line);
    std::getline(cells, cell, ',');
    for (std::size_t i = 0; std::getline(cells, cell, ','); ++i)
      if (!cell.empty()) last[i] = std::strtod(cell.c_str(), nullptr);
  }
  load_learner();
  step = trainer.next_step();
  activations.resize(columns.activations.size());
  const std::string last_input = "a" + std::to_string(trainer.network().layers() - 1);
  make_step(update, step, [&](const std::string& name, ConstTensor tensor) {
    const std::vector<float> numbers(tensor.host().begin(), tensor.host().end());
    for (std::size_t i = 0; i < activations.size(); ++i)
      if (name == columns.activations[i].tensor) activations[i] = numbers;
    if (name == last_input) features = numbers;
    if (name == "q.now") q_before = numbers;
  });
  if (columns.table_entries > 0) exact.emplace(as_tabular(*env)->task().mdp, config);
}

/// The sum of the group's last recorded numbers.
double RowColumns::Parts::recorded(std::string_view group) const {
  double sum = 0;
  for (std::size_t i = 0; i < last.size(); ++i)
    for (const std::string_view kind :
         {group.substr(0, group.find(',')), group.substr(group.find(',') + 1)})  // once where they are one
      if (columns.names[i].starts_with(kind) && !std::isnan(last[i])) {
        sum += last[i];
        break;
      }
  return sum;
}

void RowColumns::Parts::load_learner() {
  TensorFile state;
  StateWriter out(state);
  trainer.save_learner(out);
  update.load(StateReader(state, "this run's state"));
}

/// With a row of its own, from before an update of the target network: elsewhere it would cost less.
double RowColumns::Parts::parameter_gap() {
  load_learner();
  const double gap = euclidean_distance(update.online().flat().host(), update.target().flat().host());
  nowhere.append(std::to_string(gap).append(columns.names.size(), ',').append("\n"));
  return gap;
}

ConstTensor RowColumns::Parts::q_values(const Arena& parameters) {
  std::ranges::copy(step.batch.observations, pass.activation(0, step.batch.size).host().begin());
  return trainer.network().forward(backend, pass, parameters, step.batch.size);
}

double RowColumns::Parts::target_passes() {
  step = trainer.next_step();
  const std::span<const float> values = q_values(update.online()).host();
  const std::vector<float> q(values.begin(), values.end());
  const std::span<const float> q_target = q_values(update.target()).host();
  return mean_distance(q, q_target) + policy_churn(q_target, q, trainer.env_spec().num_actions);
}

double RowColumns::Parts::measure(const ColumnGroup& group) {
  if (group.name == "dormant_share") {
    double sum = 0;
    for (std::size_t i = 0; i < activations.size(); ++i)
      sum +=
          dormant_share(bellman::activities(activations[i], step.batch.size), columns.activations[i].units);
    return sum;
  }
  if (group.name == "batch/effective_size")
    return effective_sample_size(
        std::span(step.batch.arrays.weights).first(static_cast<std::size_t>(step.batch.size)));
  if (group.name == "target_gap/parameters") return parameter_gap();
  if (group.name == "q/") {
    table = q_table(*as_tabular(*env), [this](std::span<float> q, std::span<const float> observations,
                                              Index n) { trainer.q_values(q, observations, n); });
    return sum_of(table);
  }
  if (group.name == "value_error") {
    const auto errors = exact->errors(table);
    return std::accumulate(errors.begin(), errors.end(), 0.0);
  }
  if (group.full && group.name.starts_with("target_gap")) return target_passes();
  if (group.name == "policy_churn/step")
    return policy_churn(q_before, q_values(update.online()).host(), trainer.env_spec().num_actions);
  return static_cast<double>(effective_rank(features, step.batch.size));
}

RowColumns::RowColumns(const TrainConfig& config) : parts_(std::make_unique<Parts>(config)) {
  parts_->train();
  // The gap before the step that was just made on the copy: measured first, since it takes the networks over again.
  for (const char* const name :
       {"policy_churn/step", "dormant_share", "batch/effective_size", "q/", "value_error", "effective_rank",
        "target_gap/parameters", "target_gap/q,policy_churn/target"}) {
    const ColumnGroup& group = find_group(name);
    if (!has(group)) continue;
    const double measured = measure(group), row = parts_->recorded(group.name);
    if (!(std::abs(measured - row) <= 1e-4 * std::max(1.0, std::abs(row))))
      fail(group.name, ": measured ", measured, ", but the last row has ", row);
  }
}
RowColumns::~RowColumns() = default;

bool RowColumns::has(const ColumnGroup& group) const {
  if (group.of_tables) return parts_->columns.table_entries > 0;
  if (group.name == "batch/effective_size") return parts_->columns.effective_size.has_value();
  return !group.name.starts_with("target_gap") || parts_->columns.target_gap.has_value();
}

double RowColumns::measure(const ColumnGroup& group) { return parts_->measure(group); }

}  // namespace bellman::bench
