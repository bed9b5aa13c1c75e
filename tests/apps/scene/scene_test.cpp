// Scenes: what every environment looks like, in dots, in a terminal and in a GIF.
#include <algorithm>
#include <fstream>
#include <sstream>

#include <doctest/doctest.h>

#include "apps/scene/scene_gif.h"
#include "apps/scene/scene_raster.h"
#include "tests/support/error_message.h"
#include "tests/support/temporary_directory.h"

namespace bellman::test {
namespace {

std::unique_ptr<Env> started(const std::string& id) {
  EnvOptions options;
  options.id = id;
  std::unique_ptr<Env> env = make_env(options);
  env->seed({1, Purpose::kEnvironment, 0});
  env->reset();
  return env;
}

TEST_CASE("every bundled environment has a scene that stays within its frame and keeps its shapes") {
  for (const EnvEntry& entry : env_entries()) {
    CAPTURE(entry.id);
    const std::unique_ptr<Env> env = started(std::string(entry.id));
    const Scene first = scene_of(*env);
    CHECK(first.right > first.left);
    CHECK(first.top > first.bottom);
    REQUIRE_FALSE(first.shapes.empty());
    for (int t = 0; t < 5; ++t) {
      const StepResult result = env->step(t % env->spec().num_actions);
      const Scene scene = scene_of(*env);
      CHECK(scene.shapes.size() == first.shapes.size());
      if (result.terminated || result.truncated) break;
    }
    const Raster raster = rasterise(first, 120, 80);
    CHECK(std::count(raster.pixels.begin(), raster.pixels.end(), 0) < 120 * 80);
  }
}

TEST_CASE("a scene's lines fit what they are given, however little") {
  const std::unique_ptr<Env> env = started("CartPole-v1");
  for (const std::size_t columns : {1, 7, 40, 79})
    for (const std::size_t rows : {1, 2, 20}) {
      const std::vector<std::string> lines = scene_lines(scene_of(*env), columns, rows);
      CHECK(lines.size() == rows);
      for (const std::string& line : lines) CHECK(line.size() == 3 * columns);  // braille is 3 bytes of UTF-8
    }
}

TEST_CASE("the cart is where the state says") {
  const std::unique_ptr<Env> env = started("CartPole-v1");
  const auto column_of_pole = [&](double x) {
    env->set_physical_state(std::vector<double>{x, 0, 0, 0});
    const Raster raster = rasterise(scene_of(*env), 520, 190);
    const auto tone = static_cast<std::uint8_t>(1 + static_cast<int>(Tone::kAgent));
    for (std::size_t i = 0; i < raster.pixels.size(); ++i)
      if (raster.pixels[i] == tone) return static_cast<double>(i % raster.width);
    return -1.0;
  };
  CHECK(std::abs(column_of_pole(0) - 260) < 8);
  CHECK(std::abs(column_of_pole(1) - 360) < 8);
  CHECK(std::abs(column_of_pole(-2) - 60) < 8);
}

TEST_CASE("a GIF has a frame a scene") {
  const TemporaryDirectory directory;
  const std::unique_ptr<Env> env = started("FrozenLake-v1");
  const std::vector<Scene> scenes(3, scene_of(*env));
  write_gif(directory.path() / "a.gif", scenes, 100);
  std::ifstream in(directory.path() / "a.gif", std::ios::binary);
  std::stringstream bytes;
  bytes << in.rdbuf();
  const std::string gif = bytes.str();
  CHECK(gif.starts_with("GIF89a"));
  CHECK(gif.back() == ';');
  std::size_t frames = 0;
  for (std::size_t at = 0; (at = gif.find(std::string("\x21\xf9\x04", 3), at)) != std::string::npos; ++at)
    ++frames;
  CHECK(frames == 3);
  CHECK(
      contains(error_message([&] { write_gif(directory.path() / "none" / "a.gif", scenes, 100); }), "a.gif"));
}

}  // namespace
}  // namespace bellman::test
