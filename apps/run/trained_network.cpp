#include "apps/run/trained_network.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <set>
#include <system_error>
#include <utility>
#include <vector>

#include "core/base/check.h"
#include "core/base/text.h"
#include "core/cpu/cpu_backend.h"
#include "core/io/safetensors.h"
#include "core/io/weights.h"
#include "rl/replay/running_normalizer.h"

namespace bellman {
namespace {

constexpr std::array<std::string_view, 6> kCommonPrefixes = {"network.",    "q_network.", "q_net.",
                                                             "policy_net.", "module.",    "_orig_mod."};

/// The chain of common prefixes at the front of "_orig_mod.network.0.weight"; empty where no layer follows.
std::string_view common_prefix(std::string_view name) {
  std::string_view rest = name;
  for (bool found = true; found;) {
    found = false;
    for (const std::string_view prefix : kCommonPrefixes)
      if (rest.starts_with(prefix)) {
        rest.remove_prefix(prefix.size());
        found = true;
      }
  }
  return layer_number(rest) ? name.substr(0, name.size() - rest.size()) : std::string_view();
}

/// "a", "b" and "c": at most five.
std::string listed(const std::set<std::string>& names) {
  constexpr std::size_t kMost = 5;
  std::string text;
  std::size_t count = 0;
  for (const std::string& name : names) {
    if (++count > kMost) return text + ", ...";
    text += (text.empty() ? "\"" : ", \"") + printable(name) + '"';
  }
  return text;
}

/// The beginnings of all names, up to their first dot.
std::set<std::string> beginnings(const TensorFile& file) {
  std::set<std::string> all;
  for (const FileTensor& tensor : file.tensors)
    all.insert(tensor.name.substr(0, std::min(tensor.name.find('.'), tensor.name.size() - 1) + 1));
  return all;
}

bool any_begins_with(const TensorFile& file, const std::string& prefix) {
  return std::any_of(file.tensors.begin(), file.tensors.end(),
                     [&](const FileTensor& tensor) { return tensor.name.starts_with(prefix); });
}

std::string given_prefix(const TensorFile& file, const std::string& prefix) {
  const std::string with_dot = prefix.ends_with('.') ? prefix : prefix + '.';
  if (any_begins_with(file, with_dot)) return with_dot;
  if (any_begins_with(file, prefix)) return prefix;
  fail("no tensor's name begins with the prefix \"", printable(prefix), "\"; they begin with ",
       listed(beginnings(file)));
}

std::string found_prefix(const TensorFile& file) {
  std::set<std::string> prefixes;
  for (const FileTensor& tensor : file.tensors) {
    if (layer_number(tensor.name)) return "";
    if (const std::string_view prefix = common_prefix(tensor.name); !prefix.empty()) prefixes.emplace(prefix);
  }
  if (prefixes.size() > 1)
    fail("it holds several networks, under ", listed(prefixes), ": choose one with --prefix");
  return prefixes.empty() ? "" : *prefixes.begin();
}

void take_prefix(Weights& weights, const std::string& prefix) {
  if (prefix.empty()) return;
  std::vector<FileTensor>& tensors = weights.file.tensors;
  const std::size_t before = tensors.size();
  std::erase_if(tensors, [&](const FileTensor& tensor) { return !tensor.name.starts_with(prefix); });
  for (FileTensor& tensor : tensors) tensor.name.erase(0, prefix.size());
  std::string note = "names are read without their prefix \"" + printable(prefix) + "\"";
  if (const std::size_t others = before - tensors.size(); others > 0)
    note += "; " + std::to_string(others) + (others == 1 ? " tensor" : " tensors") + " without it left out";
  weights.notes.push_back(std::move(note));
}

void convert(Weights& weights) {
  std::set<std::string> converted;
  for (FileTensor& tensor : weights.file.tensors) {
    if (tensor.dtype == DType::kF32) continue;
    converted.insert(tensor.dtype_text());
    const std::vector<float> values = as_floats(tensor);
    const std::span<const std::byte> bytes = std::as_bytes(std::span(values));
    tensor.bytes.assign(bytes.begin(), bytes.end());
    tensor.dtype = DType::kF32;
  }
  if (!converted.empty()) {
    std::string types;
    for (const std::string& type : converted) types += (types.empty() ? "" : ", ") + type;
    weights.notes.push_back("numbers of type " + types + " are read as F32");
  }
}

}  // namespace

std::optional<Index> layer_number(std::string_view name) {
  Index number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  const bool whole = error == std::errc() && end != name.data() + name.size() && *end == '.' && number >= 0;
  return whole ? std::optional(number) : std::nullopt;
}

Weights foreign_weights(TensorFile file, const std::string& prefix) {
  Weights weights{std::move(file), {}};
  take_prefix(weights, prefix.empty() ? found_prefix(weights.file) : given_prefix(weights.file, prefix));
  convert(weights);
  return weights;
}

namespace {

/// Rows of one forward pass: many for small networks, few for large ones, whose activations take memory.
Index rows_of_a_pass(const Network& network) {
  constexpr Index kMostRows = 1024, kMostNumbers = 1 << 22;
  Index widest = network.input_shape().elements();
  for (std::size_t i = 0; i < network.layers(); ++i)
    widest = std::max(widest, network.layer(i).output_shape().elements());
  return std::clamp<Index>(kMostNumbers / widest, 1, kMostRows);
}

/// A network far larger than its file is not built: a small file must not make the program allocate the
/// memory of a large one. load_parameters() finds smaller differences, and names the tensor.
void require_plausible(const std::filesystem::path& path, const Network& network, const TensorFile& file) {
  Index numbers = 0;
  for (const FileTensor& tensor : file.tensors)
    numbers += static_cast<Index>(std::min<std::uint64_t>(tensor.elements(), tensor.bytes.size()));
  constexpr Index kSlack = 1 << 20;
  if (network.layout().parameters() / 16 > numbers + kSlack)
    fail(path.string(), ": holds ", numbers, " numbers, but its network has ", network.layout().parameters(),
         " parameters");
}

/// The input's shape from the first layer with weights: (O,I) gives (I), as does layer_norm's (I). Those of a
/// convolution do not tell the size of the images.
Shape shape_from_weights(const std::filesystem::path& path, const TensorFile& file) {
  const FileTensor* first = nullptr;
  Index first_layer = std::numeric_limits<Index>::max();
  for (const FileTensor& tensor : file.tensors) {
    const std::optional<Index> layer = layer_number(tensor.name);
    if (!layer || *layer >= first_layer || !tensor.name.ends_with("weight")) continue;
    first = &tensor;
    first_layer = *layer;
  }
  if (!first)
    fail(path.string(),
         ": no tensor is named as torch.nn.Sequential names weights (\"0.weight\"), so the input's "
         "shape is unknown");
  if (first->shape.size() == 4)
    fail(path.string(), ": the weights \"", printable(first->name),
         "\" of a convolution do not tell the size of its images: "
         "give --input-shape ",
         first->shape[1], ",H,W");
  constexpr std::uint64_t kMaxFeatures = std::uint64_t{1} << 31;
  if (first->shape.empty() || first->shape.size() > 2 || first->shape.back() == 0 ||
      first->shape.back() > kMaxFeatures)
    fail(path.string(), ": the shape of \"", printable(first->name),
         "\" is not that of a dense layer's weights");
  return {static_cast<Index>(first->shape.back())};
}

/// The network that the file names. Throws: Error that names the file.
Network network_of_file(const std::filesystem::path& path, const Model& model, const Shape& shape) {
  try {
    return Network(model.network, shape);
  } catch (const Error& error) {
    fail(path.string(), ": its network \"", printable(model.network), "\": ", error.what());
  }
}

Network parsed_network(const std::filesystem::path& path, const Model& model, const NetworkHints& hints) {
  if (model.network.empty() && hints.network.empty())
    fail(path.string(), ": the file does not describe its network: give --network, for example ",
         "\"dense 64, relu, dense 2\"");
  Shape shape = model.input_shape;
  if (shape.rank() == 0) shape = hints.input_shape;
  if (shape.rank() == 0) shape = shape_from_weights(path, model.parameters);
  if (hints.network.empty()) return network_of_file(path, model, shape);
  Network network(hints.network, shape);  // the user typed it: an error does not name the file
  if (!model.network.empty()) {
    const Network of_file = network_of_file(path, model, shape);
    if (of_file.text() != network.text())
      fail("--network is \"", printable(network.text()), "\", but ", path.string(), " is a model of \"",
           printable(of_file.text()), "\": leave --network out");
  }
  return network;
}

Network make_network(const std::filesystem::path& path, const Model& model, const NetworkHints& hints) {
  Network network = parsed_network(path, model, hints);
  require_plausible(path, network, model.parameters);
  return network;
}

}  // namespace

struct TrainedNetwork::Engine {
  Engine(const std::filesystem::path& path, const Model& model, const NetworkHints& hints)
      : network(make_network(path, model, hints)),
        parameters(backend, network.layout()),
        workspace(backend, network, rows_of_a_pass(network), false) {
    if (network.output_shape().rank() != 1)
      fail(path.string(), ": the network gives ", network.output_shape(),
           " numbers an observation, not one Q-value an action");
    load_parameters(model.parameters, path, backend, parameters);
    if (model.observation_mean.empty()) return;
    // As the statistics of one observation: mean and variance are then the file's, bit for bit.
    normalizer.emplace(static_cast<Index>(model.observation_mean.size()));
    normalizer->set_state({1, model.observation_mean, model.observation_variance});
    if (normalizer->features() != network.input_shape().elements())
      fail(path.string(), ": observations of ", normalizer->features(),
           " numbers were normalised in training, but the network takes ", network.input_shape());
  }

