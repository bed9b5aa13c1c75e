// An environment's own pictures as an animated GIF.
#pragma once

#include <filesystem>
#include <optional>

#include "apps/scene/gif_file.h"
#include "envs/process/frame.h"

namespace bellman {

/// The frame in the size that a GIF shows: its longer side has at most 480 pixels, by averages, and at least 240, by whole
/// multiples.
Frame fitted(const Frame& frame);
/// The frame with at most 480 pixels on its longer side, by averages. A smaller one stays as it is.
Frame shrunk(const Frame& frame);

/// What of `now` differs from `before`, at most 256 colours: the right ones where there are no more, otherwise with fewer
/// bits a channel. Without `before`, or with one of another size, all of it. One pixel where nothing differs.
GifPart changed_part(const Frame& now, const std::optional<Frame>& before);

/// Frames of one size; the first says which.
class FrameGif {
 public:
  explicit FrameGif(std::filesystem::path path) : path_(std::move(path)) {}
  /// Throws: Error for a frame of another size than the first's, and as GifFile.
  void add(const Frame& frame, int milliseconds);
  /// REQUIRES: a frame was added.
  void finish() { gif_->finish(); }

 private:
  std::filesystem::path path_;
  std::optional<GifFile> gif_;
  std::optional<Frame> last_;  // fitted
};

}  // namespace bellman
