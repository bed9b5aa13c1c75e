#include "apps/sweep/sweep_plan.h"

#include <algorithm>
#include <set>

#include "apps/base/numbers.h"
#include "apps/run/device.h"
#include "core/base/check.h"
#include "core/base/text.h"

namespace bellman {
namespace {

constexpr std::size_t kMostRuns = 100'000, kMostVariants = 1'000;

constexpr std::string_view kNoCheckpoints =
    "runs of a sweep write no checkpoints; --resume continues from the files that the sweep keeps";

constexpr std::string_view kOneThread =
    "each run of a sweep has one thread; --jobs sets how many train at once";

/// Whether a value of the setting may contain commas: a list of layers, a file's name.
bool may_contain_commas(const Setting& setting) { return setting.key == "network" || setting.key == "map"; }

/// Commas separate values, or semicolons where there is one; one at the end ends a single value.
/// Throws: Error where a comma may belong to a value.
std::vector<std::string> split_values(const Setting& setting, std::string_view text) {
  const bool has_semicolon = text.find(';') != std::string_view::npos;
  if (!has_semicolon && may_contain_commas(setting) && text.find(',') != std::string_view::npos)
    fail("--grid ", file_key(setting), ": \"", printable(text),
         "\": a comma may be part of a value here. Separate values by semicolons, '", file_key(setting),
         "=A; B', or end a single value with one, '", file_key(setting), "=A;'");
  std::vector<std::string> values = split_list(text, has_semicolon ? ';' : ',');
  if (has_semicolon && values.back().empty()) values.pop_back();
  return values;
}

bool is_of_checkpoints(const Setting& setting) { return setting.section == "Checkpoints"; }

/// The grid's i-th combination on top of the options. Its `misplaced` has the flags and settings of the file
/// that do not apply to it. `device_note`: as SweepPlan's. Throws: Error for a value of the grid that does
/// not apply, and as bellman::validate.
SweepVariant variant_of(const SettingOptions& options, const std::vector<GridAxis>& axes, std::size_t i,
                        std::string& device_note) {
  const std::vector<std::string> values = combination(axes, i);
  std::vector<const Setting*> grid;
  std::vector<Assignment> assignments;
  for (std::size_t a = 0; a < axes.size(); ++a) {
    grid.push_back(axes[a].setting);
    assignments.push_back({axes[a].setting, values[a], "--grid " + file_key(*axes[a].setting), "grid"});
  }
  ResolvedConfig resolved = options.resolve(assignments);
  std::vector<Misplaced> of_others;
  std::erase_if(resolved.misplaced, [&](const Misplaced& found) {
    if (std::find(grid.begin(), grid.end(), found.setting) != grid.end()) return false;
    of_others.push_back(found);
    return true;
  });
  validate(resolved);
  resolved.misplaced = std::move(of_others);
  const SettledDevice device = settled_device(resolved.config.device);
  resolved.config.device = device.name;
  if (!device.description.empty()) device_note = device.description;
  return sweep_variant(grid, std::move(resolved));
}

/// Throws: Error for a flag or a setting of the file that applies to none of the combinations.
void require_use(const std::vector<SweepVariant>& variants) {
  for (const Misplaced& found : variants.front().resolved.misplaced) {
    const auto has_it = [&](const SweepVariant& variant) {
      return std::any_of(variant.resolved.misplaced.begin(), variant.resolved.misplaced.end(),
                         [&](const Misplaced& other) { return other.setting == found.setting; });
    };
    if (std::all_of(variants.begin(), variants.end(), has_it)) fail(found.why);
  }
}

}  // namespace

std::string brief_label(const SweepVariant& variant) {
  std::string label;
  for (const std::string& value : variant.values) label += (label.empty() ? "" : ", ") + value;
  return label.empty() ? variant.label : label;
}

SweepVariant sweep_variant(const std::vector<const Setting*>& grid, ResolvedConfig resolved) {
  SweepVariant variant;
  for (const Setting* setting : grid) {
    variant.values.push_back(value_text(resolved.config, *setting));
    variant.label += (variant.label.empty() ? "" : ", ") + file_key(*setting) + "=" + variant.values.back();
  }
  if (grid.empty()) variant.label = "all seeds";
  variant.command = train_command(resolved.config);
  variant.resolved = std::move(resolved);
  return variant;
}

void validate(const SweepPlan& plan) {
  if (plan.seeds.empty()) fail("--seeds: the list is empty");
  if (plan.variants.empty() || plan.variants.size() > kMostVariants)
    fail("--grid: ", plan.variants.size(), " combinations, must be from 1 to ", kMostVariants);
  if (plan.seeds.size() > kMostRuns / plan.variants.size())
    fail(plan.variants.size(), " settings with ", plan.seeds.size(), " seeds: more than ", kMostRuns,
         " runs");
  std::set<std::uint64_t> seeds;
  for (const std::uint64_t seed : plan.seeds)
    if (!seeds.insert(seed).second) fail("--seeds: ", seed, " is given twice");
  std::set<const Setting*> grid;
  for (const Setting* setting : plan.grid)
    if (!grid.insert(setting).second) fail("--grid ", file_key(*setting), ": it is given twice");
  std::set<std::vector<std::string>> combinations;
  for (const SweepVariant& variant : plan.variants)
    if (!combinations.insert(variant.values).second)
      fail("--grid: ", printable(variant.label), ": this combination is given twice");
}

void read_maps(std::vector<SweepVariant>& variants, std::size_t first) {
  for (auto variant = variants.begin() + static_cast<std::ptrdiff_t>(first); variant != variants.end();
       ++variant) {
    EnvOptions& env = variant->resolved.config.env;
    const auto earlier = std::find_if(variants.begin(), variant, [&](const SweepVariant& other) {
      const EnvOptions& read = other.resolved.config.env;
      return read.id == env.id && read.map.name == env.map.name;
    });
    if (earlier != variant && env.map.text.empty())
      env.map = earlier->resolved.config.env.map;
    else
      read_map(variant->resolved);
  }
}

std::vector<std::string> changed_maps(const SweepPlan& plan) {
  std::set<std::string> names;
  std::vector<std::string> changed;
  for (const SweepVariant& variant : plan.variants) {
    const EnvOptions& env = variant.resolved.config.env;
    if (!names.insert(env.map.name).second) continue;
    const std::string difference = map_file_now(env).difference;
    if (!difference.empty()) changed.push_back("map " + printable(env.map.name) + ": " + difference);
  }
  return changed;
}

GridAxis parse_axis(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos) fail("--grid: \"", printable(text), "\" is no KEY=VALUE,VALUE,...");
  const Setting& setting = grid_setting(text.substr(0, equals));
  return {&setting, split_values(setting, std::string_view(text).substr(equals + 1))};
}

