// The plan of a sweep: every combination of the grid's values, each with every seed.
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
  ResolvedConfig resolved;          // its seed is not used
  std::vector<std::string> values;  // of SweepPlan::grid, as config.toml has them
  std::string label;                // "learning_rate=0.001, n_step=3"; of a sweep without a grid "all seeds"
  std::string command;              // trains one of its runs; without --seed
};

/// Its values alone, "0.001, 3", where a column's heading names the settings; the label of a sweep without a grid.
std::string brief_label(const SweepVariant& variant);

/// A variant with the values, label and command that follow from its settings.
SweepVariant sweep_variant(const std::vector<const Setting*>& grid, ResolvedConfig resolved);

/// The share of a process that trains a part of a sweep: of the plan's runs every count-th, from the number-th on. Adjacent
/// runs are of one setting, so each share has runs of every setting.
struct SweepShard {
  std::size_t number = 1, count = 1;
};

/// "2/8". Throws: Error that names what is wrong.
SweepShard parse_shard(const std::string& text);

struct SweepPlan {
  std::vector<const Setting*> grid;
  std::vector<SweepVariant> variants;
  std::vector<std::uint64_t> seeds;
  std::size_t baseline = 0;  // the variant that others are compared with (sweep_comparison.h)
  SweepShard shard;          // the runs that are trained here; the default: all
  std::string device_note;   // what --device auto found, for people; empty: another --device

  std::size_t runs() const { return variants.size() * seeds.size(); }
  /// Run r has variant r / seeds.size() and seed r % seeds.size(): a variant's runs are adjacent.
  std::size_t variant_of(std::size_t run) const { return run / seeds.size(); }
  std::uint64_t seed_of(std::size_t run) const { return seeds[run % seeds.size()]; }
  TrainConfig config_of(std::size_t run) const;
  bool is_whole() const { return shard.count == 1; }
  bool is_ours(std::size_t run) const { return run % shard.count == shard.number - 1; }
  /// How many runs are.
  std::size_t own_runs() const { return (runs() + shard.count - shard.number) / shard.count; }
};

/// A setting of the grid with the values that are compared, as they were given.
struct GridAxis {
  const Setting* setting;
  std::vector<std::string> values;
};

/// "KEY=V1,V2,...", or with semicolons "KEY=V1; V2; ...": settings whose values may contain commas (network,
/// map) need them. A semicolon may end the list. Throws: Error that names what is wrong.
GridAxis parse_axis(const std::string& text);

/// How many combinations of values there are. Throws: Error for more than 1 000.
std::size_t count_of(const std::vector<GridAxis>& axes);
/// A value of each axis: the i-th combination; the last axis changes fastest.
std::vector<std::string> combination(const std::vector<GridAxis>& axes, std::size_t i);

/// "learning_rate=0.001, seed 3".
std::string run_name(const SweepPlan& plan, std::size_t run);
/// "bellman train --learning-rate 0.001 --seed 3": trains the run again.
std::string run_command(const SweepPlan& plan, std::size_t run);

/// Throws: Error for a plan without seeds or combinations, with more than 100 000 runs, or with a seed, a
/// setting of the grid or a combination twice.
void validate(const SweepPlan& plan);

/// Reads the map files of the variants from `first` on, each file once, so that all variants have the same
/// map. Throws: Error as read_map().
void read_maps(std::vector<SweepVariant>& variants, std::size_t first = 0);

/// The plan's map files that have changed since: "map lake.txt: line 2 is ..."; empty: none.
std::vector<std::string> changed_maps(const SweepPlan& plan);

/// The setting with this key. Throws: Error for an unknown one, and for one that no grid can have, such as
/// the seed.
const Setting& grid_setting(const std::string& key);

/// "0-19,42": seeds and ranges of seeds, both ends included. Throws: Error that names the part that is wrong,
/// or more than 100 000 of them.
std::vector<std::uint64_t> parse_seeds(std::string_view text);

/// `grid`: as parse_axis. Presets are chosen for each combination. Throws: Error that names what is wrong: an
/// unknown key, a value, a key that is also a flag, --seed, and as validate().
SweepPlan plan_sweep(const SettingOptions& options, const std::vector<std::string>& grid,
                     std::string_view seeds);

/// The plan with the seeds of `seeds` ("0-19"; empty: none) that it lacks, and with every combination of its
/// values and those of `grid` ("KEY=V,V"). Runs that it has keep their place. A key that is new in the grid
/// keeps the value of all runs so far beside the new ones. Throws: Error as plan_sweep(), and for a key whose
/// values differ without being in the grid, or whose new value changes the preset.
SweepPlan extended(const SweepPlan& plan, const std::vector<std::string>& grid, const std::string& seeds);

}  // namespace bellman
