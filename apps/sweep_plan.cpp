#include "apps/sweep_plan.h"

#include <algorithm>
#include <set>

#include "apps/parse_number.h"
#include "core/check.h"
#include "core/printable.h"

namespace bellman {
namespace {

constexpr std::size_t kMostSeeds = 100'000, kMostVariants = 1'000;

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    std::string_view part = text.substr(begin, end - begin);
    while (part.starts_with(' ')) part.remove_prefix(1);
    while (part.ends_with(' ')) part.remove_suffix(1);
    parts.emplace_back(part);
    begin = end + 1;
  }
  return parts;
}

struct Axis {
  const Setting* setting;
  std::vector<std::string> values;
};

Axis parse_axis(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos) fail("--grid: \"", printable(text), "\" is no KEY=VALUE,VALUE,...");
  const std::string key = text.substr(0, equals);
  const Setting* const setting = find_setting(key);
  if (!setting) fail("--grid: unknown setting \"", printable(key), "\"", setting_suggestion(key));
  if (file_key(*setting) == "seed") fail("--grid seed: --seeds says which seeds");
  const std::string_view values = std::string_view(text).substr(equals + 1);
  return {setting, split(values, values.find(';') == std::string_view::npos ? ',' : ';')};
}

void check_axes(const std::vector<Axis>& axes, const std::vector<Assignment>& flags) {
  std::set<const Setting*> seen;
  std::size_t variants = 1;
  for (const Axis& axis : axes) {
    const std::string key = file_key(*axis.setting);
    if (!seen.insert(axis.setting).second) fail("--grid ", key, ": it is there twice");
    for (const Assignment& flag : flags)
      if (flag.setting == axis.setting) fail("--grid ", key, ": ", flag.label, " sets it, too");
    variants *= axis.values.size();
    if (variants > kMostVariants) fail("--grid: more than ", kMostVariants, " combinations");
  }
}

/// The grid's i-th combination; the last axis changes fastest.
SweepVariant combination(const SettingOptions& options, const std::vector<Axis>& axes, std::size_t i) {
  SweepVariant variant;
  std::vector<Assignment> assignments;
  variant.values.resize(axes.size());
  for (std::size_t a = axes.size(); a-- > 0;) {
    variant.values[a] = axes[a].values[i % axes[a].values.size()];
    i /= axes[a].values.size();
  }
  for (std::size_t a = 0; a < axes.size(); ++a) {
    const Setting& setting = *axes[a].setting;
    assignments.push_back({&setting, variant.values[a], "--grid " + file_key(setting), "grid"});
    variant.label += (a == 0 ? "" : ", ") + file_key(setting) + "=" + variant.values[a];
  }
  if (axes.empty()) variant.label = "all seeds";
  variant.resolved = options.resolve(assignments);
  validate(variant.resolved);
  return variant;
}

}  // namespace

std::vector<std::uint64_t> parse_seeds(std::string_view text) {
  std::vector<std::uint64_t> seeds;
  std::set<std::uint64_t> seen;
  for (const std::string& part : split(text, ',')) {
    const std::size_t dash = part.find('-');
    const std::uint64_t first = parse_seed("--seeds", part.substr(0, dash));
    const std::uint64_t last =
        dash == std::string::npos ? first : parse_seed("--seeds", part.substr(dash + 1));
    if (last < first) fail("--seeds: \"", printable(part), "\" ends before it begins");
    if (last - first >= kMostSeeds - seeds.size()) fail("--seeds: more than ", kMostSeeds, " of them");
    for (std::uint64_t i = 0; i <= last - first; ++i) {
      if (!seen.insert(first + i).second) fail("--seeds: ", first + i, " is there twice");
      seeds.push_back(first + i);
    }
  }
  return seeds;
}

TrainConfig SweepPlan::config_of(std::size_t run) const {
  TrainConfig config = variants[variant_of(run)].resolved.config;
  config.seed = seed_of(run);
  return config;
}

SweepPlan plan_sweep(const SettingOptions& options, const std::vector<std::string>& grid,
                     std::string_view seeds) {
  for (const Assignment& flag : options.flags())
    if (file_key(*flag.setting) == "seed") fail("--seed: a sweep takes --seeds");
  SweepPlan plan;
  plan.seeds = parse_seeds(seeds);
  std::vector<Axis> axes;
  for (const std::string& text : grid) axes.push_back(parse_axis(text));
  check_axes(axes, options.flags());
  std::size_t variants = 1;
  for (const Axis& axis : axes) {
    plan.grid.push_back(axis.setting);
    variants *= axis.values.size();
  }
  for (std::size_t i = 0; i < variants; ++i) plan.variants.push_back(combination(options, axes, i));
  return plan;
}

}  // namespace bellman
