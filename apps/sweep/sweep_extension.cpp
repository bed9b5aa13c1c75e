// More seeds and settings for a sweep that exists.
#include <algorithm>
#include <set>
#include <span>
#include <utility>

#include "apps/run/device.h"
#include "apps/settings/presets.h"
#include "apps/sweep/sweep_plan.h"
#include "core/base/check.h"
#include "core/base/text.h"

namespace bellman {
namespace {

using GridValues = std::vector<std::string>;

void add_new(GridValues& values, const std::string& value) {
  if (std::find(values.begin(), values.end(), value) == values.end()) values.push_back(value);
}

GridValues values_of(const SweepPlan& plan, const Setting& setting) {
  GridValues values;
  for (const SweepVariant& variant : plan.variants)
    add_new(values, value_text(variant.resolved.config, setting));
  return values;
}

std::string label_of(const Setting& setting) { return "--grid " + file_key(setting); }

/// The assignments of the presets that apply to a configuration.
std::vector<std::pair<const Setting*, std::string>> preset_values(const TrainConfig& config) {
  std::vector<std::pair<const Setting*, std::string>> values;
  for (const Assignment& a : preset_assignments("auto", config)) values.emplace_back(a.setting, a.text);
  return values;
}

/// Throws: Error for a value that changes the preset: a new sweep with this value would have other settings.
ResolvedConfig with_new_value(const ResolvedConfig& resolved, const Assignment& assignment) {
  ResolvedConfig result = with_assignments(resolved, std::span(&assignment, 1));
  if (preset_values(result.config) != preset_values(resolved.config))
    fail(assignment.label, ": ", printable(assignment.text),
         " has another preset than the sweep: start a new sweep for it");
  return result;
}

/// The grid's axes with their old and new values.
std::vector<GridAxis> axes_of(const SweepPlan& plan, const std::vector<std::string>& grid) {
  std::vector<GridAxis> axes;
  for (const Setting* setting : plan.grid) axes.push_back({setting, values_of(plan, *setting)});
  std::set<const Setting*> given;
  for (const std::string& text : grid) {
    const GridAxis more = parse_axis(text);
    if (!given.insert(more.setting).second) fail(label_of(*more.setting), ": it is given twice");
    auto axis =
        std::find_if(axes.begin(), axes.end(), [&](const GridAxis& a) { return a.setting == more.setting; });
    if (axis == axes.end()) {
      axis = axes.insert(axes.end(), {more.setting, values_of(plan, *more.setting)});
      if (axis->values.size() > 1)
        fail(label_of(*more.setting),
             ": the sweep's settings already differ in it, although it is not in the grid");
    }
    for (const std::string& value : more.values) {
      TrainConfig config = plan.variants.front().resolved.config;
      assign(config, *more.setting, label_of(*more.setting), value);
      config.device = settled_device(config.device).name;
      add_new(axis->values, value_text(config, *more.setting));
    }
  }
  return axes;
}

/// The number of values that the variant has.
std::size_t agreement(const SweepVariant& variant, const std::vector<GridAxis>& axes,
                      const GridValues& values) {
  std::size_t count = 0;
  for (std::size_t a = 0; a < axes.size(); ++a)
    count += value_text(variant.resolved.config, *axes[a].setting) == values[a];
  return count;
}

/// Derived from the variant that has most of the values.
SweepVariant new_variant(const SweepPlan& plan, const std::vector<GridAxis>& axes, const GridValues& values) {
  const SweepVariant& nearest = *std::max_element(
      plan.variants.begin(), plan.variants.end(), [&](const SweepVariant& a, const SweepVariant& b) {
        return agreement(a, axes, values) < agreement(b, axes, values);
      });
  ResolvedConfig resolved = nearest.resolved;
  std::vector<const Setting*> grid;
  std::vector<Assignment> assigned;
  for (std::size_t a = 0; a < axes.size(); ++a) {
    const Setting& setting = *axes[a].setting;
    grid.push_back(&setting);
    if (value_text(resolved.config, setting) == values[a]) continue;
    assigned.push_back({&setting, values[a], label_of(setting), "grid"});
    resolved = with_new_value(resolved, assigned.back());
  }
  resolved.misplaced = misplaced(resolved, assigned);
  validate(resolved);
  return sweep_variant(grid, std::move(resolved));
}

}  // namespace

SweepPlan extended(const SweepPlan& plan, const std::vector<std::string>& grid, const std::string& seeds) {
  const std::vector<GridAxis> axes = axes_of(plan, grid);
  if (!plan.is_whole() && (!grid.empty() || !seeds.empty()))
    fail("this is shard ", plan.shard.number, " of ", plan.shard.count,
         " of a sweep: --seeds and --grid add to a whole one, which --merge makes of its shards");
  SweepPlan result;
  result.shard = plan.shard;
  result.device_note = plan.device_note;
  result.seeds = plan.seeds;
  if (!seeds.empty())
    for (const std::uint64_t seed : parse_seeds(seeds))
      if (std::find(plan.seeds.begin(), plan.seeds.end(), seed) == plan.seeds.end())
        result.seeds.push_back(seed);
  for (const GridAxis& axis : axes) result.grid.push_back(axis.setting);
  std::set<GridValues> there;
  for (const SweepVariant& variant : plan.variants) {
    result.variants.push_back(sweep_variant(result.grid, variant.resolved));
    there.insert(result.variants.back().values);
  }
  const std::size_t count = count_of(axes);
  for (std::size_t i = 0; i < count; ++i) {
    const GridValues values = combination(axes, i);
    if (!there.contains(values)) result.variants.push_back(new_variant(plan, axes, values));
  }
  validate(result);
  read_maps(result.variants, plan.variants.size());
  return result;
}

}  // namespace bellman
