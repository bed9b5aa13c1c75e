#include "apps/scene/frame_gif.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>

#include <doctest/doctest.h>

#include "tests/support/error_message.h"

namespace bellman::test {
namespace {

Frame plain_frame(std::size_t width, std::size_t height, std::array<std::uint8_t, 3> color) {
  Frame frame = {width, height, {}};
  for (std::size_t i = 0; i < width * height; ++i)
    frame.rgb.insert(frame.rgb.end(), color.begin(), color.end());
  return frame;
}
void paint(Frame& frame, std::size_t x, std::size_t y, std::array<std::uint8_t, 3> color) {
  for (std::size_t k = 0; k < 3; ++k) frame.rgb[3 * (y * frame.width + x) + k] = color[k];
}

TEST_CASE("a large frame becomes means of its pixels, a small one whole multiples of them") {
  Frame large = plain_frame(960, 640, {10, 20, 30});
  paint(large, 0, 0, {50, 20, 30});  // one of the four that become the first pixel
  const Frame half = fitted(large);
  CHECK(half.width == 480);
  CHECK(half.height == 320);
  CHECK(half.rgb[0] == 20);  // (3 * 10 + 50) / 4
  CHECK(half.rgb[1] == 20);
  CHECK(half.rgb[3] == 10);

  Frame small = plain_frame(84, 60, {1, 2, 3});
  paint(small, 83, 59, {9, 8, 7});
  const Frame thrice = fitted(small);
  CHECK(thrice.width == 252);
  CHECK(thrice.height == 180);
  std::size_t painted = 0;
  for (std::size_t i = 0; i < thrice.rgb.size(); i += 3) painted += thrice.rgb[i] == 9 ? 1U : 0U;
  CHECK(painted == 9);
  CHECK(thrice.rgb[thrice.rgb.size() - 3] == 9);

  const Frame long_one = fitted(plain_frame(2000, 1, {0, 0, 0}));
  CHECK(long_one.width == 480);
  CHECK(long_one.height == 1);
}

TEST_CASE("a GIF's frame holds what changed, in the right colours") {
  const Frame before = plain_frame(30, 20, {200, 200, 200});
  Frame now = before;
  paint(now, 4, 5, {255, 0, 1});
  paint(now, 9, 7, {0, 254, 3});
  const GifPart part = changed_part(now, before);
  CHECK(part.left == 4);
  CHECK(part.top == 5);
  CHECK(part.width == 6);
  CHECK(part.height == 3);
  REQUIRE(part.pixels.size() == 18);
  for (std::size_t i = 0; i < 18; ++i) {
    const std::size_t at = 3 * ((part.top + i / 6) * now.width + part.left + i % 6);
    const std::array<std::uint8_t, 3> right = {now.rgb[at], now.rgb[at + 1], now.rgb[at + 2]};
    CHECK(part.colors.at(part.pixels[i]) == right);
  }
  CHECK(changed_part(before, before).pixels.size() == 1);
  CHECK(changed_part(before, std::nullopt).pixels.size() == 600);
  CHECK(changed_part(before, plain_frame(20, 30, {200, 200, 200})).pixels.size() == 600);
}

TEST_CASE("a frame of many colours keeps each channel within a step of its palette") {
  Frame many = plain_frame(64, 64, {0, 0, 0});
  for (std::size_t i = 0; i < 64 * 64; ++i)
    paint(many, i % 64, i / 64,
          {static_cast<std::uint8_t>(4 * (i % 64)), static_cast<std::uint8_t>(4 * (i / 64)), 128});
  const GifPart part = changed_part(many, std::nullopt);
  CHECK(part.colors.size() <= 256);
  CHECK(part.colors.size() > 128);  // 4 bits a channel: 16 x 16 of them
  int worst = 0;
  for (std::size_t i = 0; i < 64 * 64; ++i)
    for (std::size_t k = 0; k < 3; ++k)
      worst = std::max(worst, std::abs(int{part.colors[part.pixels[i]][k]} - int{many.rgb[3 * i + k]}));
  CHECK(worst <= 15);
}

TEST_CASE("frames of one GIF have one size") {
  FrameGif gif("a.gif");
  gif.add(plain_frame(100, 100, {1, 1, 1}), 40);
  CHECK(error_message([&] {
          gif.add(plain_frame(100, 50, {1, 1, 1}), 40);
        }) == "a.gif: a frame of 300 x 150 pixels after one of 300 x 300");
}

TEST_CASE("keyword arguments of an environment that draws itself") {
  EnvOptions options;
  options.id = "gymnasium:LunarLander-v3";
  const auto with = [&](const char* given) {
    options.env_kwargs = given;
    const std::optional<EnvOptions> drawn = with_frames(options);
    return drawn ? drawn->env_kwargs : std::string("none");
  };
  CHECK(with("") == "render_mode=rgb_array");
  CHECK(with("gravity=-9") == "gravity=-9,render_mode=rgb_array");
  CHECK(with("{\"gravity\": -9} ") == "{\"gravity\": -9,\"render_mode\":\"rgb_array\"}");
  CHECK(with(" { } ") == " { \"render_mode\":\"rgb_array\"}");
  CHECK(with("render_mode=human") == "none");
  options.id = "envpool:Pong-v5";
  CHECK(with("") == "none");
}

}  // namespace
}  // namespace bellman::test
