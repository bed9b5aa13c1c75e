#include "apps/scene/frame_gif.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "core/base/check.h"

namespace bellman {
namespace {

constexpr std::size_t kMost = 480, kLeast = 240;  // pixels of the longer side

/// [begin, end) of the source's pixels that become pixel i of `to`.
std::pair<std::size_t, std::size_t> source_of(std::size_t i, std::size_t from, std::size_t to) {
  const std::size_t begin = i * from / to;
  return {begin, std::max(begin + 1, (i + 1) * from / to)};
}

/// The mean of the source's pixels that become the pixel (x, y) of `to`.
std::array<std::uint8_t, 3> mean_color(const Frame& from, const Frame& to, std::size_t x, std::size_t y) {
  const std::pair<std::size_t, std::size_t> rows = source_of(y, from.height, to.height),
                                            columns = source_of(x, from.width, to.width);
  std::array<std::size_t, 3> sum{};
  for (std::size_t r = rows.first; r < rows.second; ++r)
    for (std::size_t c = columns.first; c < columns.second; ++c)
      for (std::size_t k = 0; k < 3; ++k) sum[k] += from.rgb[3 * (r * from.width + c) + k];
  const std::size_t count = (rows.second - rows.first) * (columns.second - columns.first);
  std::array<std::uint8_t, 3> mean{};
  for (std::size_t k = 0; k < 3; ++k) mean[k] = static_cast<std::uint8_t>((sum[k] + count / 2) / count);
  return mean;
}

std::array<std::uint8_t, 3> color_at(const Frame& frame, std::size_t x, std::size_t y) {
  const std::uint8_t* const at = frame.rgb.data() + 3 * (y * frame.width + x);
  return {at[0], at[1], at[2]};
}

/// Shades that are one colour of the palette, and how many pixels have them.
struct Shades {
  std::array<std::size_t, 3> sum{};
  std::size_t pixels = 0;
  std::uint8_t index = 0;
};

/// Whether the part's pixels fit into 256 colours when a channel has so many bits; if so they are in its palette.
bool choose_colors(GifPart& part, const Frame& now, int bits) {
  std::map<std::uint32_t, Shades> palette;
  const std::size_t count = part.width * part.height;
  std::vector<Shades*> shades(count);
  const int drop = 8 - bits;
  std::uint32_t key_before = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::array<std::uint8_t, 3> c =
        color_at(now, part.left + i % part.width, part.top + i / part.width);
    const auto key = static_cast<std::uint32_t>((c[0] >> drop) << 16 | (c[1] >> drop) << 8 | (c[2] >> drop));
    // Neighbours are alike: most pixels need no search.
    shades[i] = i > 0 && key == key_before ? shades[i - 1] : &palette[key];
    key_before = key;
    if (palette.size() > 256) return false;
    for (std::size_t k = 0; k < 3; ++k) shades[i]->sum[k] += c[k];
    ++shades[i]->pixels;
  }
  part.colors.clear();
  for (auto& entry : palette) {
    Shades& one = entry.second;
    one.index = static_cast<std::uint8_t>(part.colors.size());
    part.colors.push_back({static_cast<std::uint8_t>(one.sum[0] / one.pixels),
                           static_cast<std::uint8_t>(one.sum[1] / one.pixels),
                           static_cast<std::uint8_t>(one.sum[2] / one.pixels)});
  }
  part.pixels.resize(count);
  for (std::size_t i = 0; i < count; ++i) part.pixels[i] = shades[i]->index;
  return true;
}

Frame resized(const Frame& frame, std::size_t width, std::size_t height) {
  Frame out = {width, height, {}};
  out.rgb.reserve(3 * out.width * out.height);
  for (std::size_t y = 0; y < out.height; ++y)
    for (std::size_t x = 0; x < out.width; ++x)
      for (const std::uint8_t channel : mean_color(frame, out, x, y)) out.rgb.push_back(channel);
  return out;
}

}  // namespace

Frame shrunk(const Frame& frame) {
  const std::size_t longer = std::max(frame.width, frame.height);
  if (longer <= kMost) return frame;
  return resized(frame, std::max<std::size_t>(1, frame.width * kMost / longer),
                 std::max<std::size_t>(1, frame.height * kMost / longer));
}

Frame fitted(const Frame& frame) {
  const std::size_t longer = std::max(frame.width, frame.height);
  if (longer > kMost) return shrunk(frame);
  const std::size_t times = (kLeast + longer - 1) / longer;
  return resized(frame, frame.width * times, frame.height * times);
}

GifPart changed_part(const Frame& now, const std::optional<Frame>& before) {
  std::size_t left = now.width, top = now.height, right = 0, bottom = 0;
  const bool is_whole = !before || before->width != now.width || before->height != now.height;
  for (std::size_t y = 0; y < now.height; ++y)
    for (std::size_t x = 0; x < now.width; ++x) {
      if (!is_whole && color_at(now, x, y) == color_at(*before, x, y)) continue;
      left = std::min(left, x);
      right = std::max(right, x + 1);
      top = std::min(top, y);
      bottom = std::max(bottom, y + 1);
    }
  if (right == 0) left = top = 0, right = bottom = 1;
  GifPart part = {left, top, right - left, bottom - top, {}, {}};
  for (int bits = 8; !choose_colors(part, now, bits); --bits) {
  }
  return part;
}

void FrameGif::add(const Frame& frame, int milliseconds) {
  Frame now = fitted(frame);
  if (!gif_) gif_.emplace(path_, now.width, now.height);
  if (last_ && (last_->width != now.width || last_->height != now.height))
    fail(path_.string(), ": a frame of ", now.width, " x ", now.height, " pixels after one of ", last_->width,
         " x ", last_->height);
  gif_->add(changed_part(now, last_), milliseconds);
  last_ = std::move(now);
}

}  // namespace bellman
