#include "apps/report/recorder.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <sstream>
#include <system_error>
#include <utility>

#include "apps/run/policy_value.h"
#include "core/base/text.h"
#include "core/io/files.h"
#include "envs/grid/tabular_env.h"
#include "rl/learn/learner_around.h"
#include "rl/learn/make_learner.h"
#include "rl/replay/observation_store.h"
#include "rl/train/from_config.h"

namespace bellman {
namespace {

constexpr double kNotMeasured = std::numeric_limits<double>::quiet_NaN();
constexpr std::array<double, 4> kQuantiles = {0.1, 0.5, 0.9, 0.99};

double norm(std::span<const float> values) {
  double squares = 0;
  for (const float value : values) squares += static_cast<double>(value) * static_cast<double>(value);
  return std::sqrt(squares);
}

double distance(std::span<const float> a, std::span<const float> b) {
  double squares = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    squares += std::pow(static_cast<double>(a[i]) - static_cast<double>(b[i]), 2);
  return std::sqrt(squares);
}

/// Counts of numbers by size, four bins an octave: the exponent and two bits behind it.
class SizeHistogram {
 public:
  void add(float value) { ++bins_[(std::bit_cast<std::uint32_t>(value) & 0x7fffffffU) >> kShift], ++count_; }
  void clear() { bins_.fill(0), count_ = 0; }
  /// Within a bin numbers count as spread evenly; NaN without any.
  double quantile(double share) const {
    if (count_ == 0) return kNotMeasured;
    double left = share * static_cast<double>(count_);
    std::uint32_t bin = 0;
    while (bin + 1 < kBins && left >= bins_[bin]) left -= bins_[bin++];
    const double low = start_of(bin), high = start_of(bin + 1);
    return bins_[bin] > 0 ? low + (high - low) * left / bins_[bin] : low;
  }

 private:
  static constexpr int kShift = 21;
  static constexpr std::uint32_t kBins = 1U << (31 - kShift);
  static double start_of(std::uint32_t bin) {
    return static_cast<double>(std::bit_cast<float>(bin << kShift));
  }

  std::array<std::uint32_t, kBins> bins_{};
  std::uint64_t count_ = 0;
};

}  // namespace

struct Recorder::Observed {
  Observed(const TrainConfig& config_in, Backend& backend_in)
      : config(config_in),
        backend(backend_in),
        env(make_env(config.env)),
        network(q_network(config, env->spec())),
        parameters(backend, network.layout()),
        gradients(backend, network.layout()),
        pass(backend, network, max_batch(config), true),
        now(static_cast<std::size_t>(network.layout().size())),
        before(now.size()),
        grad_norms(network.layout().entries().size(), kNotMeasured) {
    constexpr Index kMostNumbers = 400;
    const TabularEnv* const tabular = as_tabular(*env);
    if (tabular && tabular->task().mdp.num_states() * env->spec().num_actions <= kMostNumbers) grid = tabular;
    for (std::size_t i = 0; i < network.layers(); ++i)
      if (network.layer(i).activation().kind == Activation::kRelu) relus.push_back(i);
    dead.assign(relus.size(), kNotMeasured);
  }

  std::span<const float> part(std::span<const float> flat, std::size_t i) const {
    const ArenaLayout::Entry& entry = network.layout().entries()[i];
    return flat.subspan(static_cast<std::size_t>(entry.offset),
                        static_cast<std::size_t>(entry.shape.elements()));
  }

  /// The gradients of a step, and the units that were 0 in it, from its batch, the parameters before it and its errors.
  void look_at(const Batch& batch, std::span<const float> td_error) {
    const auto b = static_cast<Index>(batch.slots.size());
    const std::span<float> input = pass.activation(0, b).host();
    batch.observations->gather(input, batch.slots);
    if (normalizer) normalizer->apply(input, input);
    network.forward(backend, pass, parameters, b);
    const std::span<float> dq = pass.d_activation(network.layers(), b).host();
    std::fill(dq.begin(), dq.end(), 0.0F);
    const std::size_t actions = dq.size() / batch.slots.size();
    const auto delta = static_cast<float>(config.huber_delta);
    for (std::size_t n = 0; n < batch.slots.size(); ++n) {
      const float slope = config.loss == LossKind::kMeanSquaredError ? 2 * td_error[n]
                                                                     : std::clamp(td_error[n], -delta, delta);
      dq[n * actions + static_cast<std::size_t>(batch.actions[n])] =
          -batch.weights[n] * slope / static_cast<float>(b);
    }
    backend.fill(gradients.flat(), 0.0F);
    network.backward(backend, pass, parameters, gradients, b);
    for (std::size_t i = 0; i < grad_norms.size(); ++i) grad_norms[i] = norm(gradients[i].host());
    for (std::size_t r = 0; r < relus.size(); ++r)
      dead[r] = dead_share(pass.activation(relus[r] + 1, b).host(), batch.slots.size());
  }
  static double dead_share(std::span<const float> outputs, std::size_t batch) {
    const std::size_t width = outputs.size() / batch;
    std::size_t count = 0;
    for (std::size_t unit = 0; unit < width; ++unit) {
      bool alive = false;
      for (std::size_t n = 0; n < batch && !alive; ++n) alive = outputs[n * width + unit] > 0;
      count += alive ? 0 : 1;
    }
    return static_cast<double>(count) / static_cast<double>(width);
  }

  TrainConfig config;
  Backend& backend;
  std::optional<AppendFile> file;
  std::unique_ptr<Env> env;
  const TabularEnv* grid = nullptr;  // whose Q-table is kept
  Network network;
  Arena parameters, gradients;
  Workspace pass;
  Learner* learner = nullptr;
  const RunningNormalizer* normalizer = nullptr;

