// For any text: a gridworld or a frozen lake (the text's length decides) is made from it, or Error is
// thrown.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/base/check.h"
#include "envs/grid/grid_map.h"
#include "envs/grid/grid_world.h"
#include "envs/grid/toy_text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bellman;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    if (size % 2 == 0) {
      const GridMap map = parse_grid_map(text, "fuzz");
      const GridTask task = grid_world_task(map, "fuzz");
      BELLMAN_CHECK(task.cells.size() == map.rows.size() * map.rows.front().size());
    } else {
      frozen_lake_task(parse_frozen_lake_map(text, "fuzz"), {});
    }
  } catch (const Error&) {
  }
  return 0;
}
