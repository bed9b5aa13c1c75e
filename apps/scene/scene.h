// What an environment looks like: a few lines, circles and polygons, drawn on a page, in a terminal or in a GIF.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "envs/env.h"

namespace bellman {

struct ScenePoint {
  double x = 0, y = 0;  // y upwards
  bool operator==(const ScenePoint&) const = default;
};

enum class Tone { kInk, kFaint, kAgent, kGoal, kDanger, kMarked };

struct SceneShape {
  enum class Kind { kLine, kCircle, kPolygon };
  Kind kind = Kind::kLine;
  std::vector<ScenePoint> points;  // of a line two, of a circle its centre
  double size = 0;                 // a line's width, a circle's radius; in the scene's units
  Tone tone = Tone::kInk;
  bool operator==(const SceneShape&) const = default;
};

struct Scene {
  double left = 0, right = 1, bottom = 0, top = 1;
  std::vector<SceneShape> shapes;  // from back to front; of one environment always as many
  std::string map;                 // of a gridworld: a line a row, the agent an @
};

/// The environment as it is now. One that nobody has drawn shows its observation as bars. REQUIRES: it was reset.
Scene scene_of(const Env& env);

/// "#rrggbb" of a tone on white paper.
std::string_view tone_color(Tone tone);

}  // namespace bellman
