#include "apps/scene/scene.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "envs/grid/grid_task.h"
#include "envs/grid/tabular_env.h"

namespace bellman {
namespace {

using Kind = SceneShape::Kind;

SceneShape line(ScenePoint from, ScenePoint to, double width, Tone tone) {
  return {Kind::kLine, {from, to}, width, tone};
}
SceneShape circle(ScenePoint centre, double radius, Tone tone) {
  return {Kind::kCircle, {centre}, radius, tone};
}
SceneShape box(double left, double right, double bottom, double top, Tone tone) {
  return {Kind::kPolygon, {{left, bottom}, {right, bottom}, {right, top}, {left, top}}, 0, tone};
}

// Each takes the numbers of Env::state(), the physical ones first.
using State = std::vector<double>;

/// x, x_dot, theta, theta_dot; the pole is 1 m long.
Scene cart_pole(const State& s) {
  const double x = s[0], theta = s[2];
  return {
      -2.6,
      2.6,
      -0.5,
      1.4,
      {line({-2.4, 0}, {2.4, 0}, 0.02, Tone::kFaint), line({-2.4, -0.2}, {-2.4, 0.2}, 0.03, Tone::kDanger),
       line({2.4, -0.2}, {2.4, 0.2}, 0.03, Tone::kDanger), box(x - 0.25, x + 0.25, -0.13, 0.13, Tone::kInk),
       line({x, 0.1}, {x + std::sin(theta), 0.1 + std::cos(theta)}, 0.08, Tone::kAgent),
       circle({x, 0.1}, 0.05, Tone::kFaint)},
      ""};
}

/// position, velocity; the height is sin(3 position).
Scene mountain_car(const State& s) {
  Scene scene = {-1.25, 0.65, -1.25, 1.3, {}, ""};
  constexpr int kPieces = 48;
  const auto height = [](double x) { return std::sin(3 * x); };
  for (int i = 0; i < kPieces; ++i) {
    const double a = -1.2 + 1.8 * i / kPieces, b = -1.2 + 1.8 * (i + 1) / kPieces;
    scene.shapes.push_back(line({a, height(a)}, {b, height(b)}, 0.02, Tone::kFaint));
  }
  scene.shapes.push_back(line({0.5, height(0.5)}, {0.5, height(0.5) + 0.25}, 0.02, Tone::kGoal));
  scene.shapes.push_back(circle({s[0], height(s[0]) + 0.07}, 0.07, Tone::kAgent));
  return scene;
}

/// theta1 from hanging down, theta2 from the first link's direction; both links are 1 m long.
Scene acrobot(const State& s) {
  const ScenePoint joint = {std::sin(s[0]), -std::cos(s[0])};
  const ScenePoint tip = {joint.x + std::sin(s[0] + s[1]), joint.y - std::cos(s[0] + s[1])};
  return {-2.2,
          2.2,
          -2.2,
          2.2,
          {line({-2.2, 1}, {2.2, 1}, 0.02, Tone::kGoal), line({0, 0}, joint, 0.15, Tone::kInk),
           line(joint, tip, 0.15, Tone::kAgent), circle({0, 0}, 0.1, Tone::kFaint),
           circle(joint, 0.1, Tone::kFaint)},
          ""};
}

Scene gridworld(const GridTask& task, std::int32_t agent) {
  Scene scene = {0,  static_cast<double>(task.cols), 0, static_cast<double>(task.rows),
                 {}, draw_map(task, agent)};
  const auto at = [&](std::int32_t s) {
    return ScenePoint{static_cast<double>(s % task.cols), static_cast<double>(task.rows - 1 - s / task.cols)};
  };
  for (std::int32_t s = 0; s < task.rows * task.cols; ++s) {
    const ScenePoint corner = at(s);
    const auto cell = [&](Tone tone) {
      scene.shapes.push_back(box(corner.x, corner.x + 1, corner.y, corner.y + 1, tone));
    };
    switch (task.cells[static_cast<std::size_t>(s)]) {
      case Cell::kWall:
        cell(Tone::kInk);
        break;
      case Cell::kGoal:
        cell(Tone::kGoal);
        break;
      case Cell::kPit:
        cell(Tone::kDanger);
        break;
      case Cell::kMarked:
        cell(Tone::kMarked);
        break;
      case Cell::kFloor:
      case Cell::kStart:
        break;
    }
  }
  for (std::int32_t r = 0; r <= task.rows; ++r)
    scene.shapes.push_back(
        line({0, static_cast<double>(r)}, {scene.right, static_cast<double>(r)}, 0.02, Tone::kFaint));
  for (std::int32_t c = 0; c <= task.cols; ++c)
    scene.shapes.push_back(
        line({static_cast<double>(c), 0}, {static_cast<double>(c), scene.top}, 0.02, Tone::kFaint));
  const ScenePoint corner = at(agent);
  scene.shapes.push_back(circle({corner.x + 0.5, corner.y + 0.5}, 0.32, Tone::kAgent));
  return scene;
}

/// A bar for each number of the observation, from -1 to 1 after x / (1 + |x|).
Scene bars(const Env& env) {
  std::vector<float> seen(static_cast<std::size_t>(env.spec().observation_shape.elements()));
  env.observe(seen);
  constexpr std::size_t kMost = 64;
  seen.resize(std::min(seen.size(), kMost));
  Scene scene = {0,
                 static_cast<double>(seen.size()),
                 -1,
                 1,
                 {line({0, 0}, {static_cast<double>(seen.size()), 0}, 0.01, Tone::kFaint)},
                 ""};
  for (std::size_t i = 0; i < seen.size(); ++i) {
    const double x = static_cast<double>(i), value = static_cast<double>(seen[i]),
                 y = value / (1 + std::abs(value));
    scene.shapes.push_back(box(x + 0.1, x + 0.9, std::min(0.0, y), std::max(0.0, y), Tone::kAgent));
  }
  return scene;
}

struct Drawer {
  std::string_view id_prefix;
  Scene (*draw)(const State& state);
};
constexpr Drawer kDrawers[] = {{"CartPole", cart_pole}, {"MountainCar", mountain_car}, {"Acrobot", acrobot}};

}  // namespace

Scene scene_of(const Env& shown) {
  const Env& env = shown.unwrapped();
  const State state = env.state();
  if (const TabularEnv* const grid = as_tabular(env))
    return gridworld(grid->task(), static_cast<std::int32_t>(state[0]));
  for (const Drawer& drawer : kDrawers)
    if (env.spec().id.starts_with(drawer.id_prefix)) return drawer.draw(state);
  return bars(env);
}

std::string_view tone_color(Tone tone) {
  constexpr std::string_view kColors[] = {"#333333", "#999999", "#0072b2", "#009e73", "#d55e00", "#e69f00"};
  return kColors[static_cast<std::size_t>(tone)];
}

}  // namespace bellman
