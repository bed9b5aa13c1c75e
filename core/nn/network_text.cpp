#include "core/nn/network_text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <system_error>

#include "core/base/text.h"
#include "core/nn/layers/layer.h"

namespace bellman {
namespace {

constexpr std::size_t kMaxTextLength = 16'384;
constexpr std::size_t kMaxLayers = 512;
constexpr std::string_view kSpace = " \t\r\n";

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

/// The whole of `word` as a number of type N, or nothing: "64", but not "+64", "6 4", "64x" or "1e99999".
template <class N>
std::optional<N> parse_number(std::string_view word) {
  N value{};
  const char* end = word.data() + word.size();
  const std::from_chars_result result = std::from_chars(word.data(), end, value);
  if (result.ec != std::errc() || result.ptr != end) return std::nullopt;
  return value;
}

std::optional<Index> parse_size(std::string_view word, Index lowest) {
  const std::optional<Index> value = parse_number<Index>(word);
  return value && *value >= lowest && *value <= kMaxFeatures ? value : std::nullopt;
}

}  // namespace

LayerWords::LayerWords(std::string_view layer_text) {
  std::string_view rest = trimmed(layer_text);
  while (!rest.empty()) {
    const std::size_t length = std::min(rest.find_first_of(kSpace), rest.size());
    words_.push_back(rest.substr(0, length));
    rest = trimmed(rest.substr(length));
  }
  if (words_.empty()) fail("is empty");
}

bool LayerWords::take(std::string_view word) {
  if (at_end() || words_[next_] != word) return false;
  ++next_;
  return true;
}

std::string_view LayerWords::next_word(const char* what) {
  if (at_end()) fail("needs ", what, " after \"", printable(words_.back()), "\"");
  return words_[next_++];
}

Index LayerWords::number(const char* what, Index lowest) {
  const std::string_view word = next_word(what);
  const std::optional<Index> value = parse_size(word, lowest);
  if (!value)
    fail("needs ", what, ", a whole number from ", lowest, " to ", kMaxFeatures, ", not \"", printable(word),
         "\"");
  return *value;
}

double LayerWords::decimal(const char* what) {
  const std::string_view word = next_word(what);
  const std::optional<double> value = parse_number<double>(word);
  if (!value || !std::isfinite(*value)) fail("needs ", what, ", a number, not \"", printable(word), "\"");
  return *value;
}

LayerWords::Extents LayerWords::extents(const char* what, Index lowest, bool may_be_one) {
  const std::string_view word = next_word(what);
  const std::size_t x = word.find('x');
  const bool one = x == std::string_view::npos;
  const std::optional<Index> h = parse_size(word.substr(0, x), lowest);
  const std::optional<Index> w = one ? h : parse_size(word.substr(x + 1), lowest);
  if (!h || !w || (one && !may_be_one))
    fail("needs ", what, " such as ", may_be_one ? "\"2\" or " : "", "\"3x3\", from ", lowest, " to ",
         kMaxFeatures, ", not \"", printable(word), "\"");
  return {*h, *w};
}

Window LayerWords::window(bool stride_is_kernel) {
  const Extents kernel = extents("a kernel", 1, false);
  Extents stride = stride_is_kernel ? kernel : Extents{1, 1};
  Extents padding = {0, 0};
  if (take("stride")) stride = extents("a stride", 1, true);
  if (take("padding")) padding = extents("a padding", 0, true);
  return {kernel.h, kernel.w, stride.h, stride.w, padding.h, padding.w};
}

void LayerWords::end() const {
  if (!at_end()) fail("does not know what \"", printable(words_[next_]), "\" means");
}

std::vector<std::string_view> split_layers(std::string_view text) {
  if (text.size() > kMaxTextLength)
    fail("a network's text has ", text.size(), " characters, at most ", kMaxTextLength, " are possible");
  std::vector<std::string_view> layers;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t comma = std::min(text.find(',', begin), text.size());
    const std::string_view layer = trimmed(text.substr(begin, comma - begin));
    if (layer.empty()) fail("layer ", layers.size(), " of the network \"", printable(text), "\" is empty");
    if (layers.size() == kMaxLayers) fail("a network has more than ", kMaxLayers, " layers");
    layers.push_back(layer);
    begin = comma + 1;
  }
  return layers;
}

}  // namespace bellman
