// Scenes as an animated GIF.
#pragma once

#include <filesystem>
#include <span>

#include "apps/scene/scene.h"

namespace bellman {

/// An animation that repeats, `milliseconds` a frame. Written atomically. Throws: Error that names the file and the
/// reason.
void write_gif(const std::filesystem::path& path, std::span<const Scene> scenes, int milliseconds);

}  // namespace bellman
