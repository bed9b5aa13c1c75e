#include "apps/explain/update_trace.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "apps/run/device.h"
#include "apps/settings/settings.h"
#include "core/base/check.h"
#include "core/base/rng.h"
#include "core/base/text.h"
#include "core/reference/reference_backend.h"
#include "rl/learn/dqn_update.h"
#include "rl/replay/replay_ring.h"
#include "rl/replay/sampler.h"
#include "rl/train/from_config.h"
#include "rl/train/next_step.h"

namespace bellman {
namespace {

std::vector<Index> extents(const Shape& shape) {
  std::vector<Index> all;
  for (int i = 0; i < shape.rank(); ++i) all.push_back(shape[i]);
  return all;
}

template <class T>
void keep(UpdateTrace& trace, std::string name, std::vector<Index> shape, std::span<const T> values) {
  trace.tensors.push_back({std::move(name), std::move(shape), {values.begin(), values.end()}});
}

void keep_arena(UpdateTrace& trace, const std::string& prefix, const Arena& arena) {
  for (std::size_t i = 0; i < arena.layout().entries().size(); ++i)
    keep<float>(trace, prefix + arena.layout().entries()[i].name, extents(arena[i].shape()), arena[i].host());
}

void keep_moments(UpdateTrace& trace, const Optimizer& optimizer, const char* when) {
  for (const Optimizer::Moment& moment : optimizer.moments())
    keep_arena(trace, moment.name + when, moment.values);
}

/// The run's parameters after the step, beside those of `step`.
void compare_with_run(UpdateTrace& trace, Backend& backend, const Network& network,
                      const LearnerOptions& options, const Arena& step) {
  constexpr double kRounding = 0x1p-24;
  DqnParameters run(backend, network, options);
  run.load(StateReader(trace.update.after, "the run's state"));
  keep_arena(trace, "run.theta.", run.online());
  for (std::size_t i = 0; i < step.layout().entries().size(); ++i) {
    const std::span<const float> own = step[i].host(), theirs = run.online()[i].host();
    double largest = 0, distance = 0;
    for (std::size_t k = 0; k < own.size(); ++k) {
      const double a = own[k], b = theirs[k];
      largest = std::max({largest, std::abs(a), std::abs(b)});
      distance = std::max(distance, std::abs(a - b));
    }
    trace.distance_from_run = std::max(trace.distance_from_run, distance);
    if (distance > 0)
      trace.roundings_from_run = std::max(trace.roundings_from_run, distance / (kRounding * largest));
  }
}

/// The step of the plain learner, from the run's state, on the run's batch; everything that is a tensor goes into the
/// trace.
void trace_step(UpdateTrace& trace, Backend& backend, const Network& network, const LearnerOptions& options) {
  const CapturedUpdate& update = trace.update;
  const DrawnBatch& batch = update.next.batch;
  const Index b = batch.size;
  DqnUpdate step(backend, network, options);
  step.load(StateReader(update.before, "the run's state"));
  keep<std::int32_t>(trace, "action", {b}, batch.arrays.actions);
  keep<float>(trace, "reward", {b}, batch.arrays.rewards);
  keep<float>(trace, "discount", {b}, batch.arrays.discounts);
  keep<float>(trace, "terminated", {b}, batch.arrays.terminated);
  keep<float>(trace, "weight", {b}, batch.arrays.weights);
  std::vector<Index> rows = extents(network.input_shape());
  rows.insert(rows.begin(), b);
  keep<float>(trace, "next_observation", rows, batch.next_observations);
  keep_arena(trace, "theta.", step.online());
  keep_arena(trace, "target.", step.target());
  keep_moments(trace, step.optimizer(), ".");
  // A replay in a device's memory counts skipped steps, too, and takes them off within the step.
  const StateReader before(update.before, "the run's state");
  if (before.has("summary.learn_steps")) step.set_skipped(before.count("summary.skipped_updates"));

  make_step(step, update.next, [&](const std::string& name, ConstTensor tensor) {
    keep<float>(trace, name, extents(tensor.shape()), tensor.host());
  });
  keep<float>(trace, "td_error", {b}, step.td_error(b).host());
  keep<float>(trace, "loss", {1}, step.loss().host());
  keep_arena(trace, "theta.after.", step.online());
  keep_moments(trace, step.optimizer(), ".after.");
  const DqnUpdate::Guard guard = step.read_guard();
  trace.skipped = guard.held;
  trace.optimizer_step = step.optimizer().steps() - guard.skipped;
  Workspace pass(backend, network, b, false);
  std::ranges::copy(batch.observations, pass.activation(0, b).host().begin());
  const ConstTensor q = network.forward(backend, pass, step.online(), b);
  keep<float>(trace, "q.after", extents(q.shape()), q.host());

  double squares = 0;
  for (const float g : step.gradients().flat().host()) squares += static_cast<double>(g) * g;  // clipped
  trace.gradient_norm = std::sqrt(squares);
  if (options.max_grad_norm > 0) {
    trace.gradient_norm = static_cast<double>(step.gradient_norm().host()[0]);
    trace.clip_factor = std::min(1.0, options.max_grad_norm / trace.gradient_norm);
  }

  compare_with_run(trace, backend, network, options, step.online());
}

// ---- the draws

/// The binary sum-tree over the weights, as rl/replay/sum_tree.h defines it: node i has the children 2i and 2i + 1.
std::vector<double> sum_tree(std::span<const double> weights) {
  std::size_t leaves = 1;
  while (leaves < weights.size()) leaves *= 2;
  std::vector<double> nodes(2 * leaves);
  std::copy(weights.begin(), weights.end(), nodes.begin() + static_cast<std::ptrdiff_t>(leaves));
  for (std::size_t i = leaves - 1; i >= 1; --i) nodes[i] = nodes[2 * i] + nodes[2 * i + 1];
  return nodes;
}

/// Walks from the root to the leaf that holds `mass`; leaves the way in `descent`.
Index descend(const std::vector<double>& nodes, double mass, std::vector<TreeStep>& descent) {
  std::size_t i = 1;
  while (2 * i < nodes.size()) {
    TreeStep step = {mass, nodes[2 * i], nodes[2 * i + 1], false};
    step.goes_right = !(mass < step.left) && step.right > 0;
    if (step.goes_right) mass -= step.left;
    i = 2 * i + (step.goes_right ? 1 : 0);
    descent.push_back(step);
  }
  return static_cast<Index>(i - nodes.size() / 2);
}

void trace_prioritized_draws(UpdateTrace& trace, const StateReader& before, const ReplayRing& ring) {
  const TrainConfig& config = trace.update.config;
  PrioritizedSampler sampler(ring.capacity(), config.seed,
                             {.alpha = config.per_alpha, .epsilon = config.per_epsilon});
  sampler.load(before, ring);
  const std::span<const double> weights = sampler.state().weights;
  const std::vector<double> nodes = sum_tree(weights);
  trace.replay_mass = nodes[1];
  const RandomStream stream = {config.seed, Purpose::kReplay, 0};
  for (std::size_t n = 0; n < trace.draws.size(); ++n) {  // as PrioritizedSampler::sample draws
    TracedDraw& draw = trace.draws[n];
    const RandomWords words = random_words(stream, static_cast<std::uint64_t>(trace.update.number - 1),
                                           static_cast<std::uint32_t>(n / 2));
    const double u = uniform_double(words[2 * (n % 2)], words[2 * (n % 2) + 1]);
    const double mass = (static_cast<double>(n) + u) * (nodes[1] / static_cast<double>(trace.draws.size()));
    const Index leaf = descend(nodes, mass, draw.descent);
    if (leaf != draw.slot)
      fail("draw ", n, " of gradient step ", trace.update.number, " leads to slot ", leaf,
           ", and the run drew ", draw.slot);
    const double weight = weights[static_cast<std::size_t>(draw.slot)];
    draw.probability = weight / nodes[1];
    draw.priority = config.per_alpha > 0 ? std::pow(weight, 1 / config.per_alpha) : 1;
    draw.new_priority =
        trace.skipped ? draw.priority : std::abs(trace.tensor("td_error").values[n]) + config.per_epsilon;
  }
}

void trace_draws(UpdateTrace& trace) {
  const CapturedUpdate& update = trace.update;
  const TrainConfig& config = update.config;
  const StateReader before(update.before, "the run's state");
  ReplayRing ring(replay_slots(config), config.num_envs, config.n_step, config.gamma);
  ring.load(before, update.env.num_actions);
  trace.replay_size = ring.size();
  for (const Index slot : update.next.batch.arrays.slots)
    trace.draws.push_back({.slot = slot,
                           .age = ring.age(slot),
                           .probability = 1 / static_cast<double>(std::max<Index>(1, ring.size())),
                           .descent = {}});
  if (config.replay && config.prioritized) trace_prioritized_draws(trace, before, ring);
}

// ---- finite differences

/// The step's loss as a function of the online parameters, in double: targets, weights and actions stay what they are.
class LossInDouble {
 public:
  LossInDouble(const UpdateTrace& trace, const Network& network, const LearnerOptions& options)
      : options_(options),
        batch_(trace.update.next.batch.size),
        network_(network.text(), network.input_shape()),
        parameters_(backend_, network_.layout()),
        workspace_(backend_, network_, batch_, false),
        actions_(trace.update.next.batch.arrays.actions),
        y_(trace.tensor("y").values),
        weights_(trace.tensor("weight").values) {
    for (std::size_t i = 0; i < network_.layout().entries().size(); ++i) {
      const std::vector<double>& from = trace.tensor("theta." + network_.layout().entries()[i].name).values;
      std::copy(from.begin(), from.end(), parameters_[i].host().begin());
    }
    const std::vector<float>& from = trace.update.next.batch.observations;
    std::copy(from.begin(), from.end(), workspace_.activation(0, batch_).host().begin());
  }

