#include "apps/lab/lab_experiment.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "apps/run/network_gradient_check.h"
#include "apps/run/policy_value.h"
#include "core/base/rng.h"
#include "core/base/text.h"
#include "envs/grid/tabular_env.h"
#include "envs/grid/value_iteration.h"
#include "rl/learn/dqn_update.h"
#include "rl/learn/op_by_op_learner.h"
#include "rl/replay/sampler.h"
#include "rl/train/from_config.h"
#include "rl/train/trainer.h"

namespace bellman {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// ---- training

class Rows final : public MetricSink {
 public:
  explicit Rows(LabRun& run) : run_(run) {}
  void on_scalars(Index timestep, std::span<const Scalar> scalars) override {
    LabRun::Row row = {timestep, kNaN, kNaN, kNaN};
    for (const Scalar& scalar : scalars) {
      if (scalar.name == "eval/mean_reward") row.eval_return = scalar.value;
      if (scalar.name == "train/loss") row.loss = scalar.value;
      if (scalar.name == "train/mean_q") row.mean_q = scalar.value;
    }
    run_.rows.push_back(row);
  }

 private:
  LabRun& run_;
};

/// max |Q - Q*| where an action can be taken; nothing for an environment that is no gridworld.
std::optional<double> worst_q_error(Trainer& trainer, double gamma) {
  const std::unique_ptr<Env> env = trainer.make_env();
  const TabularEnv* const grid = as_tabular(*env);
  if (!grid) return std::nullopt;
  const TabularValues exact = value_iteration(grid->task().mdp, gamma);
  const std::vector<double> learned =
      q_table(*grid, [&trainer](std::span<float> q, std::span<const float> observations, Index n) {
        trainer.q_values(q, observations, n);
      });
  double worst = 0;
  for (std::size_t i = 0; i < learned.size(); ++i)
    if (!std::isnan(learned[i])) worst = std::max(worst, std::abs(learned[i] - exact.q[i]));
  return worst;
}

LabRun train(Fault fault, TrainConfig config, const std::atomic<bool>& stop) {
  FaultyBackend<float> backend(fault);
  if (fault == Fault::kNoTargetNetwork) config.target_network = false;
  config.device = "reference";
  config.learner = LearnerKind::kOpByOp;
  config.keep_best = false;
  TrainerParts parts;
  const EnvFactory make = env_factory(config.env);
  if (fault == Fault::kTruncationAsTermination || fault == Fault::kNextEpisodesObservation)
    parts.make_env = [make, fault] { return faulty_env(fault, make()); };
  parts.make_learner = [&](const Network& network, const LearnerOptions& options) {
    return faulty_learner(fault, std::make_unique<OpByOpLearner>(backend, network, options));
  };
  LabRun run;
  Rows rows(run);
  Trainer trainer(config, backend, parts);
  trainer.add_sink(rows);
  run.final_return = trainer.run(&stop).eval.mean;
  run.worst_q_error = worst_q_error(trainer, config.gamma);
  return run;
}

// ---- instruments

Instrument gradient_check(const LabBug& bug, const TrainConfig& config, const EnvSpec& spec) {
  const Network network = q_network(config, spec);
  const BasicNetwork<double> doubled(network.text(), network.input_shape());
  const auto verdict = [&](Fault fault, bool& passed) {
    FaultyBackend<double> backend(fault);
    const NetworkGradientCheck check = check_network_gradients(backend, doubled, {.samples = 20});
    std::string wrong;
    for (const TensorGradientCheck& tensor : check.tensors)
      if (!tensor.passed)
        wrong += (wrong.empty() ? "wrong: " : ", ") + std::to_string(tensor.layer) + "." + tensor.name;
    passed = wrong.empty();
    return passed ? std::string("every gradient agrees") : wrong;
  };
  bool sound = false, faulty = false;
  Instrument instrument = {"gradcheck", "each gradient against a finite difference of the loss",
                           verdict(Fault::kNone, sound), verdict(bug.fault, faulty)};
  instrument.notices = sound && !faulty;
  return instrument;
}

/// All tensors of one gradient step on a batch that has everything: ends, weights, two different networks.
std::map<std::string, std::vector<float>> one_step(Fault fault, const TrainConfig& config,
                                                   const EnvSpec& spec, std::vector<std::string>& order) {
  FaultyBackend<float> backend(fault);
  const Network network = q_network(config, spec);
  LearnerOptions options = learner_options(config, nullptr);
  if (fault == Fault::kNoTargetNetwork) options.target_network = false;
  DqnUpdate step(backend, network, options);
  RandomSequence random({7, Purpose::kTest, 0});
  const auto fill = [&](std::span<float> values, double low, double high) {
    for (float& value : values) value = static_cast<float>(random.uniform(low, high));
  };
  for (std::size_t i = 0; i < network.layout().entries().size(); ++i)
    fill(step.target()[i].host(), -0.3, 0.3);
  const Index b = options.max_batch;
  const DqnUpdate::Batch batch = step.batch(b);
  fill(batch.observations.host(), -1, 1);
  fill(batch.next_observations.host(), -1, 1);
  fill(batch.transitions.reward.host(), 0, 1);
  fill(batch.weights.host(), 0.2, 1);
  std::fill(batch.transitions.discount.host().begin(), batch.transitions.discount.host().end(), 0.99F);
  for (Index n = 0; n < b; ++n) {
    batch.transitions.terminated.host()[static_cast<std::size_t>(n)] = n % 3 == 0 ? 1.0F : 0.0F;
    batch.transitions.action.host()[static_cast<std::size_t>(n)] =
        static_cast<std::int32_t>(n % spec.num_actions);
  }
  std::map<std::string, std::vector<float>> tensors;
  const auto keep = [&](const std::string& name, ConstTensor tensor) {
    if (tensors.emplace(name, std::vector<float>(tensor.host().begin(), tensor.host().end())).second)
      order.push_back(name);
  };
  step.run(b, 1e-3F, keep);
  for (std::size_t i = 0; i < network.layout().entries().size(); ++i)
    keep("theta.after." + network.layout().entries()[i].name, step.online()[i]);
  return tensors;
}

Instrument definition(const LabBug& bug, const TrainConfig& config, const EnvSpec& spec) {
  std::vector<std::string> order, again;
  const auto sound = one_step(Fault::kNone, config, spec, order),
             faulty = one_step(bug.fault, config, spec, again);
  Instrument instrument = {"one step recomputed", "every tensor of one gradient step against its definition",
                           "equal to the last bit", "equal to the last bit", false};
  // In the order of the mathematics: gradients of activations come after the loss, from the last layer down.
  const auto first = std::stable_partition(order.begin(), order.end(), [](const std::string& name) {
    return !name.starts_with('d') && !name.starts_with("gradient") && !name.starts_with("clipped") &&
           !name.starts_with("theta");
  });
  std::reverse(first, std::stable_partition(first, order.end(),
                                            [](const std::string& name) { return name.starts_with('d'); }));
  for (const std::string& name : order)
    if (sound.at(name) != faulty.at(name)) {
      instrument.faulty = name + " is the first that differs";
      instrument.notices = true;
      break;
    }
  return instrument;
}

/// The same actions in the environment and in the faulty one.
Instrument environment(const LabBug& bug, const TrainConfig& config) {
  const std::unique_ptr<Env> sound = make_env(config.env),
                             faulty = faulty_env(bug.fault, make_env(config.env));
  const auto size = static_cast<std::size_t>(sound->spec().observation_shape.elements());
  std::vector<float> a(size), b(size);
  Instrument instrument = {"environment step by step",
                           "rewards, ends and observations against the environment's definition", "equal",
                           "equal", false};
  RandomSequence random({3, Purpose::kTest, 0});
  for (const auto& env : {sound.get(), faulty.get()}) env->seed({1, Purpose::kEnvironment, 0});
  for (const auto& env : {sound.get(), faulty.get()}) env->reset();
  for (Index t = 1; t <= 2000 && !instrument.notices; ++t) {
    const auto action = static_cast<int>(random.uniform(0, 1) * sound->spec().num_actions);
    const StepResult x = sound->step(action), y = faulty->step(action);
    sound->observe(a), faulty->observe(b);
    const std::string at = "step " + std::to_string(t) + ": ";
    if (x.terminated != y.terminated || x.truncated != y.truncated)
      instrument.faulty = at + (x.truncated ? "truncated" : "terminated") + " comes out as " +
                          (y.terminated ? "terminated" : "truncated");
    else if (a != b)
      instrument.faulty = at + "the observation after the last step is another";
    instrument.notices = instrument.faulty != "equal";
    if (x.terminated || x.truncated)
      for (const auto& env : {sound.get(), faulty.get()}) env->reset();
  }
  return instrument;
}

/// What a prioritised replay does with the errors that the learner hands back.
Instrument priorities(const LabBug& bug, const TrainConfig& config) {
  class Errors final : public Learner {
   public:
    LearnStats learn(const Batch& /*batch*/, float /*rate*/, std::span<float> td_error) override {
      for (std::size_t i = 0; i < td_error.size(); ++i) td_error[i] = 0.25F * static_cast<float>(i + 1);
      return {};
    }
    void q_values(std::span<float> /*q*/, std::span<const float> /*observations*/, Index /*n*/) override {}
    void update_target(float /*tau*/) override {}
    void get_parameters(std::span<float> /*out*/) override {}
    void set_parameters(std::span<const float> /*in*/) override {}
    void save(StateWriter& /*out*/) const override {}
    void load(const StateReader& /*in*/) override {}
  };
  const auto read = [&](Fault fault, bool& right) {
    PrioritizedSampler sampler(4, 1, {.alpha = config.per_alpha, .epsilon = config.per_epsilon});
    for (Index slot = 0; slot < 4; ++slot) sampler.on_add(slot);
    std::vector<float> errors(4);
    faulty_learner(fault, std::make_unique<Errors>())->learn({}, 0, errors);
    const std::vector<Index> slots = {0, 1, 2, 3};
    sampler.on_td_error(slots, errors);
    const double ratio = sampler.probability(3) / sampler.probability(0);
    const double expected = std::pow(4.0, config.per_alpha);
    right = std::abs(ratio - expected) < 0.01 * expected;
    return "an error 4 times as large is drawn " + formatted("%.2f", ratio) + " times as often, should be " +
           formatted("%.2f", expected);
  };
  bool sound = false, faulty = false;
  Instrument instrument = {"priorities after a step", "the chance of a draw against |delta|^alpha",
                           read(Fault::kNone, sound), read(bug.fault, faulty)};
  instrument.notices = sound && !faulty;
  return instrument;
}

/// "183 to 500 over 3 seeds": notices when the ranges of the seeds do not overlap.
template <class Value>
Instrument compare_runs(const char* name, const char* reads, const LabExperiment& experiment, Value value) {
  const auto range = [&](const std::vector<LabRun>& runs, double& low, double& high) {
    low = std::numeric_limits<double>::infinity(), high = -low;
    for (const LabRun& run : runs) low = std::min(low, value(run)), high = std::max(high, value(run));
    return formatted("%.4g to %.4g", low, high);
  };
  double a = 0, b = 0, c = 0, d = 0;
  Instrument instrument = {name, reads, range(experiment.sound, a, b), range(experiment.faulty, c, d)};
  instrument.notices = d < a || c > b;
  return instrument;
}

double largest_mean_q(const LabRun& run) {
  double most = -std::numeric_limits<double>::infinity();
  for (const LabRun::Row& row : run.rows) most = std::fmax(most, row.mean_q);
  return most;
}

}  // namespace

