// A window as golden files write it.
#pragma once

#include <string>

#include "core/ops/backend.h"
#include "tests/support/golden.h"

namespace bellman::test {

inline Window golden_window(const Golden& golden, const std::string& path) {
  const auto extent = [&](const char* name) { return static_cast<Index>(golden.number(path + "." + name)); };
  return {extent("kernel_h"), extent("kernel_w"),  extent("stride_h"),
          extent("stride_w"), extent("padding_h"), extent("padding_w")};
}

}  // namespace bellman::test