std::size_t count_of(const std::vector<GridAxis>& axes) {
  std::size_t count = 1;
  for (const GridAxis& axis : axes) {
    count *= axis.values.size();
    if (count > kMostVariants) fail("--grid: more than ", kMostVariants, " combinations");
  }
  return count;
}

std::vector<std::string> combination(const std::vector<GridAxis>& axes, std::size_t i) {
  std::vector<std::string> values(axes.size());
  for (std::size_t a = axes.size(); a-- > 0;) {
    values[a] = axes[a].values[i % axes[a].values.size()];
    i /= axes[a].values.size();
  }
  return values;
}

const Setting& grid_setting(const std::string& key) {
  const Setting* const setting = find_setting(key);
  if (!setting) fail("--grid: unknown setting \"", printable(key), "\"", setting_suggestion(key));
  if (file_key(*setting) == "seed") fail("--grid seed: --seeds lists the seeds");
  if (is_of_checkpoints(*setting)) fail("--grid ", file_key(*setting), ": ", kNoCheckpoints);
  if (file_key(*setting) == "threads") fail("--grid threads: ", kOneThread);
  return *setting;
}

SweepShard parse_shard(const std::string& text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string::npos)
    fail("--shard \"", printable(text), "\": wants a number and how many shards there are: 2/8");
  constexpr auto kMost = static_cast<Index>(kMostRuns);
  const Index count = parse_integer("--shard", text.substr(slash + 1), 1, kMost);
  const Index number = parse_integer("--shard", text.substr(0, slash), 1, count);
  return {static_cast<std::size_t>(number), static_cast<std::size_t>(count)};
}

std::vector<std::uint64_t> parse_seeds(std::string_view text) {
  std::vector<std::uint64_t> seeds;
  for (const std::string& part : split_list(text, ',')) {
    const std::size_t dash = part.find('-');
    if (part.empty() || dash == 0 || dash + 1 == part.size())
      fail("--seeds: \"", printable(part), "\" is neither a seed, 3, nor a range of seeds, 0-19");
    const std::uint64_t first = parse_seed("--seeds", part.substr(0, dash));
    const std::uint64_t last =
        dash == std::string::npos ? first : parse_seed("--seeds", part.substr(dash + 1));
    if (last < first) fail("--seeds: \"", printable(part), "\" ends before it begins");
    if (last - first >= kMostRuns - seeds.size()) fail("--seeds: more than ", kMostRuns, " of them");
    for (std::uint64_t i = 0; i <= last - first; ++i) seeds.push_back(first + i);
  }
  return seeds;
}

TrainConfig SweepPlan::config_of(std::size_t run) const {
  TrainConfig config = variants[variant_of(run)].resolved.config;
  config.seed = seed_of(run);
  return config;
}

std::string run_name(const SweepPlan& plan, std::size_t run) {
  return plan.variants[plan.variant_of(run)].label + ", seed " + std::to_string(plan.seed_of(run));
}

std::string run_command(const SweepPlan& plan, std::size_t run) {
  return plan.variants[plan.variant_of(run)].command + " --seed " + std::to_string(plan.seed_of(run));
}

SweepPlan plan_sweep(const SettingOptions& options, const std::vector<std::string>& grid,
                     std::string_view seeds) {
  for (const Assignment& flag : options.flags()) {
    if (file_key(*flag.setting) == "seed") fail("--seed: a sweep takes --seeds");
    if (is_of_checkpoints(*flag.setting)) fail(flag.label, ": ", kNoCheckpoints);
    if (file_key(*flag.setting) == "threads") fail(flag.label, ": ", kOneThread);
  }
  SweepPlan plan;
  plan.seeds = parse_seeds(seeds);
  std::vector<GridAxis> axes;
  for (const std::string& text : grid) axes.push_back(parse_axis(text));
  for (const GridAxis& axis : axes) {
    plan.grid.push_back(axis.setting);
    for (const Assignment& flag : options.flags())
      if (flag.setting == axis.setting)
        fail("--grid ", file_key(*axis.setting), ": ", flag.label, " sets it, too");
  }
  const std::size_t variants = count_of(axes);
  for (std::size_t i = 0; i < variants; ++i)
    plan.variants.push_back(variant_of(options, axes, i, plan.device_note));
  require_use(plan.variants);
  validate(plan);
  read_maps(plan.variants);
  return plan;
}

}  // namespace bellman
