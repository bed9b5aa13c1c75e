#include "apps/settings/shape_argument.h"

#include <vector>

#include "apps/base/parse_number.h"
#include "core/base/check.h"
#include "core/base/text.h"

namespace bellman {

Shape parse_shape(std::string_view key, std::string_view text) {
  constexpr Index kMaxExtent = 1 << 20, kMaxElements = 1 << 28;
  Shape shape;
  if (text.empty()) return shape;
  const std::vector<Index> extents = parse_integers(key, text, 1, kMaxExtent);
  if (extents.size() != 1 && extents.size() != 3)
    fail(key, ": \"", printable(text), "\" has ", extents.size(),
         " numbers; features are one, I, and images three, C,H,W");
  Index elements = 1;
  for (const Index extent : extents) {
    if (extent > kMaxElements / elements)
      fail(key, ": \"", printable(text), "\" has more than ", kMaxElements, " elements");
    elements *= extent;
    shape.append(extent);
  }
  return shape;
}

}  // namespace bellman
