#include "rl/train/recorder.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "core/base/text.h"
#include "core/cpu/cpu_backend.h"
#include "envs/grid/tabular_env.h"
#include "rl/learn/dqn_update.h"
#include "rl/train/from_config.h"
#include "rl/train/network_measures.h"
#include "rl/train/next_step.h"
#include "rl/train/q_table.h"
#include "rl/train/recorder_columns.h"
#include "rl/train/trainer.h"
#include "rl/train/value_errors.h"

namespace bellman {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

double scalar(std::span<const Scalar> scalars, std::string_view name) {
  const auto found =
      std::find_if(scalars.begin(), scalars.end(), [&](const Scalar& s) { return s.name == name; });
  return found == scalars.end() ? kUnknown : found->value;
}

LearnerOptions options_of(const TrainConfig& config) {
  LearnerOptions options = learner_options(config, nullptr);
  options.max_acting_batch = 1;
  return options;
}

}  // namespace

/// What a row is made with and of.
struct Recorder::Measured {
  Measured(Trainer& trainer_in, AppendFile& file_in, std::function<void(const std::string&)> on_failure_in);

  /// The numbers of a row, those of `columns`; NaN where there is none.
  std::vector<double> row(Index timestep, std::span<const Scalar> scalars);
  void measure_step(std::vector<double>& row);
  void measure_activations(std::vector<double>& row, const std::string& name, ConstTensor tensor) const;
  void measure_errors(std::vector<double>& row, const NextStep& step) const;
  void measure_lag(std::vector<double>& row);
  void write_before_sync(Index timestep);
  void write(Index timestep, const std::function<std::vector<double>()>& measure);
  void measure_table(std::vector<double>& row) const;
  ConstTensor q_values(const Arena& parameters, const NextStep& step);
  std::span<const float> part(std::span<const float> flat, std::size_t i) const {
    const ArenaLayout::Entry& entry = trainer.network().layout().entries()[i];
    return flat.subspan(static_cast<std::size_t>(entry.offset),
                        static_cast<std::size_t>(entry.shape.elements()));
  }
  bool is_due(Index timestep, std::span<const Scalar> scalars) const;
  /// Whether the round that ends there has a multiple of `frequency` in it.
  bool passes(Index frequency, Index round_end) const {
    return frequency > 0 && round_end / frequency > (round_end - config.num_envs) / frequency;
  }
  void load_learner();

  Trainer& trainer;
  const TrainConfig& config;
  const RecorderColumns columns;
  AppendFile* file;  // null: a row could not be written
  std::function<void(const std::string&)> on_failure;
  std::unique_ptr<CpuBackend> own_backend;  // where the run's memory is not the host's
  Backend& backend;                         // in host memory
  DqnUpdate update;
  std::unique_ptr<Workspace> pass;  // of Diagnostics::kFull: for networks that the step does not ask
  std::unique_ptr<Env> env;
  std::optional<ValueErrors> exact;         // of a gridworld whose table is recorded
  std::vector<std::string> gradient_names;  // of DqnUpdate::Watcher
  std::string features_name;                // likewise: what the last layer sees
  PhaseSeconds seconds{};                   // since the last row
};

Recorder::Measured::Measured(Trainer& trainer_in, AppendFile& file_in,
                             std::function<void(const std::string&)> on_failure_in)
    : trainer(trainer_in),
      config(trainer.config()),
      columns(trainer),
      file(&file_in),
      on_failure(std::move(on_failure_in)),
      own_backend(trainer.backend().is_on_host() ? nullptr : std::make_unique<CpuBackend>(config.threads)),
      backend(own_backend ? *own_backend : trainer.backend()),
      update(backend, trainer.network(), options_of(config)),
      env(trainer.make_env()) {
  const Network& network = trainer.network();
  for (const ArenaLayout::Entry& entry : network.layout().entries())
    gradient_names.push_back(std::string("gradient.").append(entry.name));
  features_name = std::string("a").append(std::to_string(network.layers() - 1));
  if (config.diagnostics == Diagnostics::kFull)
    pass = std::make_unique<Workspace>(backend, network, update.options().max_batch, false);
  if (columns.table_entries > 0) exact.emplace(as_tabular(*env)->task().mdp, config);
}

