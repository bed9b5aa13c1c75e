// A network's text, split into layers and words. The text is untrusted: its length is bounded, and every
// number is checked before use.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "core/base/tensor.h"
#include "core/ops/backend.h"

namespace bellman {

/// The words of one layer, read from left to right. Error messages continue "layer 3 (dense 64) ...".
class LayerWords {
 public:
  explicit LayerWords(std::string_view layer_text);

  /// The layer's first word: "dense".
  std::string_view name() const { return words_.front(); }
  bool at_end() const { return next_ == words_.size(); }
  /// Consumes the next word if it is `word`.
  bool take(std::string_view word);
  // The readers below throw Error, saying that `what` is needed, for any other word.
  /// The next word as a whole number from lowest to kMaxFeatures.
  Index number(const char* what, Index lowest);
  /// The next word as a finite decimal number.
  double decimal(const char* what);
  /// The next word as two whole numbers "3x2" or, when `may_be_one`, as one number for both.
  struct Extents {
    Index h, w;
  };
  Extents extents(const char* what, Index lowest, bool may_be_one);
  /// "KHxKW [stride S | stride SHxSW] [padding P | padding PHxPW]". The default stride is the kernel's size
  /// when `stride_is_kernel`, else 1.
  Window window(bool stride_is_kernel);
  /// Throws: Error when words are left.
  void end() const;

 private:
  std::string_view next_word(const char* what);

  std::vector<std::string_view> words_;
  std::size_t next_ = 1;
};

/// The comma-separated layers of `text`, without surrounding space, as views into `text`.
/// Throws: Error for too long a text, too many layers, or an empty layer.
std::vector<std::string_view> split_layers(std::string_view text);

}  // namespace bellman
