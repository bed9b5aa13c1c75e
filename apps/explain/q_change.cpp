#include "apps/explain/q_change.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <variant>

#include "core/base/check.h"
#include "core/reference/reference_backend.h"
#include "envs/env.h"
#include "rl/replay/running_normalizer.h"
#include "rl/train/from_config.h"

namespace bellman {
namespace {

/// The network in double, a single sample at a time, and what its passes need.
class Single {
 public:
  Single(const UpdateTrace& trace, const Network& network)
      : network_(network.text(), network.input_shape()),
        parameters_(backend_, network_.layout()),
        gradients_(backend_, network_.layout()),
        pass_(backend_, network_, 1, true) {
    set(trace, "theta.", 0, "theta.");
  }

  /// theta + t (theta' - theta).
  void set(const UpdateTrace& trace, const char* from, double t, const char* to) {
    for (std::size_t i = 0; i < network_.layout().entries().size(); ++i) {
      const std::string& name = network_.layout().entries()[i].name;
      const std::vector<double>&a = trace.tensor(from + name).values, &b = trace.tensor(to + name).values;
      const std::span<double> p = parameters_[i].host();
      for (std::size_t k = 0; k < p.size(); ++k) p[k] = a[k] + t * (b[k] - a[k]);
    }
  }
  std::span<const double> forward(std::span<const double> observation) {
    std::copy(observation.begin(), observation.end(), pass_.activation(0, 1).host().begin());
    return network_.forward(backend_, pass_, parameters_, 1).host();
  }
  /// Of `slope` times the action's output, after forward(): the flat gradient.
  std::span<const double> backward(Index action, double slope) {
    const std::span<double> dq = pass_.d_activation(network_.layers(), 1).host();
    std::fill(dq.begin(), dq.end(), 0.0);
    dq[static_cast<std::size_t>(action)] = slope;
    backend_.fill(gradients_.flat(), 0.0);
    network_.backward(backend_, pass_, parameters_, gradients_, 1);
    return gradients_.flat().host();
  }
  const ArenaLayout& layout() const { return network_.layout(); }

