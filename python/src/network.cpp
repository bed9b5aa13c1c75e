// Networks and optimisers, whose numbers NumPy sees where they lie.
#include "core/nn/network.h"

#include <cstdint>
#include <map>
#include <type_traits>
#include <utility>

#include <nanobind/stl/map.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "core/base/text.h"
#include "core/cpu/cpu_backend.h"
#include "core/nn/initialisers.h"
#include "core/nn/optimizer.h"
#include "core/reference/reference_backend.h"
#include "python/src/bindings.h"

namespace bellman::python {
namespace {

template <class T>
std::unique_ptr<BasicBackend<T>> backend_by_name(const std::string& name) {
  if (name == "reference") return std::make_unique<ReferenceBackend<T>>();
  if constexpr (std::is_same_v<T, float>) {
    if (name == "cpu") return std::make_unique<CpuBackend>();
    fail("unknown backend \"", printable(name), "\" (known: cpu, reference)");
  }
  fail("backend is \"", printable(name), "\", must be reference: the others compute in float32");
}

/// What the views of a network's numbers keep alive.
template <class T>
struct Engine {
  Engine(const std::string& text, const Shape& input_shape, const std::string& backend_name)
      : backend(backend_by_name<T>(backend_name)),
        network(text, input_shape),
        parameters(*backend, network.layout()),
        gradients(*backend, network.layout()) {}

  std::unique_ptr<BasicBackend<T>> backend;
  BasicNetwork<T> network;
  BasicArena<T> parameters, gradients;
};
/// A workspace, and the backend that it is of.
template <class T>
struct Passes {
  Passes(std::shared_ptr<Engine<T>> of, Index max_batch)
      : engine(std::move(of)), workspace(*engine->backend, engine->network, max_batch, true) {}

  std::shared_ptr<Engine<T>> engine;
  BasicWorkspace<T> workspace;
};

template <class T>
class PyNetwork {
 public:
  PyNetwork(const std::string& text, const std::vector<Index>& input_shape, std::uint64_t seed,
            const std::string& initialiser, const std::string& backend)
      : engine_(std::make_shared<Engine<T>>(text, shape_from(input_shape), backend)) {
    initialise(*engine_->backend, engine_->parameters, engine_->network, parse_initialiser(initialiser),
               seed);
  }

  const std::string& text() const { return engine_->network.text(); }
  nb::tuple input_shape() const { return tuple_of(engine_->network.input_shape()); }
  nb::tuple output_shape() const { return tuple_of(engine_->network.output_shape()); }
  std::string backend() const { return engine_->backend->name(); }
  const std::shared_ptr<Engine<T>>& engine() const { return engine_; }

  nb::dict parameters() const { return tensors_of(engine_->parameters); }
  nb::dict gradients() const { return tensors_of(engine_->gradients); }
  void zero_gradients() { engine_->backend->fill(engine_->gradients.flat(), T{0}); }

  /// y(B,O), a copy.
  nb::ndarray<nb::numpy, T> forward(const In<T>& x) {
    const Shape given = shape_of(x);
    if (given.rank() == 0 || given[0] < 1 || given != engine_->network.input_shape().with_batch(given[0]))
      fail("forward: x has shape ", given, ", must be a batch of ", engine_->network.input_shape());
    batch_ = 0;
    if (!passes_ || passes_->workspace.max_batch() < given[0])
      passes_ = std::make_shared<Passes<T>>(engine_, given[0]);
    batch_ = given[0];
    const TensorView<T> input = passes_->workspace.activation(0, batch_);
    engine_->backend->upload(input.data(), x.data(), x.size() * sizeof(T));
    return copy_of(
        engine_->network.forward(*engine_->backend, passes_->workspace, engine_->parameters, batch_));
  }

  /// dL/dx, a copy.
  nb::ndarray<nb::numpy, T> backward(const In<T>& dy) {
    if (batch_ == 0) fail("backward: there was no forward pass");
    const TensorView<T> output = passes_->workspace.d_activation(engine_->network.layers(), batch_);
    if (shape_of(dy) != output.shape())
      fail("backward: dy has shape ", shape_of(dy), ", must have ", output.shape());
    engine_->backend->upload(output.data(), dy.data(), dy.size() * sizeof(T));
    engine_->network.backward(*engine_->backend, passes_->workspace, engine_->parameters, engine_->gradients,
                              batch_,
                              /*with_input_gradient=*/true);
    return copy_of(passes_->workspace.d_activation(0, batch_));
  }

  nb::dict activations() const {
    nb::dict out;
    if (batch_ == 0) return out;
    for (const auto& named : passes_->workspace.tensors(batch_))
      out[named.name.c_str()] = view_of(named.tensor.data(), named.tensor.shape(), passes_);
    return out;
  }

 private:
  nb::dict tensors_of(const BasicArena<T>& arena) const {
    nb::dict out;
    for (std::size_t i = 0; i < arena.layout().entries().size(); ++i)
      out[arena.layout().entries()[i].name.c_str()] = view_of(arena[i].data(), arena[i].shape(), engine_);
    return out;
  }
  static nb::ndarray<nb::numpy, T> copy_of(TensorView<const T> tensor) {
    return array_of(std::vector<T>(tensor.data(), tensor.data() + tensor.elements()), tensor.shape());
  }

  std::shared_ptr<Engine<T>> engine_;
  std::shared_ptr<Passes<T>> passes_;  // null before the first pass
  Index batch_ = 0;                    // of the last forward pass; 0: there was none
};

// ---- optimisers

using Numbers = std::map<std::string, double>;

/// Takes the options out of `given` one by one, so that what is left has no meaning.
class OptionReader {
 public:
  OptionReader(std::string kind, Numbers given) : kind_(std::move(kind)), given_(std::move(given)) {}