Recorder::Recorder(Trainer& trainer, AppendFile& file,
                   std::function<void(const std::string& reason)> on_failure)
    : measured_(std::make_unique<Measured>(trainer, file, std::move(on_failure))) {
  if (file.size() == 0) file.append(head(trainer));
  if (measured_->columns.target_gap)
    trainer.set_sync_hook([m = measured_.get()](Index timestep) { m->write_before_sync(timestep); });
}
Recorder::~Recorder() { measured_->trainer.set_sync_hook({}); }

std::string Recorder::head(const Trainer& trainer) {
  std::string line = "time/total_timesteps";
  for (const std::string& name : RecorderColumns(trainer).names) line.append(",").append(name);
  return line.append("\n");
}

Index Recorder::steps_between(const TrainConfig& config) {
  if (config.log_frequency == 0) return 0;
  const double steps_each =
      config.replay ? static_cast<double>(config.train_frequency) / static_cast<double>(config.gradient_steps)
                    : static_cast<double>(config.num_envs);
  const double rows = std::ceil(static_cast<double>(kGradientStepsBetweenRows) * steps_each /
                                static_cast<double>(config.log_frequency));
  constexpr double kMost = 0x1p53;
  return static_cast<Index>(std::min(kMost, rows * static_cast<double>(config.log_frequency)));
}

bool Recorder::Measured::is_due(Index timestep, std::span<const Scalar> scalars) const {
  if (!std::isnan(scalar(scalars, "eval/mean_reward"))) return true;
  if (!(scalar(scalars, "train/n_updates") > 0)) return false;
  return timestep >= config.total_timesteps || passes(steps_between(config), timestep);
}

void Recorder::on_scalars(Index timestep, std::span<const Scalar> scalars) {
  Measured& m = *measured_;
  for (std::size_t i = 0; i < m.seconds.size(); ++i) m.seconds[i] += m.trainer.phases()[i];
  if (!m.is_due(timestep, scalars)) return;
  m.write(timestep, [&] { return m.row(timestep, scalars); });
  m.seconds = {};
}

void Recorder::flush() {
  if (measured_->file) measured_->file->cut();
}

/// Of what `measure` returns; nothing when that is empty. A row that cannot be measured or written is the last.
void Recorder::Measured::write(Index timestep, const std::function<std::vector<double>()>& measure) {
  if (!file) return;
  try {
    const std::vector<double> row = measure();
    if (row.empty()) return;
    std::string line = std::to_string(timestep);
    for (const double value : row)
      line.append(",").append(std::isfinite(value) ? formatted("%.6g", value) : "");
    file->append(line.append("\n"));
  } catch (const std::exception& error) {
    file = nullptr;
    on_failure(error.what());
  }
}

/// Takes over the run's networks and moments.
void Recorder::Measured::load_learner() {
  TensorFile state;
  StateWriter out(state);
  trainer.save_learner(out);
  update.load(StateReader(state, "this run's state"));
}

std::vector<double> Recorder::Measured::row(Index timestep, std::span<const Scalar> scalars) {
  load_learner();
  std::vector<double> row(columns.names.size(), kUnknown);
  for (std::size_t i = 0; i < gradient_names.size(); ++i)
    row[columns.weight_norm + i] = euclidean_norm(update.online()[i].host());
  if (columns.target_gap && !passes(config.target_network_frequency, timestep)) measure_lag(row);
  const double skipped = scalar(scalars, "train/skipped_updates");
  const bool counts_skipped = own_backend && config.replay && !needs_host_replay(config);  // DeviceReplay
  if (counts_skipped && skipped > 0)
    update.set_skipped(static_cast<Index>(skipped));  // they are no steps of Adam
  if (scalar(scalars, "train/n_updates") > 0) measure_step(row);
  if (exact && !std::isnan(scalar(scalars, "eval/mean_reward"))) measure_table(row);
  std::ranges::copy(seconds, row.begin() + static_cast<std::ptrdiff_t>(columns.seconds));
  return row;
}

/// How far the target network is behind. REQUIRES: load_learner().
void Recorder::Measured::measure_lag(std::vector<double>& row) {
  row[*columns.target_gap] = euclidean_distance(update.online().flat().host(), update.target().flat().host());
  if (!columns.target_gap_q) return;
  const NextStep step = trainer.next_step();
  if (step.batch.size == 0) return;
  const std::span<const float> values = q_values(update.online(), step).host();
  const std::vector<float> q(values.begin(), values.end());
  const ConstTensor q_target = q_values(update.target(), step);
  row[*columns.target_gap_q] = mean_distance(q, q_target.host());
  row[*columns.churn_target] = policy_churn(q_target.host(), q, trainer.env_spec().num_actions);
}

