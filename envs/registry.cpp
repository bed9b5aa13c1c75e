// The environments by their ids.
#include <filesystem>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

#include "core/base/check.h"
#include "core/base/text.h"
#include "envs/control/continuous_env.h"
#include "envs/env.h"
#include "envs/frame_stack.h"
#include "envs/grid/grid_map.h"
#include "envs/grid/grid_world.h"
#include "envs/grid/tabular_env.h"
#include "envs/grid/toy_text.h"
#include "envs/process/atari_options.h"
#include "envs/process/process_env.h"

namespace bellman {

// ---- The environments by their ids.

namespace {

/// The options that an environment has.
struct OptionSet {
  unsigned bits = 0;

  bool has(EnvOption option) const { return (bits & static_cast<unsigned>(option)) != 0; }
  friend constexpr OptionSet operator|(OptionSet a, OptionSet b) { return {a.bits | b.bits}; }
};

constexpr OptionSet kMap = {static_cast<unsigned>(EnvOption::kMap)};
constexpr OptionSet kObservation = {static_cast<unsigned>(EnvOption::kObservation)};
constexpr OptionSet kSlippery = {static_cast<unsigned>(EnvOption::kSlippery)};
constexpr OptionSet kSlip = {static_cast<unsigned>(EnvOption::kSlip)};
constexpr OptionSet kSuttonBarto = {static_cast<unsigned>(EnvOption::kSuttonBartoReward)};
constexpr OptionSet kProcess = {static_cast<unsigned>(EnvOption::kProcess)};
constexpr OptionSet kAtari = {static_cast<unsigned>(EnvOption::kAtari)};

/// How an environment reads its maps.
struct MapFormat {
  bool (*is_bundled)(std::string_view name);
  std::string (*text_of)(const std::string& name_or_path);
  void (*check)(std::string_view text, const std::string& name);
};

struct Registration {
  EnvEntry entry;
  OptionSet options;
  EnvFactory (*factory)(const EnvOptions&);
};

constexpr MapFormat kLakeMaps = {
    is_bundled_lake, frozen_lake_map_text,
    [](std::string_view text, const std::string& name) { parse_frozen_lake_map(text, name); }};
constexpr MapFormat kGridMaps = {
    [](std::string_view name) { return find_bundled_map(name) != nullptr; }, grid_map_text,
    [](std::string_view text, const std::string& name) { parse_grid_map(text, name); }};

/// Makes copies of one environment, which share its table.
EnvFactory gridworld(const EnvOptions& options, GridTask task) {
  const Index limit = options.limit_or(task.max_episode_steps);
  const auto first = std::make_shared<const TabularEnv>(options.id, std::move(task),
                                                        parse_grid_observation(options.observation), limit);
  return [first] { return std::make_unique<TabularEnv>(*first); };
}

/// A lake with the default map `own_map`; the threshold is defined for that map alone.
EnvFactory frozen_lake(const EnvOptions& options, const std::string& own_map, Index limit, double threshold) {
  const MapSource map = options.map == MapSource() ? MapSource(own_map) : options.map;
  const std::vector<std::string> rows =
      map.text.empty() ? load_frozen_lake_map(map.name) : parse_frozen_lake_map(map.text, map.name);
  GridTask task = frozen_lake_task(rows, {options.slippery, options.success_rate});
  task.max_episode_steps = limit;
  if (map == MapSource(own_map)) task.reward_threshold = threshold;
  return gridworld(options, std::move(task));
}

EnvFactory frozen_lake_4x4(const EnvOptions& options) { return frozen_lake(options, "4x4", 100, 0.70); }

EnvFactory frozen_lake_8x8(const EnvOptions& options) { return frozen_lake(options, "8x8", 200, 0.85); }

EnvFactory cliff_walking(const EnvOptions& options) { return gridworld(options, cliff_walking_task()); }

EnvFactory grid_world(const EnvOptions& options, const MapSource& source) {
  GridMap map = source.text.empty() ? load_grid_map(source.name) : parse_grid_map(source.text, source.name);
  if (options.slip >= 0) map.slip = options.slip;
  return gridworld(options, grid_world_task(map, source.name));
}

EnvFactory grid_world_of_map(const EnvOptions& options) {
  return grid_world(options, options.map == MapSource() ? MapSource("dyna_maze") : options.map);
}

EnvFactory four_rooms(const EnvOptions& options) { return grid_world(options, "four_rooms"); }

constexpr Registration kGridworlds[] = {
    {{"FrozenLake-v1", "cross a slippery lake between holes, 4x4 cells or a map of your own"},
     kMap | kObservation | kSlippery,
     frozen_lake_4x4},
    {{"FrozenLake8x8-v1", "the same, 8x8 cells"}, kMap | kObservation | kSlippery, frozen_lake_8x8},
    {{"CliffWalking-v1", "walk along a cliff, -1 a step, -100 for a fall; no time limit of its own"},
     kObservation,
     cliff_walking},
    {{"GridWorld-v0", "a gridworld from a map file or a bundled map (default: dyna_maze)"},
     kMap | kObservation | kSlip,
     grid_world_of_map},
    {{"FourRooms-v0", "four rooms joined by doors: GridWorld-v0 with the bundled map four_rooms"},
     kObservation | kSlip,
     four_rooms},
};

/// Of every id that a process plays. EnvPool prepares its Atari games itself.
constexpr Registration kGymnasiumEnvs = {{"gymnasium:ID", "an environment of the Python package Gymnasium"},
                                         kProcess | kAtari,
                                         process_env_factory};
constexpr Registration kEnvPoolEnvs = {
    {"envpool:ID", "an environment of the Python package EnvPool"}, kProcess, process_env_factory};

const Registration& process_envs(std::string_view id) {
  return id.starts_with("envpool:") ? kEnvPoolEnvs : kGymnasiumEnvs;
}

std::span<const Registration> registrations() {
  static const std::vector<Registration> all = [] {
    std::vector<Registration> rows;
    for (const ContinuousEntry& entry : continuous_entries())
      rows.push_back(
          {entry.entry, entry.has_sutton_barto_reward ? kSuttonBarto : OptionSet(), entry.factory});
    rows.insert(rows.end(), std::begin(kGridworlds), std::end(kGridworlds));
    return rows;
  }();
  return all;
}

const Registration& find_registration(const std::string& id) {
  if (is_process_id(id)) return process_envs(id);
  for (const Registration& registration : registrations())
    if (registration.entry.id == id) return registration;
  const std::size_t colon = id.find(':');
  constexpr std::string_view kPackages[] = {"gymnasium", "envpool"};
  if (const std::string_view package = nearest_name(id.substr(0, colon), kPackages);
      colon != std::string::npos && !package.empty())
    fail("unknown environment \"", printable(id), "\" (did you mean \"", package, printable(id.substr(colon)),
         "\"?)");
  std::vector<std::string_view> ids;
  for (const EnvEntry& entry : env_entries()) ids.push_back(entry.id);
  ids.insert(ids.end(), {"gymnasium:ID", "envpool:ID"});
  fail("unknown environment \"", printable(id), "\"", suggestion(id, ids));
}

/// Throws: Error for a changed option that the environment does not have, which would silently have no
/// effect.
void check_options(const EnvOptions& o, OptionSet known) {
  const EnvOptions defaults;
  const auto reject = [&](const char* option, const auto& value) {
    fail(o.id, " has no option ", option, " (it is ", value, ")");
  };
  if (!known.has(EnvOption::kMap) && o.map != defaults.map) reject("map", o.map.name);
  if (!known.has(EnvOption::kObservation) && o.observation != defaults.observation)
    reject("observation", o.observation);
  if (!known.has(EnvOption::kSlippery) && o.slippery != defaults.slippery) reject("slippery", "false");
  if (!known.has(EnvOption::kSlippery) && o.success_rate != defaults.success_rate)
    reject("success_rate", o.success_rate);
  if (!known.has(EnvOption::kSlip) && o.slip != defaults.slip) reject("slip", o.slip);
  if (!known.has(EnvOption::kSuttonBartoReward) && o.sutton_barto_reward)
    reject("sutton_barto_reward", "true");
  if (!known.has(EnvOption::kProcess)) {
    if (o.env_kwargs != defaults.env_kwargs) reject("env_kwargs", printable(o.env_kwargs));
    if (o.python != defaults.python) reject("python", printable(o.python));
    if (o.env_workers != defaults.env_workers) reject("env_workers", o.env_workers);
    if (o.env_timeout != defaults.env_timeout) reject("env_timeout", o.env_timeout);
  }

  check_atari(o, known.has(EnvOption::kAtari));
  if (!o.slippery && o.success_rate != defaults.success_rate)
    fail(o.id, ": success_rate is ", o.success_rate, ", but without slippery it has no effect");
  if (!(o.slip <= 1)) fail(o.id, ": slip is ", o.slip, ", must be at most 1");
  check_frame_stack(o.frame_stack);
  if (o.max_episode_steps < -1)
    fail(o.id, ": max_episode_steps is ", o.max_episode_steps,
         ", must be -1 (the environment's own), 0 (none) or more");
}

/// Null for an environment without maps.
const MapFormat* map_format(const EnvOptions& options) {
  const OptionSet known = find_registration(options.id).options;
  if (!known.has(EnvOption::kMap)) return nullptr;
  return known.has(EnvOption::kSlippery) ? &kLakeMaps : &kGridMaps;
}

/// The map file's text, checked and made plain.
std::string text_of_file(const MapFormat& format, const std::string& name) {
  const std::string text = format.text_of(name);
  format.check(text, name);
  return plain_map_text(text);
}

/// The first line that differs, in words.
std::string difference_of(std::string_view now, std::string_view before) {
  const std::vector<MapLine> a = map_lines(now, ""), b = map_lines(before, "");
  std::size_t i = 0;
  while (i < a.size() && i < b.size() && a[i].text == b[i].text) ++i;
  const auto shown = [i](const std::vector<MapLine>& lines) {
    std::string text = "missing";
    if (i < lines.size()) text.assign(1, '"').append(printable(lines[i].text.substr(0, 60))).append(1, '"');
    return text;
  };
  return "line " + std::to_string(i + 1) + " is " + shown(a) + ", it was " + shown(b);
}

}  // namespace

std::string file_name_of(std::string id) {
  for (char& c : id)
    if (c == '/' || c == ':') c = '_';
  return id;
}

bool is_same_task(const EnvOptions& a, const EnvOptions& b) {
  EnvOptions started_alike = a;
  started_alike.python = b.python;
  started_alike.env_workers = b.env_workers;
  started_alike.env_timeout = b.env_timeout;
  return started_alike == b;
}

bool has_option(std::string_view id, EnvOption option) {
  if (is_process_id(id)) return process_envs(id).options.has(option);
  for (const Registration& registration : registrations())
    if (registration.entry.id == id) return registration.options.has(option);
  return true;
}

void read_map(EnvOptions& options) {
  MapSource& map = options.map;
  const MapFormat* const format = map_format(options);
  if (!map.text.empty() && (!format || map.name.empty()))
    fail(options.id, ": a map's text belongs to no map");
  if (!format) return;
  if (!map.text.empty()) {
    format->check(map.text, map.name);
    map.text = plain_map_text(map.text);
  } else if (!map.name.empty() && !format->is_bundled(map.name)) {
    map.text = text_of_file(*format, map.name);
  }
}

MapFileNow map_file_now(const EnvOptions& options) {
  const MapFormat* const format = map_format(options);
  std::error_code error;
  if (!format || options.map.text.empty()) return {};
  if (!std::filesystem::exists(options.map.name, error)) return {.is_missing = true, .difference = ""};
  try {
    const std::string now = text_of_file(*format, options.map.name);
    return {.is_missing = false,
            .difference = now == options.map.text ? "" : difference_of(now, options.map.text)};
  } catch (const Error& unreadable) {
    return {.is_missing = false, .difference = unreadable.what()};
  }
}

std::unique_ptr<Env> make_env(const EnvOptions& options) { return env_factory(options)(); }

EnvFactory env_factory(const EnvOptions& options) {
  const Registration& registration = find_registration(options.id);
  check_options(options, registration.options);
  return frame_stacked(registration.factory(options), options.frame_stack);
}

std::span<const EnvEntry> env_entries() {
  static const std::vector<EnvEntry> entries = [] {
    std::vector<EnvEntry> all;
    for (const Registration& registration : registrations()) all.push_back(registration.entry);
    return all;
  }();
  return entries;
}

namespace {

std::vector<ObservationPart> grid_parts(const GridTask& task, GridObservation observation) {
  switch (observation) {
    case GridObservation::kOneHot:
      return {{"row * " + std::to_string(task.cols) + " + column", "1 where the agent is, 0 elsewhere"}};
    case GridObservation::kCoordinates:
      return {{"0", "the agent's row, from 0 at the top to 1 at the bottom"},
              {"1", "the agent's column, from 0 on the left to 1 on the right"}};
    case GridObservation::kPlanes:
      break;
  }
  return {{"plane 0", "1 where the agent is"},
          {"plane 1", "1 where a wall is"},
          {"plane 2", "1 where a goal is"},
          {"plane 3", "1 where a pit is: a hole, a cliff"},
          {"plane 4", "1 where the map has a mark: cells with a reward of their own"}};
}

}  // namespace

std::vector<ObservationPart> observation_parts(const EnvOptions& options) {
  const std::unique_ptr<Env> env = make_env(options);
  if (const TabularEnv* grid = as_tabular(*env))
    return grid_parts(grid->task(), parse_grid_observation(options.observation));
  std::vector<ObservationPart> parts;
  if (const ContinuousEnv* continuous = as_continuous(*env))
    for (const std::string_view meaning : continuous->observation_meanings())
      parts.push_back({std::to_string(parts.size()), std::string(meaning)});
  return parts;
}

}  // namespace bellman
