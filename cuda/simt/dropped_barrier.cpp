#include "cuda/simt/dropped_barrier.h"

#if defined(BELLMAN_SIMT_MUTANTS)

#include <cstdlib>
#include <string>
#include <utility>

#include "core/base/check.h"

namespace bellman::simt::detail {

namespace {

struct Named {
  std::string file;
  unsigned line = 0;  // 0: none
};

Named named_by_environment() {
  const char* value = std::getenv("BELLMAN_SIMT_DROP_BARRIER");
  if (value == nullptr) return {};
  const std::string text(value);
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) fail("BELLMAN_SIMT_DROP_BARRIER is \"", text, "\", must be FILE:LINE");
  return {'/' + text.substr(0, colon), static_cast<unsigned>(std::atoi(text.c_str() + colon + 1))};
}

std::vector<Place>& visited_barriers() {
  static std::vector<Place> places;
  return places;
}

void note_visit(const Place& place) {
  for (const Place& known : visited_barriers())
    if (known.line == place.line && known.file == place.file) return;  // one address a file: near enough
  visited_barriers().push_back(place);
}

}  // namespace

std::vector<Place> take_visited_barriers() { return std::exchange(visited_barriers(), {}); }

bool is_dropped_barrier(const Place& place) {
  static const Named named = named_by_environment();
  note_visit(place);
  // The compiler may have been given a longer path.
  return place.line == named.line && ('/' + std::string(place.file)).ends_with(named.file);
}

}  // namespace bellman::simt::detail

#endif