  std::vector<std::size_t> relus;          // the layers
  std::vector<float> now, before;          // parameters at this row and the one before
  bool has_before = false, is_due = true;  // is_due: the next gradient step is looked at
  Index steps = 0;                         // since the row before
  std::vector<double> grad_norms, dead;
  SizeHistogram errors;
};

/// Looks at gradient steps.
class Recorder::Onlooker final : public LearnerAround {
 public:
  Onlooker(std::unique_ptr<Learner> learner, Observed& observed)
      : LearnerAround(std::move(learner)), observed_(observed) {}

  LearnStats learn(const Batch& batch, float learning_rate, std::span<float> td_error) override {
    const bool looks = observed_.is_due;
    if (looks) get_parameters(observed_.parameters.flat().host());
    LearnStats stats = inner().learn(batch, learning_rate, td_error);
    if (stats.non_finite != NonFinite::kNothing) return stats;
    if (looks) observed_.look_at(batch, td_error);
    observed_.is_due = false;
    if (observed_.steps++ % 4 == 0)
      for (const float error : td_error) observed_.errors.add(error);
    return stats;
  }

 private:
  Observed& observed_;
};

Recorder::Recorder(const TrainConfig& config, Backend& backend)
    : observed_(std::make_unique<Observed>(config, backend)) {}
Recorder::~Recorder() = default;

LearnerFactory Recorder::learner_factory() {
  return [this](const Network& network, const LearnerOptions& options) -> std::unique_ptr<Learner> {
    Backend& backend = observed_->backend;
    const LearnerKind kind = chosen_learner(observed_->config.learner, backend, network, options);
    auto onlooker = std::make_unique<Onlooker>(make_learner(kind, backend, network, options), *observed_);
    observed_->normalizer = options.normalizer;
    observed_->learner = onlooker.get();
    return onlooker;
  };
}

void Recorder::open(const std::filesystem::path& path, std::optional<Index> resumed_at) {
  std::error_code missing;
  if (!resumed_at || !std::filesystem::exists(path, missing)) {
    observed_->file.emplace(path);
    observed_->file->append(head());
    return;
  }
  // Rows behind the checkpoint are written again.
  constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 28;
  std::istringstream lines(read_text_file(path, kMostBytes));
  std::int64_t kept = 0;
  std::string line;
  for (bool first = true; std::getline(lines, line) && !lines.eof(); first = false) {
    if (first ? line + "\n" != head() : std::strtod(line.c_str(), nullptr) > static_cast<double>(*resumed_at))
      break;
    kept += static_cast<std::int64_t>(line.size()) + 1;
  }
  observed_->file.emplace(path, kept);
  if (kept == 0) observed_->file->append(head());
}

std::string Recorder::head() const {
  std::string line = "time/total_timesteps";
  for (const char* const kind : {"weight_norm/", "grad_norm/", "update_ratio/"})
    for (const ArenaLayout::Entry& entry : observed_->network.layout().entries())
      line += "," + (kind + entry.name);
  for (const std::size_t layer : observed_->relus) line += ",dead_share/" + std::to_string(layer);
  for (const double share : kQuantiles) line += formatted(",td_error/p%.0f", 100 * share);
  if (observed_->grid)
    for (Index i = 0; i < observed_->grid->task().mdp.num_states() * observed_->env->spec().num_actions; ++i)
      line += ",q/" + std::to_string(i);
  return line + "\n";
}

void Recorder::on_scalars(Index timestep, std::span<const Scalar> scalars) {
  Observed& o = *observed_;
  if (!o.file || !o.learner) return;
  std::string line = std::to_string(timestep);
  const auto add = [&](double value) {
    line += std::isfinite(value) ? "," + formatted("%.6g", value) : std::string(",");
  };
  o.learner->get_parameters(o.now);
  const std::size_t tensors = o.grad_norms.size();
  for (std::size_t i = 0; i < tensors; ++i) add(norm(o.part(o.now, i)));
  for (const double value : o.grad_norms) add(value);
  for (std::size_t i = 0; i < tensors; ++i)
    add(o.has_before && o.steps > 0 ? distance(o.part(o.now, i), o.part(o.before, i)) /
                                          norm(o.part(o.now, i)) / static_cast<double>(o.steps)
                                    : kNotMeasured);
  for (const double value : o.dead) add(value);
  for (const double share : kQuantiles) add(o.errors.quantile(share));
  if (o.grid) {
    const bool evaluated = std::any_of(scalars.begin(), scalars.end(), [](const Scalar& s) {
      return s.name == "eval/mean_reward" && !std::isnan(s.value);
    });
    const QFunction q = [&o](std::span<float> values, std::span<const float> seen, Index n) {
      o.learner->q_values(values, seen, n);
    };
    const TabularMdp& mdp = o.grid->task().mdp;
    const std::vector<double> table =
        evaluated ? q_table(*o.grid, q, max_acting_batch(o.config))
                  : std::vector<double>(static_cast<std::size_t>(mdp.num_states() * mdp.num_actions()),
                                        kNotMeasured);
    for (const double value : table) add(value);
  }
  o.file->append(line + "\n");
  std::swap(o.now, o.before);
  o.has_before = o.is_due = true;
  o.steps = 0;
  o.errors.clear();
  std::fill(o.grad_norms.begin(), o.grad_norms.end(), kNotMeasured);
  std::fill(o.dead.begin(), o.dead.end(), kNotMeasured);
}

}  // namespace bellman
