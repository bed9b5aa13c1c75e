#include "apps/sweep/sweep_plan_file.h"

#include <array>
#include <cstdio>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "apps/run/checkpoint.h"
#include "apps/settings/config_file.h"
#include "core/base/check.h"
#include "core/base/text.h"
#include "rl/state/training_state.h"

namespace bellman {
namespace {

using Bytes = std::vector<std::uint8_t>;

std::string settings_name(std::size_t variant) {
  std::array<char, 40> name{};
  std::snprintf(name.data(), name.size(), "settings.%06zu", variant);
  return name.data();
}

void add_text(StateWriter& out, const std::string& name, const std::string& text) {
  out.add(name, Bytes(text.begin(), text.end()));
}

std::string text_of(const StateReader& in, const std::string& name) {
  const Bytes bytes = in.get<std::uint8_t>(name);
  return {bytes.begin(), bytes.end()};
}

/// Every setting that applies to a run. `source` names file and tensor.
ResolvedConfig settings_of(const std::string& text, const std::string& source) {
  ResolvedConfig resolved;
  resolved.preset = "none";
  resolved.origins.assign(settings().size(), "sweep that is resumed");
  std::set<const Setting*> given;
  for (const Assignment& a : parse_config(text, source).assignments) {
    apply(resolved.config, a);
    given.insert(a.setting);
  }
  for (const Setting& setting : settings())
    if (!missing_condition(setting, resolved.config) && !given.contains(&setting))
      fail(source, ": ", file_key(setting), " is missing");
  validate(resolved);
  // Plans of earlier versions know the map's name alone: its file is read when a run is made.
  if (EnvOptions& env = resolved.config.env; !env.map.text.empty()) read_map(env);
  return resolved;
}

std::vector<const Setting*> grid_of(const std::string& text) {
  std::vector<const Setting*> grid;
  for (const std::string& key : text.empty() ? std::vector<std::string>() : split_list(text, ','))
    grid.push_back(&grid_setting(key));
  return grid;
}

std::vector<bool> over_of(const StateReader& in, std::size_t runs) {
  std::vector<bool> over;
  for (const std::uint8_t value : in.get<std::uint8_t>("over", runs)) {
    if (value > 1) fail(in.source(), ": over has ", static_cast<int>(value), ", must be 0 or 1");
    over.push_back(value == 1);
  }
  return over;
}

SavedSweep sweep_of(const TensorFile& file, const std::string& source) {
  const StateReader in(file, source);
  SweepPlan plan;
  plan.seeds = in.get<std::uint64_t>("seeds");
  in.hand_over("grid", [&] { plan.grid = grid_of(text_of(in, "grid")); });
  std::set<std::string> names = {"seeds", "grid", "over"};
  for (std::string name = settings_name(0); in.has(name); name = settings_name(plan.variants.size())) {
    in.hand_over(name, [&] {
      plan.variants.push_back(sweep_variant(plan.grid, settings_of(text_of(in, name), "config.toml")));
    });
    names.insert(name);
  }
  for (const FileTensor& tensor : file.tensors)
    if (!names.contains(tensor.name)) fail(source, ": no sweep has a tensor ", printable(tensor.name));
  in.hand_over("the sweep", [&] { validate(plan); });
  std::vector<bool> over = over_of(in, plan.runs());
  return {std::move(plan), std::move(over)};
}

}  // namespace

std::filesystem::path sweep_plan_path(const std::filesystem::path& directory) {
  return directory / "sweep_plan.safetensors";
}

void save_sweep_plan(const std::filesystem::path& path, const SweepPlan& plan,
                     const std::vector<RunRecord>& runs) {
  TensorFile file;
  StateWriter out(file);
  out.add("seeds", plan.seeds);
  std::string grid;
  for (const Setting* setting : plan.grid) grid += (grid.empty() ? "" : ",") + file_key(*setting);
  add_text(out, "grid", grid);
  Bytes over;
  for (const RunRecord& run : runs) over.push_back(is_over(run));
  out.add("over", over);
  for (std::size_t v = 0; v < plan.variants.size(); ++v)
    add_text(out, settings_name(v), config_file_text(plan.variants[v].resolved.config));
  save_checkpoint(path, {.version = "",
                         .build = build_id(),
                         .device = "",
                         .config = "",
                         .timestep = 0,
                         .logs = {},
                         .state = std::move(file)});
}

SavedSweep load_sweep_plan(const std::filesystem::path& path) {
  const Checkpoint checkpoint = load_checkpoint(path);
  return sweep_of(checkpoint.state, path.string());
}

}  // namespace bellman
