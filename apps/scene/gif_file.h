// An animated GIF, written frame by frame.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

struct GifFileType;

namespace bellman {

/// A part of a picture: pixels (height, width) as indices of its colours, 1 to 256 of them.
struct GifPart {
  std::size_t left = 0, top = 0, width = 0, height = 0;
  std::vector<std::uint8_t> pixels;
  std::vector<std::array<std::uint8_t, 3>> colors;  // red, green, blue
};

/// An animation that repeats. What a frame does not cover stays as it was.
class GifFile {
 public:
  /// Throws: Error that names the file and the reason, here and below.
  GifFile(std::filesystem::path path, std::size_t width, std::size_t height);
  ~GifFile();
  GifFile(const GifFile&) = delete;
  GifFile& operator=(const GifFile&) = delete;

  void add(const GifPart& part, int milliseconds);
  /// Writes the file, atomically. No add() after it.
  void finish();
  /// Its bytes, without a file. No add() after it.
  std::string take_bytes();

 private:
  void check(int done) const;

  struct Close {
    void operator()(GifFileType* file) const;
  };
  std::filesystem::path path_;
  std::string bytes_;
  std::unique_ptr<GifFileType, Close> gif_;
};

}  // namespace bellman
