#include "rl/train/recorder.h"

#include <algorithm>
#include <array>
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
#include "rl/train/next_step.h"
#include "rl/train/q_table.h"
#include "rl/train/trainer.h"

namespace bellman {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

struct Quantile {
  const char* name;
  double share;
};
constexpr std::array<Quantile, 4> kQuantiles = {{{"p10", 0.1}, {"p50", 0.5}, {"p90", 0.9}, {"max", 1}}};

double norm(std::span<const float> values) {
  double squares = 0;
  for (const float value : values) squares += static_cast<double>(value) * static_cast<double>(value);
  return std::sqrt(squares);
}

double distance(std::span<const float> a, std::span<const float> b) {
  double squares = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double difference = static_cast<double>(a[i]) - static_cast<double>(b[i]);
    squares += difference * difference;
  }
  return std::sqrt(squares);
}

/// The share of the units that are 0 for the whole batch. outputs (B,U).
double dead_share(std::span<const float> outputs, std::size_t batch) {
  const std::size_t width = outputs.size() / batch;
  std::size_t count = 0;
  for (std::size_t unit = 0; unit < width; ++unit) {
    bool alive = false;
    for (std::size_t n = 0; n < batch && !alive; ++n) alive = outputs[n * width + unit] > 0;
    count += alive ? 0 : 1;
  }
  return static_cast<double>(count) / static_cast<double>(width);
}

/// The layers that are a relu.
std::vector<std::size_t> relus_of(const Network& network) {
  std::vector<std::size_t> layers;
  for (std::size_t i = 0; i < network.layers(); ++i)
    if (network.layer(i).activation().kind == Activation::kRelu) layers.push_back(i);
  return layers;
}

/// Of a gridworld whose Q-table goes into the file: its entries, S A; otherwise 0.
Index table_entries(const Env& env) {
  constexpr Index kMost = 400;
  const TabularEnv* const grid = as_tabular(env);
  if (!grid) return 0;
  const Index entries = grid->task().mdp.num_states() * env.spec().num_actions;
  return entries <= kMost ? entries : 0;
}

double scalar(std::span<const Scalar> scalars, std::string_view name) {
  const auto found =
      std::find_if(scalars.begin(), scalars.end(), [&](const Scalar& s) { return s.name == name; });
  return found == scalars.end() ? kNaN : found->value;
}

LearnerOptions options_of(const TrainConfig& config) {
  LearnerOptions options = learner_options(config, nullptr);
  options.max_acting_batch = 1;
  return options;
}

}  // namespace

/// What a row is made with and of.
struct Recorder::Measured {
  Measured(Trainer& trainer_in, AppendFile& file_in, std::function<void(const std::string&)> on_failure_in)
      : trainer(trainer_in),
        config(trainer.config()),
        file(&file_in),
        on_failure(std::move(on_failure_in)),
        own_backend(trainer.backend().is_on_host() ? nullptr : std::make_unique<CpuBackend>(config.threads)),
        env(trainer.make_env()),
        entries(table_entries(*env)),
        update(own_backend ? *own_backend : trainer.backend(), trainer.network(), options_of(config)) {
    for (const ArenaLayout::Entry& entry : trainer.network().layout().entries())
      gradient_names.push_back(std::string("gradient.").append(entry.name));
    for (const std::size_t layer : relus_of(trainer.network()))
      relu_names.push_back(std::string("a").append(std::to_string(layer + 1)));
  }

  /// The numbers of a row behind its timestep, in the order of the first line.
  std::vector<double> row(std::span<const Scalar> scalars);
  void measure_step(std::vector<double>& row);
  void add_norms(std::vector<double>& row) const;
  void add_table(std::vector<double>& row, bool evaluated) const;
  std::span<const float> part(std::span<const float> flat, std::size_t i) const {
    const ArenaLayout::Entry& entry = trainer.network().layout().entries()[i];
    return flat.subspan(static_cast<std::size_t>(entry.offset),
                        static_cast<std::size_t>(entry.shape.elements()));
  }
  bool is_due(Index timestep, std::span<const Scalar> scalars) const;

  Trainer& trainer;
  const TrainConfig& config;
  AppendFile* file;  // null: a row could not be written
  std::function<void(const std::string&)> on_failure;
  std::unique_ptr<CpuBackend> own_backend;  // where the run's memory is not the host's
  std::unique_ptr<Env> env;
  Index entries;
  std::vector<std::string> gradient_names, relu_names;  // of DqnUpdate::Watcher
  DqnUpdate update;
  PhaseSeconds seconds{};  // since the last row
};

Recorder::Recorder(Trainer& trainer, AppendFile& file,
                   std::function<void(const std::string& reason)> on_failure)
    : measured_(std::make_unique<Measured>(trainer, file, std::move(on_failure))) {
  if (file.size() == 0) file.append(head(trainer));
}
Recorder::~Recorder() = default;

