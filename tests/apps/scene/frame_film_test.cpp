#include "apps/scene/frame_film.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/support/error_message.h"
#include "tests/support/parse_json.h"

namespace bellman::test {
namespace {

/// A frame unlike every other, whose pixels have so many colours.
Frame numbered_frame(std::size_t number, std::size_t width = 40, std::size_t height = 30) {
  Frame frame = {width, height, {}};
  for (std::size_t i = 0; i < width * height; ++i)
    for (std::size_t k = 0; k < 3; ++k)
      frame.rgb.push_back(static_cast<std::uint8_t>((i * (k + 1) * (number + 1)) % 7 * 30 + number));
  return frame;
}

struct ShownFilm {
  std::vector<std::string> captions;
  std::size_t bytes = 0;
  std::string markup;
};

ShownFilm shown(FrameFilm& film) {
  ShownFilm out;
  out.markup = film.player("episode", "an episode").text();
  const std::string begin = "<script type=\"application/json\" id=\"episode-frames\">";
  const std::size_t at = out.markup.find(begin) + begin.size();
  for (const auto& frame : parse_json(out.markup.substr(at, out.markup.find("</script>", at) - at))) {
    out.captions.push_back(frame.at("caption").get<std::string>());
    out.bytes += frame.at("set").at(".frame").at("href").get<std::string>().size();
  }
  return out;
}

TEST_CASE("a film keeps its first and last frame and one in a power of two between, within its bytes") {
  const std::size_t one = data_uri(numbered_frame(0)).size();
  for (const std::size_t count : {1U, 2U, 3U, 7U, 8U, 9U, 64U, 65U}) {
    const std::size_t most = 5 * one;
    FrameFilm film(most);
    for (std::size_t i = 0; i < count; ++i) film.add(numbered_frame(i), std::to_string(i));
    const std::size_t every = film.every();
    const ShownFilm all = shown(film);
    CAPTURE(count);
    CHECK((every & (every - 1)) == 0);
    CHECK((every == 1) == (count <= 4));
    CHECK(all.bytes <= most + one + one / 2);  // and the last picture
    std::vector<std::string> right;
    for (std::size_t i = 0; i < count; i += every) right.push_back(std::to_string(i));
    if ((count - 1) % every != 0) right.push_back(std::to_string(count - 1));
    CHECK(all.captions == right);
    CHECK((all.markup.find("One frame in " + std::to_string(every) + " is shown") != std::string::npos) ==
          (every > 1));
  }
}

TEST_CASE("the frames of a film have one size, also where a page shows them smaller") {
  FrameFilm film(1 << 20);
  film.add(numbered_frame(0, 960, 640), "");
  CHECK(error_message([&] { film.add(numbered_frame(1, 480, 320), ""); }) ==
        "a frame of 480 x 320 pixels after one of 960 x 640");
  CHECK(shown(film).markup.find("viewBox=\"0 0 960 640\"") != std::string::npos);
}

}  // namespace
}  // namespace bellman::test
