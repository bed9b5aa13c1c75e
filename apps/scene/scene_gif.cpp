#include "apps/scene/scene_gif.h"

#include <cstddef>
#include <string>
#include <string_view>

#include "apps/scene/gif_file.h"
#include "apps/scene/scene_raster.h"

namespace bellman {

void write_gif(const std::filesystem::path& path, std::span<const Scene> scenes, int milliseconds) {
  constexpr std::size_t kWidth = 480, kHeight = 320;
  GifPart part = {0, 0, kWidth, kHeight, {}, {{255, 255, 255}}};
  for (int i = 0; i < 6; ++i) {
    const std::string_view hex = tone_color(static_cast<Tone>(i));
    const auto channel = [&](std::size_t at) {
      return static_cast<std::uint8_t>(std::stoi(std::string(hex.substr(at, 2)), nullptr, 16));
    };
    part.colors.push_back({channel(1), channel(3), channel(5)});
  }
  GifFile gif(path, kWidth, kHeight);
  for (const Scene& scene : scenes) {
    part.pixels = rasterise(scene, kWidth, kHeight).pixels;
    gif.add(part, milliseconds);
  }
  gif.finish();
}

}  // namespace bellman