LabExperiment run_experiment(const LabBug& bug, Index seeds, const std::atomic<bool>& stop) {
  LabExperiment experiment;
  experiment.config = lab_config(bug);
  const EnvSpec spec = make_env(experiment.config.env)->spec();
  experiment.instruments = {gradient_check(bug, experiment.config, spec),
                            definition(bug, experiment.config, spec), environment(bug, experiment.config)};
  if (experiment.config.prioritized) experiment.instruments.push_back(priorities(bug, experiment.config));
  for (Index i = 0; i < seeds && !stop; ++i) {
    experiment.config.seed = static_cast<std::uint64_t>(i + 1);
    experiment.sound.push_back(train(Fault::kNone, experiment.config, stop));
    experiment.faulty.push_back(train(bug.fault, experiment.config, stop));
  }
  if (experiment.sound.empty()) return experiment;
  experiment.instruments.push_back(compare_runs("return", "the kept network, evaluated again", experiment,
                                                [](const LabRun& run) { return run.final_return; }));
  experiment.instruments.push_back(
      compare_runs("mean Q", "the largest mean Q-value of a run", experiment, largest_mean_q));
  if (experiment.sound.front().worst_q_error)
    experiment.instruments.push_back(
        compare_runs("Q against Q*", "the largest |Q - Q*| over all cells and actions", experiment,
                     [](const LabRun& run) { return *run.worst_q_error; }));
  return experiment;
}

}  // namespace bellman