  template <class V>
  OptionReader& read(const char* name, V& value) {
    known_.push_back(name);
    if (const auto found = given_.find(name); found != given_.end()) {
      value = static_cast<V>(found->second);
      given_.erase(found);
    }
    return *this;
  }
  void end() const {
    if (given_.empty()) return;
    const std::string& name = given_.begin()->first;
    fail(kind_, " has no option \"", printable(name), "\"", suggestion(name, known_));
  }

 private:
  std::string kind_;
  Numbers given_;
  std::vector<std::string_view> known_;
};

OptimizerOptions optimizer_options(const std::string& kind, const Numbers& given) {
  OptionReader reader(kind, given);
  if (kind == "adam" || kind == "adamw") {
    AdamOptions o{.decoupled = kind == "adamw"};
    reader.read("beta1", o.beta1).read("beta2", o.beta2).read("epsilon", o.epsilon);
    reader.read("weight_decay", o.weight_decay).end();
    return o;
  }
  if (kind == "rmsprop") {
    RmsPropOptions o;
    reader.read("alpha", o.alpha).read("epsilon", o.epsilon).read("epsilon_in_root", o.epsilon_in_root);
    reader.read("momentum", o.momentum)
        .read("weight_decay", o.weight_decay)
        .read("centered", o.centered)
        .end();
    return o;
  }
  if (kind == "sgd") {
    SgdOptions o;
    reader.read("momentum", o.momentum).read("dampening", o.dampening).read("weight_decay", o.weight_decay);
    reader.read("nesterov", o.nesterov).end();
    return o;
  }
  constexpr std::string_view kKinds[] = {"adam", "adamw", "rmsprop", "sgd"};
  fail("unknown optimizer \"", printable(kind), "\"", suggestion(kind, kKinds));
}

template <class T>
class PyOptimizer {
 public:
  PyOptimizer(const PyNetwork<T>& network, const std::string& kind, const Numbers& options)
      : engine_(network.engine()),
        optimizer_(std::make_shared<BasicOptimizer<T>>(*engine_->backend, engine_->network.layout(),
                                                       optimizer_options(kind, options))) {}

  void step(double learning_rate) {
    optimizer_->step(engine_->parameters, engine_->gradients, static_cast<T>(learning_rate));
  }
  Index steps() const { return optimizer_->steps(); }
  nb::dict moments() const {
    nb::dict out;
    const auto owner =
        std::make_shared<std::pair<std::shared_ptr<Engine<T>>, std::shared_ptr<BasicOptimizer<T>>>>(
            engine_, optimizer_);
    for (const auto& moment : optimizer_->moments()) {
      nb::dict tensors;
      for (std::size_t i = 0; i < moment.values.layout().entries().size(); ++i)
        tensors[moment.values.layout().entries()[i].name.c_str()] =
            view_of(moment.values[i].data(), moment.values[i].shape(), owner);
      out[moment.name.c_str()] = tensors;
    }
    return out;
  }

 private:
  std::shared_ptr<Engine<T>> engine_;  // before what needs its backend
  std::shared_ptr<BasicOptimizer<T>> optimizer_;
};

template <class T>
void bind_networks_of(nb::module_& m, const char* network_name, const char* optimizer_name) {
  using N = PyNetwork<T>;
  nb::class_<N>(m, network_name, "A network with its parameters, gradients and activations.")
      .def(nb::init<const std::string&, const std::vector<Index>&, std::uint64_t, const std::string&,
                    const std::string&>(),
           nb::arg("text"), nb::arg("input_shape"), nb::arg("seed"), nb::arg("initialiser"),
           nb::arg("backend"))
      .def_prop_ro("text", &N::text, "The layers, as the network reads them.")
      .def_prop_ro("input_shape", &N::input_shape, "The shape of one sample.")
      .def_prop_ro("output_shape", &N::output_shape, "The shape of what one sample becomes.")
      .def_prop_ro("backend", &N::backend, "What computes: \"cpu\" or \"reference\".")
      .def_prop_ro(
          "parameters", &N::parameters,
          "Views of the parameters by their names in torch.nn.Sequential: what is written there counts.")
      .def_prop_ro("gradients", &N::gradients, "Views of the parameters' gradients: backward() adds to them.")
      .def_prop_ro("activations", &N::activations,
                   "Views of the last pass's activations and their gradients: \"a0\" (the input) .. \"aL\", "
                   "\"da0\" .. "
                   "\"daL\", and the layers' inner tensors. Empty before the first forward().")
      .def("zero_gradients", &N::zero_gradients, "Sets all gradients to 0.")
      .def("forward", &N::forward, nb::arg("x"), "y (B, ...) of x (B, input_shape). Keeps the activations.")
      .def("backward", &N::backward, nb::arg("dy"),
           "From dL/dy of the last forward() to dL/dx, which it returns. Adds dL/dparameters to the "
           "gradients.");
  using O = PyOptimizer<T>;
  nb::class_<O>(m, optimizer_name, "An optimiser of a network's parameters.")
      .def(nb::init<const N&, const std::string&, const Numbers&>(), nb::arg("network"), nb::arg("kind"),
           nb::arg("options"))
      .def("step", &O::step, nb::arg("learning_rate"), "One step from the network's gradients.")
      .def_prop_ro("steps", &O::steps, "Steps so far.")
      .def_prop_ro("moments", &O::moments,
                   "Views of the moments by their names, and in each by the parameters' names.");
}

}  // namespace

void bind_network(nb::module_& m) {
  bind_networks_of<float>(m, "Network32", "Optimizer32");
  bind_networks_of<double>(m, "Network64", "Optimizer64");
}

}  // namespace bellman::python
