// An environment's own pictures on a page.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "apps/page/markup.h"
#include "envs/process/frame.h"

namespace bellman {

/// The frame as a picture that a page can hold: a GIF of at most 480 pixels a side and 256 colours, as a data URI.
std::string data_uri(const Frame& frame);

/// The frames of an episode. When they would take more than `most_bytes` of a page, every second one is dropped, and of those to
/// come as well, as often as needed. The first and the last frame stay: two pictures may exceed the bound, and the last one.
class FrameFilm {
 public:
  explicit FrameFilm(std::size_t most_bytes) : most_bytes_(most_bytes) {}

  /// Throws: Error for a frame that has another size than the first.
  void add(const Frame& frame, std::string caption);
  /// Each n-th frame was kept: n.
  std::size_t every() const { return every_; }
  /// A figure that plays, pauses and steps (apps/page/page.js), below a sentence about frames that were dropped. `id` is unique
  /// on the page. REQUIRES: a frame was added. No add() after it.
  Markup player(std::string_view id, std::string_view label);

 private:
  struct Shown {
    std::string uri, caption;
  };
  void keep(std::string uri, std::string caption);

  std::size_t most_bytes_;
  std::size_t width_ = 0, height_ = 0;  // of the first frame
  std::size_t count_ = 0, every_ = 1, bytes_ = 0;
  std::vector<Shown> kept_;
  Frame last_;
  std::string last_caption_;
};

}  // namespace bellman