  const BasicArena<double>& parameters() const { return parameters_; }

  /// 1/B sum_n w_n l(y_n - q_n[a_n]).
  double operator()() {
    const std::span<const double> q = network_.forward(backend_, workspace_, parameters_, batch_).host();
    const std::size_t actions = q.size() / static_cast<std::size_t>(batch_);
    double sum = 0;
    for (std::size_t n = 0; n < y_.size(); ++n)
      sum += weights_[n] * loss_of(y_[n] - q[n * actions + static_cast<std::size_t>(actions_[n])]);
    return sum / static_cast<double>(batch_);
  }

 private:
  double loss_of(double error) const {
    const double size = std::abs(error), delta = static_cast<double>(options_.huber_delta);
    if (options_.loss == LossKind::kMeanSquaredError) return error * error;
    return size <= delta ? error * error / 2 : delta * (size - delta / 2);
  }

  const LearnerOptions& options_;
  Index batch_;
  ReferenceBackend<double> backend_;
  BasicNetwork<double> network_;
  BasicArena<double> parameters_;
  BasicWorkspace<double> workspace_;
  std::span<const std::int32_t> actions_;
  std::span<const double> y_, weights_;
};

double size_or_inf(double value) {
  return std::isnan(value) ? std::numeric_limits<double>::infinity() : std::abs(value);
}

/// The `most` largest elements of `values` by size, NaN before all, and in their order.
std::vector<std::size_t> largest_elements(std::span<const double> values, std::size_t most) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  if (values.size() > most) {
    std::nth_element(
        order.begin(), order.begin() + static_cast<std::ptrdiff_t>(most), order.end(),
        [&](std::size_t i, std::size_t j) { return size_or_inf(values[i]) > size_or_inf(values[j]); });
    order.resize(most);
    std::sort(order.begin(), order.end());
  }
  return order;
}

void take_differences(UpdateTrace& trace, const Network& network, const LearnerOptions& options, Index most) {
  constexpr double kStep = 1e-4;
  LossInDouble loss(trace, network, options);
  for (std::size_t i = 0; i < network.layout().entries().size(); ++i) {
    const std::string& name = network.layout().entries()[i].name;
    const TracedTensor& gradient = trace.tensor("gradient." + name);
    TracedTensor difference = {
        "difference." + name, gradient.shape,
        std::vector<double>(gradient.values.size(), std::numeric_limits<double>::quiet_NaN())};
    const std::span<double> parameter = loss.parameters()[i].host();
    for (const std::size_t k : largest_elements(gradient.values, static_cast<std::size_t>(most))) {
      const double value = parameter[k], h = kStep * std::max(1.0, std::abs(value));
      parameter[k] = value + h;
      const double above = loss();
      parameter[k] = value - h;
      difference.values[k] = (above - loss()) / (2 * h);
      parameter[k] = value;
    }
    trace.tensors.push_back(std::move(difference));
  }
}

}  // namespace

