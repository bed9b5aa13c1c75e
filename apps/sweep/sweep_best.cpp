#include "apps/sweep/sweep_best.h"

#include <utility>

namespace bellman {
namespace {

const std::string& env_id_of(const SweepPlan& plan, std::size_t run) {
  return plan.variants[plan.variant_of(run)].resolved.config.env.id;
}

}  // namespace

std::map<std::string, std::size_t> best_runs(const SweepPlan& plan, const std::vector<RunRecord>& runs) {
  std::map<std::string, std::size_t> best;
  for (std::size_t run = 0; run < runs.size(); ++run) {
    if (runs[run].state != RunState::kFinished) continue;
    const auto [place, is_first] = best.try_emplace(env_id_of(plan, run), run);
    if (!is_first && runs[run].result.eval.mean > runs[place->second].result.eval.mean) place->second = run;
  }
  return best;
}

std::filesystem::path best_model_path(const std::filesystem::path& directory, const std::string& env_id) {
  return directory / ("best-" + env_id + ".safetensors");
}

SweepBest::SweepBest(std::filesystem::path directory, const SweepPlan& plan,
                     const std::vector<RunRecord>& runs)
    : directory_(std::move(directory)), plan_(plan) {
  for (const auto& [env_id, run] : best_runs(plan, runs)) best_[env_id] = {run, runs[run].result.eval.mean};
}

void SweepBest::offer(std::size_t run, const RunRecord& record, const Model& model) {
  const std::string& env_id = env_id_of(plan_, run);
  const Place place = {run, record.result.eval.mean};
  const std::lock_guard lock(mutex_);
  if (!is_better(place, env_id)) return;
  save_model(best_model_path(directory_, env_id), model);
  best_[env_id] = place;
}

bool SweepBest::is_better(const Place& place, const std::string& env_id) const {
  const auto best = best_.find(env_id);
  if (best == best_.end() || place.mean > best->second.mean) return true;
  return place.mean == best->second.mean && place.run < best->second.run;
}

}  // namespace bellman