/// Right after an update of the target network the two are the same. Where such a round asks for a row, the lag has one of
/// its own from before the update. It is not kept for the row that follows: a checkpoint may lie between them.
void Recorder::Measured::write_before_sync(Index timestep) {
  const Index end = (timestep + config.num_envs - 1) / config.num_envs * config.num_envs;
  if (!passes(steps_between(config), end) && !passes(config.eval_frequency, end)) return;
  write(end, [&] {
    load_learner();
    std::vector<double> row(columns.names.size(), kUnknown);
    measure_lag(row);
    if (row[*columns.target_gap] == 0) row.clear();  // nothing was learnt since the last update
    return row;
  });
}

/// Makes the next gradient step, on a copy, and notes what it is like.
void Recorder::Measured::measure_step(std::vector<double>& row) {
  const NextStep step = trainer.next_step();
  if (step.batch.size == 0) return;
  const std::span<const float> now = update.online().flat().host();
  const std::vector<float> before(now.begin(), now.end());
  std::vector<float> q_before;
  make_step(update, step, [&](const std::string& name, ConstTensor tensor) {
    for (std::size_t i = 0; i < gradient_names.size(); ++i)
      if (name == gradient_names[i]) row[columns.grad_norm + i] = euclidean_norm(tensor.host());
    if (pass && name == "q.now") q_before.assign(tensor.host().begin(), tensor.host().end());
    if (columns.effective_rank && name == features_name)
      row[*columns.effective_rank] = static_cast<double>(effective_rank(tensor.host(), step.batch.size));
    measure_activations(row, name, tensor);
  });
  for (std::size_t i = 0; i < gradient_names.size(); ++i)
    row[columns.update_ratio + i] =
        euclidean_distance(part(now, i), part(before, i)) / euclidean_norm(part(before, i));
  measure_errors(row, step);
  if (columns.churn_step)
    row[*columns.churn_step] =
        policy_churn(q_before, q_values(update.online(), step).host(), trainer.env_spec().num_actions);
}

void Recorder::Measured::measure_activations(std::vector<double>& row, const std::string& name,
                                             ConstTensor tensor) const {
  std::size_t relus = 0;
  for (std::size_t i = 0; i < columns.activations.size(); ++i) {
    const ActivationLayer& layer = columns.activations[i];
    if (name == layer.tensor) {
      const std::vector<double> means = activities(tensor.host(), tensor[0]);
      if (layer.is_relu) row[columns.dead_share + relus] = dead_share(means);
      row[columns.dormant_share + i] = dormant_share(means, layer.units);
    }
    relus += layer.is_relu ? 1 : 0;
  }
}

void Recorder::Measured::measure_errors(std::vector<double>& row, const NextStep& step) const {
  std::vector<double> sizes;
  for (const float error : update.td_error(step.batch.size).host())
    sizes.push_back(std::abs(static_cast<double>(error)));
  std::sort(sizes.begin(), sizes.end());
  for (std::size_t i = 0; i < std::size(kTdErrorQuantiles); ++i)
    row[columns.td_error + i] = lower_quantile(sizes, kTdErrorQuantiles[i].share);
  if (columns.effective_size)
    row[*columns.effective_size] = effective_sample_size(
        std::span(step.batch.arrays.weights).first(static_cast<std::size_t>(step.batch.size)));
}

/// q (B,A) in the states of the batch. The next call overwrites it.
ConstTensor Recorder::Measured::q_values(const Arena& parameters, const NextStep& step) {
  std::ranges::copy(step.batch.observations, pass->activation(0, step.batch.size).host().begin());
  return trainer.network().forward(backend, *pass, parameters, step.batch.size);
}

void Recorder::Measured::measure_table(std::vector<double>& row) const {
  const std::vector<double> table =
      q_table(*as_tabular(*env), [this](std::span<float> q, std::span<const float> observations, Index n) {
        trainer.q_values(q, observations, n);
      });
  std::ranges::copy(table, row.begin() + static_cast<std::ptrdiff_t>(columns.q));
  std::ranges::copy(exact->errors(table), row.begin() + static_cast<std::ptrdiff_t>(columns.value_error));
}

}  // namespace bellman
