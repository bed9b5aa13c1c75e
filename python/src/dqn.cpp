// Training and trained networks.
#include <atomic>
#include <cmath>
#include <filesystem>
#include <functional>
#include <optional>
#include <utility>

#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include "apps/run/trained_network.h"
#include "core/cpu/cpu_backend.h"
#include "core/reference/reference_backend.h"
#include "python/src/bindings.h"
#include "python/src/python_envs.h"
#include "rl/config/settings_table.h"
#include "rl/learn/make_learner.h"
#include "rl/train/evaluator.h"
#include "rl/train/foreseen.h"
#include "rl/train/from_config.h"
#include "rl/train/kept_model.h"
#include "rl/train/trainer.h"

namespace bellman::python {
namespace {

nb::dict returns_of(const EvalResult& eval) {
  nb::dict out;
  out["mean"] = eval.mean;
  out["std"] = eval.std;
  out["min"] = eval.min;
  out["max"] = eval.max;
  out["mean_length"] = eval.mean_length;
  out["episodes"] = eval.episodes;
  return out;
}

// ---- a trained network

/// What model.safetensors holds, ready to answer.
class Policy {
 public:
  Policy(const std::filesystem::path& name, Model model) : network_(name, std::move(model), NetworkHints{}) {}

  std::string network() const { return network_.network().text(); }
  nb::tuple input_shape() const { return tuple_of(network_.network().input_shape()); }
  Index num_actions() const { return network_.num_actions(); }
  Index timestep() const { return network_.model().timestep; }
  bool normalizes() const { return !network_.model().observation_mean.empty(); }
  void save(const std::filesystem::path& path) const { save_model(path, network_.model()); }

  /// q(n,A) of observations (n, input_shape).
  nb::ndarray<nb::numpy, float> q_values(const In<float>& observations) {
    const Index width = network_.network().input_shape().elements();
    const auto size = static_cast<Index>(observations.size());
    if (observations.ndim() == 0 || size % width != 0 || size == 0)
      fail("q_values: ", size, " numbers are no observations of ", width);
    const Index n = size / width;
    std::vector<float> q(static_cast<std::size_t>(n * num_actions()));
    {
      const nb::gil_scoped_release released;
      network_.q_values(q, span_of(observations), n);
    }
    return array_of(std::move(q), {n, num_actions()});
  }

  /// As `bellman eval` plays them.
  nb::dict evaluate(const Config& config, Index episodes, std::uint64_t seed, double epsilon) {
    EvalResult result;
    {
      const nb::gil_scoped_release released;
      network_.require_fit(make_env(config.values.env)->spec());
      const QFunction q = [this](std::span<float> out, std::span<const float> observations, Index n) {
        network_.q_values(out, observations, n);
      };
      result = Evaluator(config.values.env, episodes, seed, OnNan::kStop).evaluate(q, episodes, epsilon);
    }
    return returns_of(result);
  }

  nb::dict parameters() const {
    nb::dict out;
    for (const FileTensor& tensor : network_.model().parameters.tensors) {
      Shape shape;
      for (const std::uint64_t extent : tensor.shape) shape.append(static_cast<Index>(extent));
      const std::span<const float> values = tensor.f32();
      out[tensor.name.c_str()] = array_of(std::vector<float>(values.begin(), values.end()), shape);
    }
    return out;
  }
  /// In the layout of `network`'s arena.
  std::vector<float> flat_parameters(const Network& network) const {
    if (network.text() != network_.network().text())
      fail("the model's network is \"", network_.network().text(), "\", not \"", network.text(), "\"");
    if (network.input_shape() != network_.network().input_shape())
      fail("the model takes observations of shape ", network_.network().input_shape(),
           ", the environment gives ", network.input_shape());
    std::vector<float> flat(static_cast<std::size_t>(network.layout().size()));
    for (const FileTensor& tensor : network_.model().parameters.tensors) {
      const std::span<const float> values = tensor.f32();
      std::copy(values.begin(), values.end(), flat.begin() + network.layout().find(tensor.name).offset);
    }
    return flat;
  }
  /// Of the environment that it was trained on; none for one of Python.
  std::optional<Config> env_config() const {
    if (!network_.model().env) return std::nullopt;
    Config config;
    config.values.env = *network_.model().env;
    config.origins.assign(settings().size(), "model");
    return config;
  }

 private:
  TrainedNetwork network_;
};

// ---- training

/// Calls Python with the run's numbers. An exception there ends the run.
class PythonSink final : public MetricSink {
 public:
  PythonSink(const nb::object& on_row, const nb::object& on_progress, std::atomic<bool>& stop)
      : on_row_(on_row), on_progress_(on_progress), stop_(stop) {}

  void on_scalars(Index, std::span<const Scalar> scalars) override {
    const nb::gil_scoped_acquire lock;
    if (on_row_.is_none()) return;
    nb::dict row;
    for (const Scalar& scalar : scalars) row[nb::str(scalar.name.data(), scalar.name.size())] = scalar.value;
    const nb::object answer = on_row_(row);
    if (answer.is(nb::handle(Py_False))) stop_ = true;
  }
  /// About ten times a second: signals are handled here, too.
  void on_progress(const Progress& now) override {
    const nb::gil_scoped_acquire lock;
    if (PyErr_CheckSignals() != 0) throw nb::python_error();
    if (on_progress_.is_none()) return;
    nb::dict row;
    row["timestep"] = now.timestep;
    row["total_timesteps"] = now.total_timesteps;
    row["seconds"] = now.seconds;
    row["steps_per_second"] = now.steps_per_second;
    row["episodes"] = now.episodes;
    row["mean_return"] = now.mean_return;
    row["eval_mean"] = now.eval_mean;
    on_progress_(row);
  }

