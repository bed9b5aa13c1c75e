// The options of an environment on any subcommand: those of `bellman train`, from the same table.
#pragma once

#include <memory>
#include <optional>
#include <ostream>
#include <string_view>
#include <vector>

#include "apps/settings/config_file.h"
#include "envs/env.h"

namespace CLI {
class App;
}

namespace bellman {

class EnvArguments {
 public:
  /// Declares --env-id, --map, ... on `command`. REQUIRES: outlives the command's parsing.
  explicit EnvArguments(CLI::App& command);
  ~EnvArguments();

  /// Whether the user gave any of them.
  bool given() const;

  /// What the user asked for; its map is read. `known` (a model's own environment) stands behind it, unless
  /// --env-id names another environment: its options would mean nothing there. Throws: Error for a value out
  /// of range, an option that the environment does not have, a map that cannot be read, or when neither
  /// `known` nor --env-id says which environment.
  EnvOptions resolve(const std::optional<EnvOptions>& known = std::nullopt) const;
  /// The same for what a model was trained on. A line to `warnings`, beginning with `label`, says so when its
  /// map's file is another one now: the model's map is taken.
  EnvOptions resolve(const std::optional<EnvOptions>& known, std::ostream& warnings,
                     std::string_view label) const;

 private:
  struct Argument;
  std::vector<Assignment> flags() const;
  std::vector<std::unique_ptr<Argument>> arguments_;
};

}  // namespace bellman
