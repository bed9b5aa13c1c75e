// Whatever the text: a gridworld and a frozen lake are made from it, or Error is thrown.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/check.h"
#include "envs/frozen_lake.h"
#include "envs/grid_map.h"
#include "envs/grid_world.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bellman;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const GridMap map = parse_grid_map(text, "fuzz");
    const GridTask task = grid_world_task(map, "fuzz");
    BELLMAN_CHECK(task.cells.size() == map.rows.size() * map.rows.front().size());
  } catch (const Error&) {
  }
  try {
    const std::vector<std::string> rows = parse_frozen_lake_map(text, "fuzz");
    frozen_lake_task(rows, {});
  } catch (const Error&) {
  }
  return 0;
}
