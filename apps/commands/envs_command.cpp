// `bellman envs`: lists the environments, or shows one in detail.

#include <cmath>
#include <cstddef>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "apps/base/json_text.h"
#include "apps/base/numbers.h"
#include "apps/base/terminal.h"
#include "apps/commands/command.h"
#include "apps/settings/declare_options.h"
#include "apps/settings/setting_options.h"
#include "core/base/check.h"
#include "core/base/text.h"
#include "envs/env.h"
#include "envs/grid/grid_task.h"
#include "envs/grid/grid_world.h"
#include "envs/grid/tabular_env.h"
#include "rl/log/metric_sink.h"
#include "rl/train/recorder_columns.h"

namespace bellman {
namespace {

using Json = nlohmann::ordered_json;

std::string limit_text(const EnvSpec& spec) {
  return spec.max_episode_steps > 0 ? std::to_string(spec.max_episode_steps) : "none";
}

std::string threshold_text(const EnvSpec& spec) {
  return std::isnan(spec.reward_threshold) ? "none" : formatted("%g", spec.reward_threshold);
}

std::string names_text(const EnvSpec& spec) {
  std::string text;
  for (std::size_t i = 0; i < spec.action_names.size(); ++i)
    text += (i ? ", " : "") + std::to_string(i) + " " + spec.action_names[i];
  return text;
}

Json spec_json(const EnvSpec& spec) {
  Json shape = Json::array();
  for (int i = 0; i < spec.observation_shape.rank(); ++i) shape.push_back(spec.observation_shape[i]);
  return {
      {"env_id", spec.id},
      {"observation_shape", shape},
      {"num_actions", spec.num_actions},
      {"action_names", spec.action_names},
      {"max_episode_steps", spec.max_episode_steps > 0 ? Json(spec.max_episode_steps) : Json(nullptr)},
      {"reward_threshold", std::isnan(spec.reward_threshold) ? Json(nullptr) : Json(spec.reward_threshold)}};
}

EnvSpec spec_of(std::string_view id) {
  EnvOptions options;
  options.id = id;
  return make_env(options)->spec();
}

void print_list() {
  Table table({"environment", "observation", "actions", "step limit", "solved at", "what it is"},
              {Align::kLeft, Align::kLeft, Align::kRight, Align::kRight, Align::kRight, Align::kLeft});
  for (const EnvEntry& entry : env_entries()) {
    const EnvSpec spec = spec_of(entry.id);
    table.add({spec.id, shape_text(spec.observation_shape), std::to_string(spec.num_actions),
               limit_text(spec), threshold_text(spec), std::string(entry.summary)});
  }
  Table maps({"bundled map", "what it is"}, {Align::kLeft, Align::kLeft});
  for (const BundledMap& map : bundled_maps()) maps.add({std::string(map.name), std::string(map.summary)});
  std::cout << table.text() << '\n'
            << maps.text()
            << "\n--env-id gymnasium:ID plays an environment of the Python package Gymnasium, envpool:ID one "
               "of EnvPool.\n"
               "Gridworlds have --observation one_hot (as listed), coordinates or planes.\n"
            << "`bellman envs --env-id ID` shows more of one, `bellman envs --map NAME` draws a map,\n"
               "`bellman envs --columns` explains the columns of a run's CSV files.\n";
}

void print_list_json() {
  Json envs = Json::array(), maps = Json::array();
  for (const EnvEntry& entry : env_entries()) {
    envs.push_back(spec_json(spec_of(entry.id)));
    envs.back()["summary"] = entry.summary;
  }
  for (const BundledMap& map : bundled_maps()) maps.push_back({{"name", map.name}, {"summary", map.summary}});
  std::cout << Json{{"environments", envs}, {"bundled_maps", maps}}.dump() << '\n';
}

void print_one(const EnvOptions& options, const Env& env) {
  const EnvSpec& spec = env.spec();
  Table table({"environment", spec.id}, {Align::kLeft, Align::kLeft});
  table.add({"observation", shape_text(spec.observation_shape)});
  table.add({"actions", names_text(spec)});
  table.add({"step limit", limit_text(spec)});
  table.add({"solved at", threshold_text(spec)});
  Table parts({"observation", "what it is"}, {Align::kLeft, Align::kLeft});
  for (const ObservationPart& part : observation_parts(options)) parts.add({part.place, part.meaning});
  std::cout << table.text() << '\n' << parts.text();
  if (const TabularEnv* grid = as_tabular(env)) std::cout << '\n' << draw_map(grid->task());
}

void print_columns() {
  Table progress({"progress.csv", "what it is"}, {Align::kLeft, Align::kLeft});
  for (std::size_t i = 0; i < kScalarNames.size(); ++i)
    progress.add({std::string(kScalarNames[i]), std::string(kScalarMeanings[i])});
  Table monitor({"monitor.csv", "what it is"}, {Align::kLeft, Align::kLeft});
  for (const ColumnMeaning& column : kMonitorColumns)
    monitor.add({std::string(column.name), std::string(column.meaning)});
  Table diagnostics({"diagnostics.csv", "what it is"}, {Align::kLeft, Align::kLeft});
  for (const auto& [name, meaning] : diagnostics_meanings()) diagnostics.add({name, meaning});
  std::cout << progress.text() << '\n' << monitor.text() << '\n' << diagnostics.text();
}

struct EnvsOptions {
  std::unique_ptr<EnvArguments> env;
  bool json = false, columns = false;
};

int list(const EnvsOptions& options) {
  if (options.columns) {
    if (options.json || options.env->given())
      fail("--columns explains files of runs: it cannot be combined with other options");
    print_columns();
    return kExitSuccess;
  }
  if (!options.env->given()) {
    if (options.json)
      print_list_json();
    else
      print_list();
    return kExitSuccess;
  }
  EnvOptions gridworld;  // for a map without --env-id
  gridworld.id = "GridWorld-v0";
  const EnvOptions chosen = options.env->resolve(gridworld);
  const std::unique_ptr<Env> env = make_env(chosen);
  if (options.json)
    std::cout << json_line(spec_json(env->spec()));
  else
    print_one(chosen, *env);
  return kExitSuccess;
}

}  // namespace

RunCommand declare_envs(CLI::App& parent) {
  CLI::App& command = declare_command(parent, "envs", "List the environments and maps, or draw one");
  const auto options = std::make_shared<EnvsOptions>();
  options->env = std::make_unique<EnvArguments>(command);
  declare_flag(command, "--columns", options->columns, "explain the columns of a run's CSV files");
  declare_flag(command, "--json", options->json, "print one JSON object");
  return [options] { return list(*options); };
}

}  // namespace bellman