 private:
  nb::object on_row_, on_progress_;
  std::atomic<bool>& stop_;
};

std::unique_ptr<Backend> backend_of(const TrainConfig& config) {
  if (config.device == "cpu" || config.device == "auto") return std::make_unique<CpuBackend>(config.threads);
  if (config.device == "reference") return std::make_unique<ReferenceBackend<float>>();
  fail("device is \"", config.device,
       "\", must be cpu, auto or reference: the Python package runs on the CPU");
}

/// A learner that begins with parameters of an earlier run.
LearnerFactory learner_from(const TrainConfig& config, Backend& backend, const Policy& policy) {
  return [&config, &backend, &policy](const Network& network, const LearnerOptions& options) {
    const LearnerKind kind = chosen_learner(config.learner, backend, network, options);
    std::unique_ptr<Learner> learner = make_learner(kind, backend, network, options);
    learner->set_parameters(policy.flat_parameters(network));
    if (options.target_network) learner->update_target(1);
    return learner;
  };
}

/// One run. `bridge` is None for the environment of the settings.
class Learning {
 public:
  Learning(const Config& config, const nb::object& bridge, const Policy* initial)
      : config_(config.values), backend_(backend_of(config_)), is_of_python_(!bridge.is_none()) {
    config_.device = backend_->name();
    TrainerParts parts;
    if (is_of_python_) parts.make_env = python_env_factory(bridge);
    if (initial) parts.make_learner = learner_from(config_, *backend_, *initial);
    trainer_.emplace(config_, *backend_, parts);
  }

  /// What is known before the first step to go wrong, a sentence each.
  std::vector<std::string> notes() const { return foreseen(config_, trainer_->env_spec()); }
  void stop() { stop_ = true; }

  nb::dict run(const nb::object& on_row, const nb::object& on_progress) {
    PythonSink sink(on_row, on_progress, stop_);
    trainer_->add_sink(sink);
    TrainResult result;
    {
      const nb::gil_scoped_release released;
      result = trainer_->run(&stop_);
    }
    nb::dict out;
    out["timesteps"] = result.timesteps;
    out["gradient_updates"] = result.gradient_updates;
    out["skipped_updates"] = result.skipped_updates;
    out["skipped_steps"] = result.skipped_steps;
    out["wall_seconds"] = result.wall_seconds;
    out["solved_at_timestep"] = result.solved_at_timestep;
    out["model_timestep"] = result.model_timestep;
    out["eval"] = result.eval.episodes > 0 ? nb::object(returns_of(result.eval)) : nb::none();
    out["training_mean"] = result.training_mean;
    out["interrupted"] = result.interrupted;
    return out;
  }

  std::unique_ptr<Policy> policy() const {
    Model model = kept_model(config_, *trainer_);
    if (is_of_python_) model.env.reset();
    return std::make_unique<Policy>("the model", std::move(model));
  }

 private:
  TrainConfig config_;
  std::unique_ptr<Backend> backend_;
  bool is_of_python_;
  std::atomic<bool> stop_ = false;
  std::optional<Trainer> trainer_;
};

/// The text of the network that a run makes for an environment of this description.
std::string network_text(const Config& config, const std::vector<Index>& observation_shape, int num_actions) {
  EnvSpec spec;
  spec.observation_shape = shape_from(observation_shape);
  spec.num_actions = num_actions;
  return q_network(config.values, spec).text();
}

std::unique_ptr<Policy> load_policy(const std::filesystem::path& path) {
  return std::make_unique<Policy>(path, load_model(path));
}

}  // namespace

void bind_dqn(nb::module_& m) {
  nb::class_<Policy>(m, "Policy", "A trained network.")
      .def_prop_ro("network", &Policy::network, "The network's text, head included.")
      .def_prop_ro("input_shape", &Policy::input_shape, "The shape of an observation.")
      .def_prop_ro("num_actions", &Policy::num_actions, "The number of Q-values.")
      .def_prop_ro("timestep", &Policy::timestep, "When these parameters were the run's present ones.")
      .def_prop_ro("normalizes", &Policy::normalizes, "Whether observations are normalised.")
      .def("q_values", &Policy::q_values, nb::arg("observations"),
           "Q-values (n, A) of observations (n, ...).")
      .def("evaluate", &Policy::evaluate, nb::arg("config"), nb::arg("episodes"), nb::arg("seed"),
           nb::arg("epsilon"), "Returns of whole episodes, as `bellman eval` plays them.")
      .def("parameters", &Policy::parameters, "A copy of each parameter by its name.")
      .def("env_config", &Policy::env_config,
           "Settings with the environment that it was trained on, or None.")
      .def("save", &Policy::save, nb::arg("path"), "Writes model.safetensors, as `bellman train` does.");
  m.def("network_text", &network_text, nb::arg("config"), nb::arg("observation_shape"),
        nb::arg("num_actions"), "The text of a run's network, head included.");
  m.def("load_policy", &load_policy, nb::arg("path"), "Reads a model.safetensors.");
  nb::class_<Learning>(m, "Learning", "One training run.")
      .def(nb::init<const Config&, nb::object, const Policy*>(), nb::arg("config"), nb::arg("bridge").none(),
           nb::arg("initial").none())
      .def("notes", &Learning::notes, "What will go wrong as far as it is known, a sentence each.")
      .def("stop", &Learning::stop, "Ends the run early.")
      .def("run", &Learning::run, nb::arg("on_row").none(), nb::arg("on_progress").none(),
           "Trains; how the run went.")
      .def("policy", &Learning::policy, "The network that the run kept.");
}

}  // namespace bellman::python
