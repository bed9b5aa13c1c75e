// What a sweep trains: every combination of the grid's values, each with every seed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "apps/settings/resolve.h"
#include "apps/settings/setting_options.h"

namespace bellman {

/// One combination of the grid's values.
struct SweepVariant {
  ResolvedConfig resolved;          // its seed means nothing
  std::vector<std::string> values;  // of SweepPlan::grid, as config.toml has them
  std::string label;                // "learning_rate=0.001, n_step=3"; of a sweep without a grid "all seeds"
  std::string command;              // that makes one of its runs again, but for --seed
};

/// With values, label and command, which follow from the settings.
SweepVariant sweep_variant(const std::vector<const Setting*>& grid, ResolvedConfig resolved);

struct SweepPlan {
  std::vector<const Setting*> grid;
  std::vector<SweepVariant> variants;
  std::vector<std::uint64_t> seeds;
  std::string device_note;  // what --device auto found, for people; empty: it was not asked for

  std::size_t runs() const { return variants.size() * seeds.size(); }
  /// Run r is of variant r / seeds.size() and seed r % seeds.size(): a variant's runs are neighbours.
  std::size_t variant_of(std::size_t run) const { return run / seeds.size(); }
  std::uint64_t seed_of(std::size_t run) const { return seeds[run % seeds.size()]; }
  TrainConfig config_of(std::size_t run) const;
};

/// A setting of the grid with the values that are compared, as they were given.
struct GridAxis {
  const Setting* setting;
  std::vector<std::string> values;
};

/// "KEY=V1,V2,...", or with semicolons, "KEY=V1; V2; ...", which settings whose values may hold commas
/// (network, map) need; a semicolon may end the list. Throws: Error that names what is wrong.
GridAxis parse_axis(const std::string& text);

/// How many combinations of values there are. Throws: Error for more than 1 000.
std::size_t count_of(const std::vector<GridAxis>& axes);
/// A value of each axis: the i-th combination; the last axis changes fastest.
std::vector<std::string> combination(const std::vector<GridAxis>& axes, std::size_t i);

/// "learning_rate=0.001, seed 3".
std::string run_name(const SweepPlan& plan, std::size_t run);
/// "bellman train --learning-rate 0.001 --seed 3": makes the run again.
std::string run_command(const SweepPlan& plan, std::size_t run);

/// Throws: Error for what no sweep is: no seeds or combinations, or more than 100 000 runs; a seed, a setting
/// of the grid or a combination that is there twice.
void validate(const SweepPlan& plan);

/// Reads the map files of the variants from `first` on; each once, so that all have the same. Throws: Error
/// as read_map().
void read_maps(std::vector<SweepVariant>& variants, std::size_t first = 0);

/// The plan's map files that say something else now than the plan: "map lake.txt: line 2 is ..."; empty:
/// none.
std::vector<std::string> changed_maps(const SweepPlan& plan);

/// The setting whose values are compared. Throws: Error for an unknown one, and for the seed.
const Setting& grid_setting(const std::string& key);

/// The parts between separators, without spaces around them.
std::vector<std::string> split_list(std::string_view text, char separator);

/// "0-19,42": seeds and ranges of seeds, both ends included. Throws: Error that names the part that is wrong,
/// or more than 100 000 of them.
std::vector<std::uint64_t> parse_seeds(std::string_view text);

/// `grid`: "KEY=V1,V2,...", or with semicolons, "KEY=V1; V2; ...", which settings whose values may hold
/// commas (network, map) need; a semicolon may end the list. Presets are taken for each combination anew.
/// Throws: Error that names what is wrong: an unknown key, a value, a key that is also a flag, --seed, and as
/// validate().
SweepPlan plan_sweep(const SettingOptions& options, const std::vector<std::string>& grid,
                     std::string_view seeds);

}  // namespace bellman
