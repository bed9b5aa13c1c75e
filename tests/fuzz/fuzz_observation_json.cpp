// Whatever the text: observations of a row and of an image are read from it, or Error is thrown; what was
// read has the right number of finite values.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "apps/observation_json.h"
#include "core/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bellman;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const Shape& shape : {Shape{4}, Shape{1}, Shape{2, 1, 3}}) try {
      const Observations read = parse_observations("fuzz", text, shape);
      BELLMAN_CHECK(static_cast<Index>(read.values.size()) == read.rows * shape.elements());
      for (const float value : read.values) BELLMAN_CHECK(std::isfinite(value));
    } catch (const Error&) {
    }
  return 0;
}
