#include <CLI/CLI.hpp>

#include "apps/command.h"
#include "core/check.h"

namespace bellman {

RunCommand declare_train(CLI::App& parent) {
  parent.add_subcommand("train", "Train a deep Q-network");
  return []() -> int { fail("no trainer yet"); };
}

}  // namespace bellman
