// A network's text, cut into layers and words. It may come from anybody: its length is bounded, and every
// number is checked before it is used.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "core/base/tensor.h"
#include "core/ops/backend.h"

namespace bellman {

/// The words of one layer, read from left to right. Messages continue the sentence "layer 3 (dense 64) ...".
class LayerWords {
 public:
  explicit LayerWords(std::string_view layer_text);

  /// The layer's first word: "dense".
  std::string_view name() const { return words_.front(); }
  bool at_end() const { return next_ == words_.size(); }
  /// Passes over the next word when it is `word`.
  bool take(std::string_view word);
  /// The next word as a whole number from lowest to kMaxFeatures. Throws: Error that says `what` is needed.
  Index number(const char* what, Index lowest);
  /// The next word as a finite decimal number. Throws: Error that says `what` is needed.
  double decimal(const char* what);
  /// The next word as two whole numbers "3x2"; or, when `may_be_one`, as one that stands for both. Throws:
  /// Error that says `what` is needed.
  struct Extents {
    Index h, w;
  };
  Extents extents(const char* what, Index lowest, bool may_be_one);
  /// "KHxKW [stride S | stride SHxSW] [padding P | padding PHxPW]". The stride is the kernel's size by
  /// default when `stride_is_kernel`, else 1.
  Window window(bool stride_is_kernel);
  /// Throws: Error unless every word was read.
  void end() const;

 private:
  std::string_view next_word(const char* what);

  std::vector<std::string_view> words_;
  std::size_t next_ = 1;
};

/// The layers of `text`, which commas separate, without the space around them. The views are into `text`.
/// Throws: Error for a text or a list that is too long, or a layer without a word.
std::vector<std::string_view> split_layers(std::string_view text);

}  // namespace bellman
