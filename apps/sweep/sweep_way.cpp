#include "apps/sweep/sweep_way.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "apps/base/parse_number.h"
#include "apps/run/progress_bar.h"
#include "apps/sweep/sweep_population.h"
#include "apps/sweep/sweep_runner.h"
#include "core/base/check.h"
#include "core/base/memory.h"
#include "rl/train/trainer.h"

namespace bellman {
namespace {

/// What a run of a combination takes of the memory. Throws: Error, naming the combination, for one whose runs
/// could not begin.
Index checked_bytes(const SweepPlan& plan, std::size_t variant) {
  try {
    TrainConfig config = plan.config_of(variant * plan.seeds.size());
    config.threads = 1;
    const Device device = make_device(config.device, config.threads);
    return Trainer(config, *device.backend, device.parts).memory().total();
  } catch (const Error& error) {
    if (plan.variants.size() == 1) throw;
    fail(plan.variants[variant].label, ": ", error.what());
  }
}

/// As many as there are processors, or as were asked for; fewer when the memory holds fewer.
/// Throws: Error with the numbers when it holds none.
SweepWay plan_jobs(const SweepPlan& plan, const std::string& jobs) {
  constexpr Index kMostJobs = 1024;
  const Index processors = std::max<Index>(1, std::thread::hardware_concurrency());
  Index count = jobs == "auto" ? processors : parse_integer("--jobs", jobs, 1, kMostJobs);
  Index bytes = 0;
  bool on_cpu = true;
  for (const SweepVariant& variant : plan.variants)
    on_cpu = on_cpu && variant.resolved.config.device == "cpu";
  if (!on_cpu && jobs != "auto" && count > 1)
    fail("--jobs ", count, ": only on --device cpu do runs train side by side");
  for (std::size_t v = 0; v < plan.variants.size(); ++v) bytes = std::max(bytes, checked_bytes(plan, v));
  count = std::min(on_cpu ? count : 1, static_cast<Index>(plan.runs()));
  std::string text = counted(plan.runs(), "agent") + " of about " + mebibytes(bytes) + " each, ";
  if (const auto available = available_memory()) {
    count = std::clamp<Index>(available->bytes / std::max<Index>(1, bytes), 1, count);
    text += mebibytes(available->bytes) + " free: ";
  }
  text += std::to_string(count) + " at a time";
  return {static_cast<int>(count), {}, text};
}

/// The one device of all runs, when it is none whose memory is the host's.
std::optional<Device> device_of(const SweepPlan& plan) {
  const std::string& name = plan.variants.front().resolved.config.device;
  for (const SweepVariant& variant : plan.variants)
    if (variant.resolved.config.device != name) return std::nullopt;
  Device device = make_device(name, 1);
  if (!device.agent_kernel_ops) return std::nullopt;
  return device;
}

}  // namespace

SweepWay plan_sweep_way(const SweepPlan& plan, const std::string& jobs) {
  std::optional<Device> device = device_of(plan);
  if (!device) return plan_jobs(plan, jobs);
  const std::string unsupported = unsupported_reason(plan, *device);
  if (!unsupported.empty()) {
    SweepWay way = plan_jobs(plan, jobs);
    way.text += " (not as a population: " + unsupported + ")";
    return way;
  }
  const Index most =
      jobs == "auto" ? Population::kMostPlaces : parse_integer("--jobs", jobs, 1, Population::kMostPlaces);
  std::string text = population_plan_text(plan, *device, most);
  return {static_cast<int>(most), std::move(device), std::move(text)};
}

}  // namespace bellman
