// The pictures that Python's environments draw of themselves.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "envs/env.h"

namespace bellman {

/// A picture in red, green and blue.
struct Frame {
  std::size_t width = 0, height = 0;  // pixels
  std::vector<std::uint8_t> rgb;      // (height, width, 3), from the top left
};

/// Options whose environment draws itself: of Gymnasium, unless its keyword arguments say how it renders; none for others.
std::optional<EnvOptions> with_frames(const EnvOptions& options);

/// What a process's environment is, besides an Env.
class DrawsItself {
 public:
  virtual ~DrawsItself() = default;
  /// Height, width (4 bytes each), then the pixels (height, width, 3).
  virtual std::vector<std::byte> frame() = 0;
};

/// The picture that an environment of with_frames() draws of itself. Throws: Error where it cannot. REQUIRES: a process
/// plays the environment, and it was reset.
Frame frame_of(Env& env);

}  // namespace bellman
