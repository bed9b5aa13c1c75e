// Scenes as pixels: for pictures, and for a terminal, where a braille character has 2 x 4 of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "apps/scene/scene.h"

namespace bellman {

/// Pixels from the top left, 0 the paper, 1 + tone where something is drawn.
struct Raster {
  std::size_t width = 0, height = 0;
  std::vector<std::uint8_t> pixels;  // (height, width)
};

/// The scene, as large as fits, in the middle.
Raster rasterise(const Scene& scene, std::size_t width, std::size_t height);

/// Lines of `columns` characters: braille, or the map of a gridworld that fits.
std::vector<std::string> scene_lines(const Scene& scene, std::size_t columns, std::size_t rows);

}  // namespace bellman
