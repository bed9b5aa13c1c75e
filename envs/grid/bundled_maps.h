// Maps of gridworlds that come with the library.
#pragma once

#include <span>
#include <string_view>

namespace bellman {

struct BundledMap {
  std::string_view name;
  std::string_view summary;
  std::string_view text;  // in the format of grid_map.h
};

std::span<const BundledMap> bundled_maps();
/// Null for an unknown name.
const BundledMap* find_bundled_map(std::string_view name);

}  // namespace bellman