std::string Recorder::head(const Trainer& trainer) {
  std::string line = "time/total_timesteps";
  const auto add = [&](std::string_view kind, std::string_view name) {
    line.append(",").append(kind).append("/").append(name);
  };
  for (const char* const kind : {"weight_norm", "grad_norm", "update_ratio"})
    for (const ArenaLayout::Entry& entry : trainer.network().layout().entries()) add(kind, entry.name);
  for (const std::size_t layer : relus_of(trainer.network())) add("dead_share", std::to_string(layer));
  for (const Quantile& quantile : kQuantiles) add("td_error", quantile.name);
  for (Index i = 0; i < table_entries(*trainer.make_env()); ++i) add("q", std::to_string(i));
  for (const std::string_view phase : kPhaseNames) add("seconds", phase);
  return line.append("\n");
}

Index Recorder::steps_between(const TrainConfig& config) {
  constexpr double kGradientSteps = 100;
  if (config.log_frequency == 0) return 0;
  const double steps_each =
      config.replay ? static_cast<double>(config.train_frequency) / static_cast<double>(config.gradient_steps)
                    : static_cast<double>(config.num_envs);
  const double rows = std::ceil(kGradientSteps * steps_each / static_cast<double>(config.log_frequency));
  constexpr double kMost = 0x1p53;
  return static_cast<Index>(std::min(kMost, rows * static_cast<double>(config.log_frequency)));
}

bool Recorder::Measured::is_due(Index timestep, std::span<const Scalar> scalars) const {
  if (!std::isnan(scalar(scalars, "eval/mean_reward"))) return true;
  if (!(scalar(scalars, "train/n_updates") > 0)) return false;
  const Index between = steps_between(config);
  return timestep >= config.total_timesteps ||
         (between > 0 && timestep / between > (timestep - config.num_envs) / between);
}

void Recorder::on_scalars(Index timestep, std::span<const Scalar> scalars) {
  Measured& m = *measured_;
  if (!m.file) return;
  for (std::size_t i = 0; i < m.seconds.size(); ++i) m.seconds[i] += m.trainer.phases()[i];
  if (!m.is_due(timestep, scalars)) return;
  try {
    std::string line = std::to_string(timestep);
    for (const double value : m.row(scalars))
      line.append(",").append(std::isfinite(value) ? formatted("%.6g", value) : "");
    m.file->append(line.append("\n"));
    m.seconds = {};
  } catch (const std::exception& error) {
    m.file = nullptr;
    m.on_failure(error.what());
  }
}

std::vector<double> Recorder::Measured::row(std::span<const Scalar> scalars) {
  TensorFile state;
  StateWriter out(state);
  trainer.save_learner(out);
  update.load(StateReader(state, "this run's state"));
  std::vector<double> row;
  add_norms(row);
  if (scalar(scalars, "train/n_updates") > 0)
    measure_step(row);
  else
    row.resize(
        row.size() + 2 * update.online().layout().entries().size() + relu_names.size() + kQuantiles.size(),
        kNaN);
  add_table(row, !std::isnan(scalar(scalars, "eval/mean_reward")));
  row.insert(row.end(), seconds.begin(), seconds.end());
  return row;
}

void Recorder::Measured::add_norms(std::vector<double>& row) const {
  for (std::size_t i = 0; i < update.online().layout().entries().size(); ++i)
    row.push_back(norm(update.online()[i].host()));
}

/// Makes the next gradient step, on a copy, and adds what it is like.
void Recorder::Measured::measure_step(std::vector<double>& row) {
  const NextStep step = trainer.next_step();
  const std::size_t tensors = update.online().layout().entries().size();
  std::vector<double> dead(relu_names.size(), kNaN), errors(kQuantiles.size(), kNaN);
  std::vector<double> gradients(tensors, kNaN), ratios(tensors, kNaN);
  if (step.batch.size > 0) {
    const std::span<const float> now = update.online().flat().host();
    const std::vector<float> before(now.begin(), now.end());
    const auto batch = static_cast<std::size_t>(step.batch.size);
    make_step(update, step, [&](const std::string& name, ConstTensor tensor) {
      for (std::size_t i = 0; i < tensors; ++i)
        if (name == gradient_names[i]) gradients[i] = norm(tensor.host());
      for (std::size_t r = 0; r < relu_names.size(); ++r)
        if (name == relu_names[r]) dead[r] = dead_share(tensor.host(), batch);
    });
    for (std::size_t i = 0; i < tensors; ++i)
      ratios[i] = distance(part(now, i), part(before, i)) / norm(part(before, i));
    const std::span<const float> td_error = update.td_error(step.batch.size).host();
    std::vector<double> sizes;
    for (const float error : td_error) sizes.push_back(std::abs(static_cast<double>(error)));
    std::sort(sizes.begin(), sizes.end());
    for (std::size_t i = 0; i < errors.size(); ++i)
      errors[i] =
          sizes[static_cast<std::size_t>(kQuantiles[i].share * static_cast<double>(sizes.size() - 1))];
  }
  for (const std::vector<double>* part : {&gradients, &ratios, &dead, &errors})
    row.insert(row.end(), part->begin(), part->end());
}

void Recorder::Measured::add_table(std::vector<double>& row, bool evaluated) const {
  if (entries == 0) return;
  std::vector<double> table(static_cast<std::size_t>(entries), kNaN);
  if (evaluated)
    table = q_table(*as_tabular(*env), [this](std::span<float> q, std::span<const float> observations,
                                              Index n) { trainer.q_values(q, observations, n); });
  row.insert(row.end(), table.begin(), table.end());
}

}  // namespace bellman
