#include "apps/sweep/sweep_population.h"

#include <algorithm>
#include <chrono>
#include <span>

#include "apps/base/numbers.h"
#include "core/base/check.h"

namespace bellman {
namespace {

/// Seconds since its creation.
class Watch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// One population of a sweep.
class GroupRunner {
 public:
  GroupRunner(const SweepPlan& plan, const PopulationGroup& group, const Device& device, Index most,
              const SweepState& state, const SweepKeep& keep, std::vector<RunRecord>& records)
      : group_(group),
        population_(*device.agent_kernel_ops, configs_of(plan, group), most),
        state_(state),
        keep_(keep),
        records_(records),
        saved_(group.size()) {
    for (std::size_t i = 0; i < group.size(); ++i) restore(i);
    publish();
  }

  void run(const std::atomic<bool>& stop, const SweepWatch& watch) {
    while (!stop && population_.advance()) {
      publish();
      if (watch_.seconds() - watched_ >= kBetweenWatches) {
        watch(records_);
        watched_ = watch_.seconds();
      }
      if (watch_.seconds() >= next_save_) save_training();
    }
    if (stop) cut();
  }

 private:
  static constexpr double kBetweenWatches = 0.1, kBetweenSaves = 30;

  /// Restores a run from its file.
  void restore(std::size_t i) {
    const std::optional<Checkpoint> checkpoint = state_.find(group_[i]);
    if (!checkpoint) return;
    if (const auto record = state_.record_of(group_[i], *checkpoint)) {
      population_.leave_out(i, *record);
      saved_[i] = true;
    } else {
      population_.load(i, StateReader(checkpoint->state, state_.path(group_[i]).string()));
    }
  }

  /// Publishes the runs' present status; saves results as soon as they exist.
  void publish() {
    for (std::size_t i = 0; i < group_.size(); ++i) {
      const RunRecord& run = population_.runs()[i];
      records_[group_[i]] = run;
      if (!is_over(run) || saved_[i]) continue;
      if (run.state == RunState::kFinished) {
        const Model model = population_.kept_model(i);
        keep_(group_[i], run, &model);
      } else {
        keep_(group_[i], run, nullptr);
      }
      saved_[i] = true;
    }
  }

  /// Saves all running ones. The longer that takes, the later the next save.
  void save_training() {
    const double begin = watch_.seconds();
    for (std::size_t i = 0; i < group_.size(); ++i)
      if (population_.runs()[i].state == RunState::kRunning) state_.save_training(group_[i], population_, i);
    const double took = watch_.seconds() - begin;
    next_save_ = watch_.seconds() + std::max(kBetweenSaves, 20 * took);
  }

  void cut() {
    save_training();
    publish();
    for (const std::size_t run : group_)
      if (records_[run].state == RunState::kRunning) records_[run].state = RunState::kCut;
  }

  const PopulationGroup& group_;
  Population population_;
  const SweepState& state_;
  const SweepKeep& keep_;
  std::vector<RunRecord>& records_;
  std::vector<bool> saved_;
  Watch watch_;
  double watched_ = 0, next_save_ = kBetweenSaves;
};

}  // namespace

std::vector<PopulationGroup> population_groups(const SweepPlan& plan) {
  std::vector<PopulationGroup> groups;
  for (std::size_t run = 0; run < plan.runs(); ++run) {
    if (!plan.is_ours(run)) continue;
    const TrainConfig& config = plan.variants[plan.variant_of(run)].resolved.config;
    const auto found = std::find_if(groups.begin(), groups.end(), [&](const PopulationGroup& group) {
      return fit_one_population(config, plan.variants[plan.variant_of(group.front())].resolved.config);
    });
    if (found != groups.end())
      found->push_back(run);
    else
      groups.push_back({run});
  }
  return groups;
}

std::vector<TrainConfig> configs_of(const SweepPlan& plan, const PopulationGroup& group) {
  std::vector<TrainConfig> configs;
  for (const std::size_t run : group) configs.push_back(plan.config_of(run));
  return configs;
}

std::string unsupported_reason(const SweepPlan& plan, const Device& device) {
  if (!device.agent_kernel_ops) return "the device has no agent kernel";
  for (const SweepVariant& variant : plan.variants) {
    if (variant.resolved.config.learner == LearnerKind::kOpByOp) return "learner is op_by_op";
    const std::string unsupported =
        Population::unsupported_reason(*device.agent_kernel_ops, variant.resolved.config);
    if (!unsupported.empty()) return unsupported;
  }
  return "";
}

std::string population_plan_text(const SweepPlan& plan, const Device& device, Index most) {
  std::string text;
  for (const PopulationGroup& group : population_groups(plan)) {
    const PopulationPlan need = Population::plan(*device.agent_kernel_ops, configs_of(plan, group), most);
    if (need.places == 0)
      fail("an agent needs ", mebibytes(need.bytes), " of the device's memory; ", mebibytes(need.free),
           " are free: a smaller --buffer-size needs less");
    text += (text.empty() ? "" : "; ") + counted(static_cast<std::size_t>(need.runs), "agent") + " of " +
            mebibytes(need.bytes) + " each, " + mebibytes(need.free) + " free: " +
            (need.places == need.runs ? "all at once" : with_separators(need.places) + " at a time");
  }
  return text;
}

std::vector<RunRecord> run_populations(const SweepPlan& plan, const Device& device, Index most,
                                       const SweepState& state, const SweepKeep& keep,
                                       const std::atomic<bool>& stop, const SweepWatch& watch) {
  std::vector<RunRecord> records(plan.runs());
  for (const PopulationGroup& group : population_groups(plan)) {
    if (stop) break;
    GroupRunner(plan, group, device, most, state, keep, records).run(stop, watch);
    watch(records);
  }
  return records;
}

}  // namespace bellman