const TracedTensor* UpdateTrace::find(std::string_view name) const {
  const auto tensor =
      std::find_if(tensors.begin(), tensors.end(), [&](const TracedTensor& t) { return t.name == name; });
  return tensor == tensors.end() ? nullptr : &*tensor;
}

const TracedTensor& UpdateTrace::tensor(std::string_view name) const {
  if (const TracedTensor* const tensor = find(name)) return *tensor;
  std::vector<std::string_view> names;
  for (const TracedTensor& tensor : tensors) names.push_back(tensor.name);
  fail("the step has no tensor \"", printable(name), "\"", suggestion(name, names));
}

std::vector<std::string> traced_names(const TrainConfig& config, const EnvSpec& env) {
  const Network network = q_network(config, env);
  const LearnerOptions learner = learner_options(config, nullptr);
  const Device host = make_device("reference", 1);
  std::vector<std::string> names = {
      "action", "reward",   "discount", "terminated", "weight",           "y",
      "q.now",  "td_error", "loss",     "q.after",    "next_observation", "q.next.target"};
  if (learner.munchausen)
    names.emplace_back("q.now.target");
  else if (learner.double_dqn && learner.target_network)
    names.emplace_back("q.next.online");
  for (const Workspace::Named& named : Workspace(*host.backend, network, 1, true).tensors(1))
    names.push_back(named.name);
  std::vector<std::string> prefixes = {"theta.",    "theta.after.", "run.theta.", "target.",
                                       "gradient.", "clipped.",     "difference."};
  const Optimizer optimizer(*host.backend, network.layout(), learner.optimizer);
  for (const Optimizer::Moment& moment : optimizer.moments())
    prefixes.insert(prefixes.end(), {moment.name + ".", moment.name + ".after."});
  for (const ArenaLayout::Entry& entry : network.layout().entries())
    for (const std::string& prefix : prefixes) names.push_back(prefix + entry.name);
  return names;
}

UpdateTrace trace_update(CapturedUpdate update, const TraceOptions& options) {
  UpdateTrace trace;
  trace.update = std::move(update);
  const TrainConfig& config = trace.update.config;
  const Network network = q_network(config, trace.update.env);
  LearnerOptions learner =
      learner_options(config, nullptr);  // observations were normalised when they were captured
  for (std::size_t i = 0; i < network.layers(); ++i) trace.layers.push_back(network.layer(i).text());
  trace.optimizer = value_text(config, *find_setting("optimizer"));
  const Device host = make_device(trace.update.on_device ? "reference" : config.device, 1);
  trace_step(trace, *host.backend, network, learner);
  trace_draws(trace);
  take_differences(trace, network, learner, options.differences);
  return trace;
}

}  // namespace bellman
