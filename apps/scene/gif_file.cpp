#include "apps/scene/gif_file.h"

#include <algorithm>
#include <utility>

#include <gif_lib.h>

#include "core/base/check.h"
#include "core/io/files.h"

namespace bellman {
namespace {

int append_to_text(GifFileType* gif, const GifByteType* data, int size) {
  static_cast<std::string*>(gif->UserData)
      ->append(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
  return size;
}

/// A colour map has a power of two of entries.
std::unique_ptr<ColorMapObject, void (*)(ColorMapObject*)> color_map(
    std::span<const std::array<std::uint8_t, 3>> colors) {
  std::vector<GifColorType> entries;
  entries.reserve(256);
  for (const auto& color : colors) entries.push_back({color[0], color[1], color[2]});
  std::size_t count = 2;
  while (count < entries.size()) count *= 2;
  entries.resize(count);
  return {GifMakeMapObject(static_cast<int>(count), entries.data()), GifFreeMapObject};
}

}  // namespace

void GifFile::Close::operator()(GifFileType* file) const { EGifCloseFile(file, nullptr); }

GifFile::GifFile(std::filesystem::path path, std::size_t width, std::size_t height) : path_(std::move(path)) {
  int error = 0;
  gif_.reset(EGifOpen(&bytes_, append_to_text, &error));
  if (!gif_) fail(path_.string(), ": ", GifErrorString(error));
  EGifSetGifVersion(gif_.get(), true);
  check(EGifPutScreenDesc(gif_.get(), static_cast<int>(width), static_cast<int>(height), 8, 0, nullptr));
  const GifByteType repeat[] = {1, 0, 0};  // for ever
  check(EGifPutExtensionLeader(gif_.get(), APPLICATION_EXT_FUNC_CODE));
  check(EGifPutExtensionBlock(gif_.get(), 11, "NETSCAPE2.0"));
  check(EGifPutExtensionBlock(gif_.get(), sizeof repeat, repeat));
  check(EGifPutExtensionTrailer(gif_.get()));
}

GifFile::~GifFile() = default;

void GifFile::check(int done) const {
  if (done != GIF_OK) fail(path_.string(), ": ", GifErrorString(gif_->Error));
}

void GifFile::add(const GifPart& part, int milliseconds) {
  GraphicsControlBlock control = {.DisposalMode = DISPOSE_DO_NOT,
                                  .UserInputFlag = false,
                                  .DelayTime = std::max(2, milliseconds / 10),
                                  .TransparentColor = NO_TRANSPARENT_COLOR};
  GifByteType block[4];
  EGifGCBToExtension(&control, block);
  check(EGifPutExtension(gif_.get(), GRAPHICS_EXT_FUNC_CODE, sizeof block, block));
  const auto map = color_map(part.colors);
  check(EGifPutImageDesc(gif_.get(), static_cast<int>(part.left), static_cast<int>(part.top),
                         static_cast<int>(part.width), static_cast<int>(part.height), false, map.get()));
  std::vector<GifByteType> pixels(part.pixels.begin(), part.pixels.end());  // giflib may change them
  check(EGifPutLine(gif_.get(), pixels.data(), static_cast<int>(pixels.size())));
}

std::string GifFile::take_bytes() {
  gif_.reset();  // writes the end
  return std::move(bytes_);
}

void GifFile::finish() { write_file_atomically(path_, take_bytes()); }

}  // namespace bellman
