#include "apps/scene/frame_film.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "apps/scene/frame_gif.h"
#include "apps/scene/gif_file.h"
#include "core/base/check.h"

namespace bellman {
namespace {

std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    unsigned three = 0;
    for (std::size_t k = 0; k < 3; ++k)
      three = three << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k)
      text += i + k <= bytes.size() ? kDigits[three >> (18 - 6 * k) & 63U] : '=';
  }
  return text;
}

}  // namespace

std::string data_uri(const Frame& frame) {
  const Frame small = shrunk(frame);
  GifFile gif("a frame", small.width, small.height);
  gif.add(changed_part(small, std::nullopt), 0);
  return "data:image/gif;base64," + base64(gif.take_bytes());
}

void FrameFilm::add(const Frame& frame, std::string caption) {
  if (count_ == 0) width_ = frame.width, height_ = frame.height;
  if (frame.width != width_ || frame.height != height_)
    fail("a frame of ", frame.width, " x ", frame.height, " pixels after one of ", width_, " x ", height_);
  if (count_++ % every_ == 0) keep(data_uri(frame), caption);
  last_ = frame;
  last_caption_ = std::move(caption);
}

void FrameFilm::keep(std::string uri, std::string caption) {
  bytes_ += uri.size();
  kept_.push_back({std::move(uri), std::move(caption)});
  while (bytes_ > most_bytes_ && kept_.size() > 2) {
    every_ *= 2;
    bytes_ = 0;
    std::vector<Shown> half;
    for (std::size_t i = 0; i < kept_.size(); i += 2) {
      bytes_ += kept_[i].uri.size();
      half.push_back(std::move(kept_[i]));
    }
    kept_ = std::move(half);
  }
}

Markup FrameFilm::player(std::string_view id, std::string_view label) {
  BELLMAN_CHECK(count_ > 0);
  if ((count_ - 1) % every_ != 0) kept_.push_back({data_uri(last_), last_caption_});
  Markup said;
  if (every_ > 1)
    said = element("p", as_text("One frame in " + std::to_string(every_) + " is shown, and the last: all " +
                                std::to_string(count_) + " would take more than " +
                                std::to_string(most_bytes_ >> 10) + " KiB of this page."));
  nlohmann::ordered_json frames = nlohmann::ordered_json::array();
  for (Shown& shown : kept_)
    frames.push_back(
        {{"set", {{".frame", {{"href", std::move(shown.uri)}}}}}, {"caption", std::move(shown.caption)}});
  const std::string width = std::to_string(width_), height = std::to_string(height_);
  Attributes image = {{"class", "frame"}, {"width", width}, {"height", height}};
  if (std::max(width_, height_) < 240) image.add("image-rendering", "pixelated");
  return said +
         element(
             "figure",
             {{"data-player", std::string(id) + "-frames"}, {"data-rate", kept_.size() > 60 ? "25" : "5"}},
             element("svg",
                     {{"class", "scene film"},
                      {"viewBox", "0 0 " + width + " " + height},
                      {"preserveAspectRatio", "xMinYMid"},
                      {"role", "img"},
                      {"aria-label", std::string(label)}},
                     leaf("image", image))) +
         json_data(std::string(id) + "-frames",
                   frames.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

}  // namespace bellman
