#include "apps/scene/scene_gif.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include <gif_lib.h>

#include "apps/scene/scene_raster.h"
#include "core/base/check.h"
#include "core/io/files.h"

namespace bellman {

void write_gif(const std::filesystem::path& path, std::span<const Scene> scenes, int milliseconds) {
  constexpr int kWidth = 480, kHeight = 320, kColors = 8;
  std::string bytes;
  int error = 0;
  const auto append = [](GifFileType* gif, const GifByteType* data, int size) {
    static_cast<std::string*>(gif->UserData)
        ->append(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
    return size;
  };
  const auto close = [](GifFileType* file) { EGifCloseFile(file, nullptr); };
  std::unique_ptr<GifFileType, decltype(close)> gif(EGifOpen(&bytes, append, &error), close);
  if (!gif) fail(path.string(), ": ", GifErrorString(error));

  GifColorType colors[kColors] = {{255, 255, 255}};
  for (int i = 1; i <= 6; ++i) {
    const std::string_view hex = tone_color(static_cast<Tone>(i - 1));
    const auto part = [&](std::size_t at) {
      return static_cast<GifByteType>(std::stoi(std::string(hex.substr(at, 2)), nullptr, 16));
    };
    colors[i] = {part(1), part(3), part(5)};
  }
  const std::unique_ptr<ColorMapObject, void (*)(ColorMapObject*)> map(GifMakeMapObject(kColors, colors),
                                                                       GifFreeMapObject);
  const auto check = [&](int done) {
    if (done != GIF_OK) fail(path.string(), ": ", GifErrorString(gif->Error));
  };
  EGifSetGifVersion(gif.get(), true);
  check(EGifPutScreenDesc(gif.get(), kWidth, kHeight, 3, 0, map.get()));
  const GifByteType repeat[] = {1, 0, 0};  // for ever
  check(EGifPutExtensionLeader(gif.get(), APPLICATION_EXT_FUNC_CODE));
  check(EGifPutExtensionBlock(gif.get(), 11, "NETSCAPE2.0"));
  check(EGifPutExtensionBlock(gif.get(), sizeof repeat, repeat));
  check(EGifPutExtensionTrailer(gif.get()));
  for (const Scene& scene : scenes) {
    GraphicsControlBlock control = {.DisposalMode = DISPOSE_DO_NOT,
                                    .UserInputFlag = false,
                                    .DelayTime = std::max(2, milliseconds / 10),
                                    .TransparentColor = NO_TRANSPARENT_COLOR};
    GifByteType block[4];
    EGifGCBToExtension(&control, block);
    check(EGifPutExtension(gif.get(), GRAPHICS_EXT_FUNC_CODE, sizeof block, block));
    check(EGifPutImageDesc(gif.get(), 0, 0, kWidth, kHeight, false, nullptr));
    Raster raster = rasterise(scene, kWidth, kHeight);
    check(EGifPutLine(gif.get(), raster.pixels.data(), kWidth * kHeight));
  }
  gif.reset();  // writes the end
  write_file_atomically(path, bytes);
}

}  // namespace bellman
