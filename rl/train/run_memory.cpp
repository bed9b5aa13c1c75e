#include "rl/train/run_memory.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <string_view>
#include <variant>

#include "core/base/check.h"
#include "core/cpu/cpu_backend.h"
#include "rl/learn/make_learner.h"
#include "rl/replay/observation_store.h"
#include "rl/state/rank_share.h"
#include "rl/train/from_config.h"

namespace bellman {
namespace {

constexpr Index kFloat = sizeof(float), kDouble = sizeof(double), kMiB = Index{1} << 20;

/// a b c ..., and sums of them, without overflow.
Index product(std::initializer_list<Index> factors) {
  Index result = 1;
  for (const Index factor : factors) result = checked_product(result, factor, "a run's memory");
  return result;
}
Index sum(std::initializer_list<Index> terms) {
  Index result = 0;
  for (const Index term : terms) {
    if (term > std::numeric_limits<Index>::max() - result)
      fail("a run's memory is beyond what can be counted");
    result += term;
  }
  return result;
}

/// The bytes of a slot.
struct SlotBytes {
  Index observation = 0, step = 0, sampler = 0;
};

SlotBytes slot_bytes(const TrainConfig& config, const EnvSpec& spec) {
  SlotBytes bytes;
  bytes.observation = product(
      {spec.observation_shape.elements() / config.env.frame_stack, spec.byte_observations ? 1 : kFloat});
  bytes.step = 1 + sizeof(std::int32_t) + kFloat;  // kind, action, reward (ReplayRing)
  if (config.replay)
    bytes.sampler = config.prioritized ? (8 * kDouble + 6) / 7             // SumTree: 8/7 of the weights
                                       : 2 * Index{sizeof(std::int32_t)};  // UniformSampler
  return bytes;
}

/// Of DeviceReplay in the memory of a backend that is on the host after all (the executor).
Index device_slot_bytes(const TrainConfig& config, Index slots) {
  constexpr Index kTransition = 5 * kFloat;
  if (!config.prioritized) return kTransition;
  const Index nodes = 2 * static_cast<Index>(std::bit_ceil(static_cast<std::size_t>(slots)));
  return kTransition + product({nodes, kDouble}) / slots;
}

Index moments_of(const OptimizerOptions& options) {
  if (const auto* rmsprop = std::get_if<RmsPropOptions>(&options))
    return 1 + (rmsprop->centered ? 1 : 0) + (rmsprop->momentum != 0 ? 1 : 0);
  if (const auto* sgd = std::get_if<SgdOptions>(&options)) return sgd->momentum != 0 ? 1 : 0;
  return 2;  // Adam
}

/// Elements of a sample in a workspace: its activations, and what layers store beside them.
Index activations_of(const Network& network) {
  Index elements = network.input_shape().elements();
  for (std::size_t i = 0; i < network.layers(); ++i) {
    const auto& layer = network.layer(i);
    for (const InnerTensor& inner : layer.activations()) elements += inner.shape.elements();
    if (!layer.is_reshape()) elements += layer.output_shape().elements();
  }
  return elements;
}

Index scratch_of(const Network& network, const Backend& backend, Index batch) {
  Index most = 0;
  for (std::size_t i = 0; i < network.layers(); ++i)
    most = std::max(most, network.layer(i).scratch_elements(backend, batch));
  return most;
}

/// Of a learner op by op: DqnUpdate's three workspaces and the observations on their way there.
Index op_by_op_passes(const LearnerOptions& options, const Network& network, const Backend& backend) {
  const Index sample = activations_of(network), batch = options.max_batch, acting = options.max_acting_batch;
  const Index inputs = network.input_shape().elements();
  return sum({product({kFloat, sample, 3, batch}), product({kFloat, sample, acting}),
              product({kFloat, inputs, std::max(batch, acting)}),
              product({kFloat, 2, scratch_of(network, backend, batch)}),
              product({kFloat, scratch_of(network, backend, acting)})});
}

/// Of the fused one (core/cpu/fused/mlp.h): values, gradients and the values turned, in panels of 32 samples.
Index fused_passes(const LearnerOptions& options, const Network& network) {
  constexpr Index kPanel = 32;
  const Index sample = activations_of(network), inputs = network.input_shape().elements();
  const Index panels = (options.max_batch + kPanel - 1) / kPanel;
  const bool is_staged =
      options.normalizer || options.observation_type == ObservationType::kUint8 || options.frame_stack > 1;
  return sum({product({kFloat, sample, 3, panels, kPanel}),
              is_staged ? product({kFloat, inputs, 2, options.max_batch}) : 0,
              options.normalizer ? product({kFloat, inputs, options.max_acting_batch}) : 0});
}

/// Of Recorder: networks and moments of its own, a pass op by op in host memory; in a row copies of networks, moments
/// and the batch. With Diagnostics::kFull also a pass, and the products of the features with the features (doubles).
Index recorder_bytes(LearnerOptions options, const Network& network, const Backend& backend,
                     Diagnostics diagnostics) {
  options.max_acting_batch = 1;
  const Index parameters = product({kFloat, network.layout().size()});
  const Index passes = backend.is_on_host() ? op_by_op_passes(options, network, backend)
                                            : op_by_op_passes(options, network, CpuBackend(1));
  Index full = 0;
  if (diagnostics == Diagnostics::kFull) {
    const std::size_t last = network.layers() - 1;
    const Shape& features = last > 0 ? network.layer(last - 1).output_shape() : network.input_shape();
    const Index side = std::min(features.elements(), options.max_batch);
    full =
        sum({product({kFloat, activations_of(network), options.max_batch}),
             product({kDouble, features.elements(), options.max_batch}), product({kDouble, 2, side, side})});
  }
  return sum({product({parameters, 2 * (3 + moments_of(options.optimizer))}), passes, full,
              product({kFloat, 2, network.input_shape().elements(), options.max_batch})});
}

/// An environment and its statistics, without its observation.
constexpr Index kEnvBytes = 640;

}  // namespace

Index evaluation_memory(const EnvSpec& spec, Index episodes) {
  const Index shown = spec.frame_stack > 1 ? 2 : 1;  // a stack lies beside the environment, too
  const Index row = product({kFloat, sum({shown * spec.observation_shape.elements(), spec.num_actions})});
  return product({episodes, sum({row, kEnvBytes})});
}

RunMemory run_memory(const TrainConfig& config, const EnvSpec& spec, const Network& network,
                     const Backend& backend, bool device_replay, bool records, int ranks) {
  const Index slots = replay_slots(config);
  LearnerOptions options = learner_options(config, nullptr);
  options.max_batch = ranks > 1 ? ranked_batch(config, ranks) : options.max_batch;
  if (spec.byte_observations) options.observation_type = ObservationType::kUint8;
  const bool on_device = !backend.is_on_host();
  const bool counts_device = !on_device || std::string_view(backend.name()) == "simt";  // the host's, too
  const SlotBytes slot = slot_bytes(config, spec);
  const Index parameters = product({kFloat, network.layout().size()});
  const Index moments = moments_of(options.optimizer);

  RunMemory memory;
  Index host = slot.step + (device_replay && config.prioritized ? 0 : slot.sampler);
  if (device_replay && counts_device) host += device_slot_bytes(config, slots);
  const Index envs = share_of(config.num_envs, 0, ranks).count;  // whose observations are here
  const Index kept = sum({slots / config.num_envs * envs, landing_rows(config, ranks)});
  memory.replay = product({slots, host});
  if (!device_replay || counts_device)
    memory.replay = sum({memory.replay, product({kept, slot.observation})});

  // On the host at least the kept ones and, at the end, the model's copy and the file's.
  memory.networks = product({parameters, counts_device ? 3 + moments + 3 : 4});
  const bool fused = !device_replay && config.learner != LearnerKind::kOpByOp &&
                     fused_unsupported_reason(backend, network, options).empty();
  if (counts_device)
    memory.passes = fused ? fused_passes(options, network) : op_by_op_passes(options, network, backend);

  const Index shown = config.env.frame_stack > 1 ? 3 : 1;  // a stack lies beside the environment, too
  memory.environments =
      product({envs, sum({kEnvBytes, product({kFloat, shown, spec.observation_shape.elements()})})});
  const Index during = config.eval_frequency > 0 ? most_eval_episodes(config) : 0;
  memory.evaluation =
      sum({evaluation_memory(spec, during), evaluation_memory(spec, config.final_eval_episodes)});
  if (records) memory.records = recorder_bytes(options, network, backend, config.diagnostics);
  memory.checkpoint = 2 * kMiB;
  memory.checkpoint_copy =
      sum({product({slots, sum({slot.step, slot.sampler})}), product({kept, slot.observation}),
           product({parameters, 2 + moments + (config.eval_frequency > 0 ? 1 : 0)})});
  return memory;
}

namespace {

struct Part {
  const char* name;
  Index bytes;
  const char* setting;
};

/// The largest first.
std::array<Part, 7> parts_of(const RunMemory& memory) {
  std::array<Part, 7> parts = {{{"replay", memory.replay, "buffer_size"},
                                {"networks", memory.networks, "network"},
                                {"passes", memory.passes, "batch_size, network or final_eval_episodes"},
                                {"environments", memory.environments, "num_envs"},
                                {"evaluation", memory.evaluation, "final_eval_episodes or eval_episodes"},
                                {"records", memory.records, "network or batch_size"},
                                {"checkpoint", memory.checkpoint, "network"}}};
  std::stable_sort(parts.begin(), parts.end(),
                   [](const Part& a, const Part& b) { return a.bytes > b.bytes; });
  return parts;
}

Index mebibytes(Index bytes) { return bytes / kMiB + (bytes % kMiB > 0 ? 1 : 0); }

}  // namespace

std::string description(const RunMemory& memory) {
  std::string text = "about " + std::to_string(mebibytes(memory.total())) + " MiB";
  const char* before = ": ";
  Index rest = mebibytes(memory.total());
  for (const Part& part : parts_of(memory)) {
    if (part.bytes < kMiB) continue;
    text += before + std::string(part.name) + " " + std::to_string(mebibytes(part.bytes));
    rest -= mebibytes(part.bytes);
    before = ", ";
  }
  if (*before == ',' && rest > 0) text += ", the rest " + std::to_string(rest);
  return text;
}

void check_run_memory(const RunMemory& memory, const std::optional<AvailableMemory>& available, Index beside,
                      const char* what) {
  if (!available || (memory.total() <= available->bytes && beside <= available->bytes - memory.total()))
    return;
  const Part largest = parts_of(memory).front();
  const std::string more =
      beside > 0 ? " and " + std::to_string(mebibytes(beside)) + " MiB for " + what : std::string();
  fail("the run needs ", description(memory), more, "; ", available->limit, " leaves ",
       available->bytes / kMiB, " MiB: a smaller ", largest.setting, " needs less");
}

}  // namespace bellman
