#include "apps/run/device.h"

#include "core/base/check.h"
#include "core/base/text.h"
#include "core/cpu/cpu_backend.h"
#include "core/reference/reference_backend.h"
#include "cuda/backend/make_cuda_backend.h"
#include "rl/ranks/device_link.h"

namespace bellman {
namespace {

Device of(std::unique_ptr<DeviceBackend> backend) {
  const TrainerParts parts = {.replay_ops = &backend->replay_ops(),
                              .fused_dqn_ops = backend->fused_dqn_ops(),
                              .rank_ops = &backend->rank_ops()};
  AgentKernelOps* const agents = backend->agent_kernel_ops();
  std::string description = backend->description();
  return {std::move(backend), parts, std::move(description), agents};
}

Device processor(int threads, std::string description = "") {
  return {std::make_unique<CpuBackend>(threads), {}, std::move(description)};
}

Device gpu() {
  try {
    return of(make_cuda_backend());
  } catch (const Error& error) {
    fail("--device cuda: ", error.what());
  }
}

Device gpu_or_cpu(int threads) {
  try {
    return of(make_cuda_backend());
  } catch (const Error& error) {
    return processor(threads, std::string("the CPU, as there is no GPU to use: ") + error.what());
  }
}

}  // namespace

Device make_device(const std::string& name, int threads) {
  if (name == "cpu") return processor(threads);
  if (name == "cuda") return gpu();
  if (name == "auto") return gpu_or_cpu(threads);
  if (name == "simt") return of(make_simt_backend());
  if (name == "reference") return {std::make_unique<ReferenceBackend<float>>(), {}, "the plain loops"};
  fail("--device: unknown device \"", printable(name), "\" (known: cpu, cuda, auto, simt, reference)");
}

void join_ranks(Device& device, Ranks& ranks) {
  device.parts.ranks = &ranks;
  if (!device.parts.rank_ops) return;
  DeviceLink link = link_devices(*device.parts.rank_ops, ranks);
  device.description += link.exchange
                            ? "; gradients go from device to device by " + link.exchange->description()
                            : "; gradients go through host memory: " + link.reason;
  device.exchange = std::move(link.exchange);
  device.parts.exchange = device.exchange.get();
}

SettledDevice settled_device(const std::string& name) {
  if (name != "auto") return {name, ""};
  static const SettledDevice found = [] {  // a GPU takes long to open
    const Device device = make_device("auto", 1);
    return SettledDevice{device.backend->name(), device.description};
  }();
  return found;
}

}  // namespace bellman