 private:
  ReferenceBackend<double> backend_;
  BasicNetwork<double> network_;
  BasicArena<double> parameters_, gradients_;
  BasicWorkspace<double> pass_;
};

/// By how much a parameter moves for each unit of its (clipped) gradient: the rest of the step is the optimiser's memory.
double scale_of(const UpdateTrace& trace, const OptimizerOptions& options, const std::string& name,
                std::size_t k) {
  const auto lr = static_cast<double>(trace.update.next.step.learning_rate),
             t = static_cast<double>(trace.optimizer_step);
  const auto after = [&](const char* moment) { return trace.tensor(moment + (".after." + name)).values[k]; };
  if (const auto* const adam = std::get_if<AdamOptions>(&options)) {
    const double v = after("v") / (1 - std::pow(adam->beta2, t));
    return -lr * (1 - adam->beta1) / (1 - std::pow(adam->beta1, t)) / (std::sqrt(v) + adam->epsilon);
  }
  if (const auto* const rmsprop = std::get_if<RmsPropOptions>(&options)) {
    double variance = after("square");
    if (rmsprop->centered) variance = std::max(0.0, variance - std::pow(after("mean"), 2));
    return -lr / (rmsprop->epsilon_in_root ? std::sqrt(variance + rmsprop->epsilon)
                                           : std::sqrt(variance) + rmsprop->epsilon);
  }
  const auto& sgd = std::get<SgdOptions>(options);
  const double part = 1 - sgd.dampening;  // of the gradient that goes into the velocity
  return -lr * (sgd.momentum == 0 ? 1 : sgd.nesterov ? 1 + sgd.momentum * part : part);
}

/// By how much weight decay moves the parameter. AdamW's shrinks it; that of the others adds to its gradient.
double decay_of(const UpdateTrace& trace, const OptimizerOptions& options, const std::string& name,
                std::size_t k) {
  const auto* const adam = std::get_if<AdamOptions>(&options);
  const double decay = std::visit([](const auto& any) { return any.weight_decay; }, options);
  const double scale = adam && adam->decoupled ? -static_cast<double>(trace.update.next.step.learning_rate)
                                               : scale_of(trace, options, name, k);
  return decay == 0 ? 0 : scale * decay * trace.tensor("theta." + name).values[k];
}

/// A value for each element of the arena; 0 in the gaps.
template <class F>
std::vector<double> flat(const ArenaLayout& layout, const UpdateTrace& trace, F value) {
  std::vector<double> all(static_cast<std::size_t>(layout.size()), 0.0);
  for (const ArenaLayout::Entry& entry : layout.entries()) {
    const std::size_t size = trace.tensor("theta." + entry.name).values.size();
    for (std::size_t k = 0; k < size; ++k)
      all[static_cast<std::size_t>(entry.offset) + k] = value(entry.name, k);
  }
  return all;
}

double product(std::span<const double> a, std::span<const double> b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

}  // namespace

QChange split_q_change(const UpdateTrace& trace, std::span<const double> observation, Index action) {
  const CapturedUpdate& update = trace.update;
  const Network network = q_network(update.config, update.env);
  const Index width = network.input_shape().elements();
  if (static_cast<Index>(observation.size()) != width)
    fail("the observation has ", observation.size(), " numbers, the network takes ", width);
  if (action < 0 || action >= update.env.num_actions)
    fail("there is no action ", action, "; they are 0 to ", update.env.num_actions - 1);

  QChange change;
  change.observation.assign(observation.begin(), observation.end());
  change.action = action;
  Single net(trace, network);

  // G, by the midpoint rule.
  constexpr int kPoints = 64;
  std::vector<double> slope(static_cast<std::size_t>(net.layout().size()), 0.0);
  for (int i = 0; i < kPoints; ++i) {
    net.set(trace, "theta.", (i + 0.5) / kPoints, "theta.after.");
    net.forward(observation);
    const std::span<const double> gradient = net.backward(action, 1.0);
    for (std::size_t k = 0; k < slope.size(); ++k) slope[k] += gradient[k] / kPoints;
  }
  net.set(trace, "theta.after.", 0, "theta.after.");
  change.after = net.forward(observation)[static_cast<std::size_t>(action)];
  net.set(trace, "theta.", 0, "theta.");
  change.before = net.forward(observation)[static_cast<std::size_t>(action)];
  if (trace.skipped) {
    change.of_transition.assign(static_cast<std::size_t>(update.next.batch.size), 0.0);
    return change;
  }

  // The step is scale . (clip sum_n g_n) + decay + memory, element by element.
  const OptimizerOptions options = optimizer_options(update.config);
  std::vector<double> weighed = flat(net.layout(), trace, [&](const std::string& name, std::size_t k) {
    return scale_of(trace, options, name, k) * trace.clip_factor;
  });
  const std::vector<double> decay = flat(net.layout(), trace, [&](const std::string& name, std::size_t k) {
    return decay_of(trace, options, name, k);
  });
  const std::vector<double> memory = flat(net.layout(), trace, [&](const std::string& name, std::size_t k) {
    return trace.tensor("theta.after." + name).values[k] - trace.tensor("theta." + name).values[k] -
           scale_of(trace, options, name, k) * trace.tensor("clipped." + name).values[k] -
           decay_of(trace, options, name, k);
  });
  change.of_decay = product(slope, decay);
  change.of_memory = product(slope, memory);
  for (std::size_t k = 0; k < weighed.size(); ++k) weighed[k] *= slope[k];
  const TracedTensor& dq = trace.tensor("da" + std::to_string(trace.layers.size()));
  for (Index n = 0; n < update.next.batch.size; ++n) {
    const auto a = static_cast<Index>(update.next.batch.arrays.actions[static_cast<std::size_t>(n)]);
    const std::vector<double> row(update.next.batch.observations.begin() + n * width,
                                  update.next.batch.observations.begin() + (n + 1) * width);
    net.forward(row);
    change.of_transition.push_back(product(weighed, net.backward(a, dq.at(n, a))));
  }
  change.residual = change.after - change.before - change.of_decay - change.of_memory -
                    std::accumulate(change.of_transition.begin(), change.of_transition.end(), 0.0);
  return change;
}

namespace {

std::unique_ptr<Env> env_in_state(const TrainConfig& config, std::span<const double> state) {
  std::unique_ptr<Env> env = make_env(config.env);
  env->seed({config.seed, Purpose::kEnvironment, 0});
  env->reset();
  env->set_physical_state(state);
  return env;
}

}  // namespace

void check_state(const TrainConfig& config, std::span<const double> state) { env_in_state(config, state); }

std::vector<double> observation_of_state(const UpdateTrace& trace, std::span<const double> state) {
  const TrainConfig& config = trace.update.config;
  const std::unique_ptr<Env> env = env_in_state(config, state);
  std::vector<float> seen(static_cast<std::size_t>(env->spec().observation_shape.elements()));
  env->observe(seen);
  if (config.normalize_observation || config.observation_scale != 1) {
    RunningNormalizer normalizer(static_cast<Index>(seen.size()));
    normalizer.load(StateReader(trace.update.before, "the run's state"));
    normalizer.apply(seen, seen);
  }
  return {seen.begin(), seen.end()};
}

}  // namespace bellman
