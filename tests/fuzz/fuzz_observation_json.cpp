// For any text: observations of a row or of an image (the text's length decides) are read from it, or
// Error is thrown. They have the right number of finite values.
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "apps/commands/observation_json.h"
#include "core/base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bellman;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static const std::array<Shape, 3> shapes = {Shape{4}, Shape{1}, Shape{2, 1, 3}};
  const Shape& shape = shapes[size % shapes.size()];
  try {
    const Observations read = parse_observations("fuzz", text, shape);
    BELLMAN_CHECK(static_cast<Index>(read.values.size()) == read.rows * shape.elements());
    for (const float value : read.values) BELLMAN_CHECK(std::isfinite(value));
  } catch (const Error&) {
  }
  return 0;
}
