#include "core/base/nearest_name.h"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <vector>

namespace bellman {
namespace {

char folded(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// Insertions, deletions and replacements of a letter that turn `a` into `b`; or some number over `limit`,
/// when more than that are needed.
std::size_t edit_distance(std::string_view a, std::string_view b, std::size_t limit) {
  // row[j] = distance from the letters of a seen so far to the first j letters of b. No row's least is below
  // the one's before it.
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    std::size_t least = row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (folded(a[i]) == folded(b[j]) ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, diagonal + 1, row[j] + 1});
      least = std::min(least, row[j + 1]);
    }
    if (least > limit) return least;
  }
  return row.back();
}

/// The most edits after which `a` may still have meant `b`.
std::size_t edit_limit(std::string_view a, std::string_view b) {
  const std::size_t longer = std::max(a.size(), b.size());
  return longer < 2 ? 0 : std::max<std::size_t>(1, longer / 3);
}

}  // namespace

std::string_view nearest_name(std::string_view name, std::span<const std::string_view> known) {
  std::string_view best;
  std::size_t fewest = 0;
  for (std::string_view candidate : known) {
    const std::size_t limit = edit_limit(name, candidate);
    const std::size_t difference =
        std::max(name.size(), candidate.size()) - std::min(name.size(), candidate.size());
    if (difference > limit) continue;  // also keeps a very long name from costing a very long time
    const std::size_t edits = edit_distance(name, candidate, limit);
    if (edits > limit || (!best.empty() && edits >= fewest)) continue;
    best = candidate;
    fewest = edits;
  }
  return best;
}

std::string suggestion(std::string_view name, std::span<const std::string_view> known) {
  const std::string_view nearest = nearest_name(name, known);
  if (!nearest.empty()) return " (did you mean \"" + std::string(nearest) + "\"?)";
  std::string text = " (known: ";
  for (std::size_t i = 0; i < known.size(); ++i) {
    if (i > 0) text += ", ";
    text += known[i];
  }
  return text + ")";
}

}  // namespace bellman
