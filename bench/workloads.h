// The networks whose learn steps are timed, and numbers to time them with.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/rng.h"
#include "core/base/tensor.h"

namespace bellman::bench {

struct Workload {
  std::string name;     // of dense layers: the widths, input to output
  std::string network;  // as Network reads it
  Shape observation;
  Index batch = 1;

  std::string label() const { return network + ", batch " + std::to_string(batch); }
};

inline std::vector<Workload> dense_workloads() {
  return {{"4-64-64-2", "dense 64, relu, dense 64, relu, dense 2", {4}, 64},
          {"4-120-84-2", "dense 120, relu, dense 84, relu, dense 2", {4}, 128},
          {"8-256-256-4", "dense 256, relu, dense 256, relu, dense 4", {8}, 128}};
}

/// Mnih et al. 2015, with six actions.
inline Workload nature_dqn() {
  return {"nature_dqn",
          "conv 32 8x8 stride 4, relu, conv 64 4x4 stride 2, relu, conv 64 3x3, relu, flatten, dense 512, "
          "relu, dense 6",
          {4, 84, 84},
          32};
}

/// Numbers in [low, high), different ones for each index.
inline std::vector<float> uniform(Index n, std::uint32_t index, float low, float high) {
  RandomSequence random(RandomStream{1, Purpose::kTest, index});
  std::vector<float> values(static_cast<std::size_t>(n));
  for (float& value : values) value = static_cast<float>(random.uniform(low, high));
  return values;
}

}  // namespace bellman::bench
