#include "apps/commands/trained_network.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "apps/commands/foreign_weights.h"
#include "core/base/check.h"
#include "core/base/text.h"
#include "core/cpu/cpu_backend.h"
#include "core/io/weights.h"
#include "rl/replay/running_normalizer.h"

namespace bellman {
namespace {

/// Rows of one forward pass: many for small networks, few for large ones, whose activations take memory.
Index rows_of_a_pass(const Network& network) {
  constexpr Index kMostRows = 1024, kMostNumbers = 1 << 22;
  Index widest = network.input_shape().elements();
  for (std::size_t i = 0; i < network.layers(); ++i)
    widest = std::max(widest, network.layer(i).output_shape().elements());
  return std::clamp<Index>(kMostNumbers / widest, 1, kMostRows);
}

/// A network far larger than its file is not even built: what a file says must not cost the memory of a file
/// it is not. Smaller differences are for load_parameters(), which names the tensor.
void require_plausible(const std::filesystem::path& path, const Network& network, const TensorFile& file) {
  Index numbers = 0;
  for (const FileTensor& tensor : file.tensors)
    numbers += static_cast<Index>(std::min<std::uint64_t>(tensor.elements(), tensor.bytes.size()));
  constexpr Index kSlack = 1 << 20;
  if (network.layout().parameters() / 16 > numbers + kSlack)
    fail(path.string(), ": holds ", numbers, " numbers, but its network has ", network.layout().parameters(),
         " parameters");
}

/// The input's shape as the first layer with weights shows it: (O,I) says (I), layer_norm's (I) too; that of
/// a convolution does not say how large the images are.
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

/// What the file says its network is. Throws: Error that names the file.
Network network_of_file(const std::filesystem::path& path, const Model& model, const Shape& shape) {
  try {
    return Network(model.network, shape);
  } catch (const Error& error) {
    fail(path.string(), ": its network \"", printable(model.network), "\": ", error.what());
  }
}

Network parsed_network(const std::filesystem::path& path, const Model& model, const NetworkHints& hints) {
  if (model.network.empty() && hints.network.empty())
    fail(path.string(), ": the file does not say what its network is: give --network, for example ",
         "\"dense 64, relu, dense 2\"");
  Shape shape = model.input_shape;
  if (shape.rank() == 0) shape = hints.input_shape;
  if (shape.rank() == 0) shape = shape_from_weights(path, model.parameters);
  if (hints.network.empty()) return network_of_file(path, model, shape);
  Network network(hints.network, shape);  // what is wrong with it was typed, not read
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
    // One observation, seen once, whose variance is the file's: the statistics come out bit for bit.
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
         ": that observation is beyond what this network can take in");
}

void TrainedNetwork::require_fit(const EnvSpec& spec) const {
  if (network().input_shape() == spec.observation_shape && num_actions() == spec.num_actions) return;
  fail(checkpoint_.string(), ": its network takes observations ", network().input_shape(), " and gives ",
       num_actions(), " Q-values, but ", spec.id, " has observations ", spec.observation_shape, " and ",
       spec.num_actions, " actions");
}

int greedy_action(std::span<const float> q) {
  return static_cast<int>(std::max_element(q.begin(), q.end()) - q.begin());
}

}  // namespace bellman
