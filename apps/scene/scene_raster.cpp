#include "apps/scene/scene_raster.h"

#include <algorithm>
#include <cmath>
#include <sstream>

namespace bellman {
namespace {

/// From the scene's units to pixels: the same scale both ways, the scene in the middle.
class Canvas {
 public:
  Canvas(const Scene& scene, Raster& raster) : raster_(raster) {
    const double width = scene.right - scene.left, height = scene.top - scene.bottom;
    scale_ = std::min(static_cast<double>(raster.width) / width, static_cast<double>(raster.height) / height);
    left_ = (static_cast<double>(raster.width) - scale_ * width) / 2 - scale_ * scene.left;
    top_ = (static_cast<double>(raster.height) - scale_ * height) / 2 + scale_ * scene.top;
  }

  void draw(const SceneShape& shape) {
    switch (shape.kind) {
      case SceneShape::Kind::kLine:
        return line(at(shape.points[0]), at(shape.points[1]), scale_ * shape.size, shape.tone);
      case SceneShape::Kind::kCircle:
        return circle(at(shape.points[0]), scale_ * shape.size, shape.tone);
      case SceneShape::Kind::kPolygon:
        return polygon(shape.points, shape.tone);
    }
  }

 private:
  ScenePoint at(ScenePoint p) const { return {left_ + scale_ * p.x, top_ - scale_ * p.y}; }

  template <class Inside>
  void fill(double x0, double x1, double y0, double y1, Tone tone, Inside inside) {
    const auto first = [](double v) { return static_cast<std::size_t>(std::max(0.0, std::floor(v))); };
    const auto last = [](double v, std::size_t most) {
      return static_cast<std::size_t>(std::clamp(std::ceil(v) + 1, 0.0, static_cast<double>(most)));
    };
    for (std::size_t y = first(y0); y < last(y1, raster_.height); ++y)
      for (std::size_t x = first(x0); x < last(x1, raster_.width); ++x)
        if (inside(static_cast<double>(x) + 0.5, static_cast<double>(y) + 0.5))
          raster_.pixels[y * raster_.width + x] = static_cast<std::uint8_t>(1 + static_cast<int>(tone));
  }
  void circle(ScenePoint c, double radius, Tone tone) {
    radius = std::max(radius, 0.75);
    fill(c.x - radius, c.x + radius, c.y - radius, c.y + radius, tone,
         [=](double x, double y) { return std::hypot(x - c.x, y - c.y) <= radius; });
  }
  /// All that is nearer to it than half its width, at least half a pixel's diagonal.
  void line(ScenePoint a, ScenePoint b, double width, Tone tone) {
    const double half = std::max(width / 2, 0.71), dx = b.x - a.x, dy = b.y - a.y, length = dx * dx + dy * dy;
    fill(std::min(a.x, b.x) - half, std::max(a.x, b.x) + half, std::min(a.y, b.y) - half,
         std::max(a.y, b.y) + half, tone, [=](double x, double y) {
           const double t =
               length > 0 ? std::clamp(((x - a.x) * dx + (y - a.y) * dy) / length, 0.0, 1.0) : 0.0;
           return std::hypot(x - a.x - t * dx, y - a.y - t * dy) <= half;
         });
  }
  /// REQUIRES: convex, its corners in one turn.
  void polygon(const std::vector<ScenePoint>& corners, Tone tone) {
    std::vector<ScenePoint> points;
    double x0 = 1e300, x1 = -1e300, y0 = 1e300, y1 = -1e300;
    for (const ScenePoint& corner : corners) {
      points.push_back(at(corner));
      x0 = std::min(x0, points.back().x), x1 = std::max(x1, points.back().x);
      y0 = std::min(y0, points.back().y), y1 = std::max(y1, points.back().y);
    }
    fill(x0, x1, y0, y1, tone, [&](double x, double y) {
      int left = 0, right = 0;
      for (std::size_t i = 0; i < points.size(); ++i) {
        const ScenePoint &a = points[i], &b = points[(i + 1) % points.size()];
        const double turn = (b.x - a.x) * (y - a.y) - (b.y - a.y) * (x - a.x);
        left += turn > 0, right += turn < 0;
      }
      return left == 0 || right == 0;
    });
  }

  Raster& raster_;
  double scale_ = 1, left_ = 0, top_ = 0;
};

std::string utf8(unsigned code) {
  return {static_cast<char>(0xe0 | code >> 12), static_cast<char>(0x80 | (code >> 6 & 0x3f)),
          static_cast<char>(0x80 | (code & 0x3f))};
}

}  // namespace

Raster rasterise(const Scene& scene, std::size_t width, std::size_t height) {
  Raster raster = {width, height, std::vector<std::uint8_t>(width * height, 0)};
  Canvas canvas(scene, raster);
  for (const SceneShape& shape : scene.shapes) canvas.draw(shape);
  return raster;
}

std::vector<std::string> scene_lines(const Scene& scene, std::size_t columns, std::size_t rows) {
  std::vector<std::string> lines;
  if (!scene.map.empty()) {
    std::istringstream map(scene.map);
    for (std::string line; std::getline(map, line);) lines.push_back(line);
    if (lines.size() <= rows && lines.front().size() <= columns) return lines;
    lines.clear();
  }
  // Dots 1 2 3 7 are the left column from the top, 4 5 6 8 the right one.
  constexpr unsigned kDots[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
  const Raster raster = rasterise(scene, 2 * columns, 4 * rows);
  for (std::size_t r = 0; r < rows; ++r) {
    std::string line;
    for (std::size_t c = 0; c < columns; ++c) {
      unsigned dots = 0;
      for (std::size_t y = 0; y < 4; ++y)
        for (std::size_t x = 0; x < 2; ++x)
          if (raster.pixels[(4 * r + y) * raster.width + 2 * c + x] != 0) dots |= kDots[y][x];
      line += utf8(0x2800 + dots);
    }
    lines.push_back(line);
  }
  return lines;
}

}  // namespace bellman