  /// REQUIRES: n is at most workspace.max_batch().
  void forward(std::span<float> q, std::span<const float> observations, Index n) {
    const Tensor input = workspace.activation(0, n);
    std::span<const float> x = observations;
    if (normalizer) {
      normalized.resize(observations.size());
      normalizer->apply(normalized, observations);
      x = normalized;
    }
    backend.upload(input.data(), x.data(), x.size_bytes());
    const ConstTensor output = network.forward(backend, workspace, parameters, n);
    backend.download(q.data(), output.data(), q.size_bytes());
  }

  CpuBackend backend;
  Network network;
  Arena parameters;
  Workspace workspace;
  std::optional<RunningNormalizer> normalizer;
  std::vector<float> normalized;
};

TrainedNetwork::TrainedNetwork(const std::filesystem::path& checkpoint, Model model,
                               const NetworkHints& hints)
    : checkpoint_(checkpoint), model_(std::move(model)) {
  try {
    Weights weights = foreign_weights(std::move(model_.parameters), hints.prefix);
    model_.parameters = std::move(weights.file);
    for (const std::string& note : weights.notes) notes_ += checkpoint.string() + ": " + note + '\n';
  } catch (const Error& error) {
    fail(checkpoint.string(), ": ", error.what());
  }
  engine_ = std::make_unique<Engine>(checkpoint, model_, hints);
}

TrainedNetwork::~TrainedNetwork() = default;

const Network& TrainedNetwork::network() const { return engine_->network; }
Index TrainedNetwork::num_actions() const { return engine_->network.output_shape().elements(); }

std::span<const float> TrainedNetwork::parameters() const {
  const ConstTensor flat = engine_->parameters.flat();
  return {flat.data(), static_cast<std::size_t>(flat.shape().elements())};
}

void TrainedNetwork::q_values(std::span<float> q, std::span<const float> observations, Index n) {
  const Index width = network().input_shape().elements();
  const Index actions = num_actions();
  BELLMAN_CHECK(static_cast<Index>(observations.size()) == n * width);
  BELLMAN_CHECK(static_cast<Index>(q.size()) == n * actions);
  const Index most = engine_->workspace.max_batch();
  for (Index done = 0; done < n; done += most) {
    const Index rows = std::min(most, n - done);
    engine_->forward(
        q.subspan(static_cast<std::size_t>(done * actions), static_cast<std::size_t>(rows * actions)),
        observations.subspan(static_cast<std::size_t>(done * width), static_cast<std::size_t>(rows * width)),
        rows);
  }
  const auto bad = std::find_if(q.begin(), q.end(), [](float value) { return !std::isfinite(value); });
  if (bad != q.end())
    fail(checkpoint_.string(), ": a Q-value of row ", (bad - q.begin()) / actions, " is ", *bad,
         ": that observation is too large for this network");
}

void TrainedNetwork::require_fit(const EnvSpec& spec) const {
  if (network().input_shape() == spec.observation_shape && num_actions() == spec.num_actions) return;
  fail(checkpoint_.string(), ": its network takes observations ", network().input_shape(), " and gives ",
       num_actions(), " Q-values, but ", spec.id, " has observations ", spec.observation_shape, " and ",
       spec.num_actions, " actions");
}

}  // namespace bellman
