#include "apps/ranks/late_ranks.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/base/text.h"

namespace bellman {
namespace {

constexpr double kForAnswers = 0.5;  // seconds
constexpr double kStagger = 0.02;    // seconds between ranks that begin to ask
constexpr int kMostStaggered = 50;

std::string name_of(int rank, int size) {
  return "rank " + std::to_string(rank) + " of " + std::to_string(size);
}

}  // namespace

std::string ranks_text(const std::vector<int>& ranks) {
  constexpr std::size_t kMost = 8;
  BELLMAN_CHECK(!ranks.empty());
  std::vector<std::string> names;
  for (std::size_t i = 0; i < std::min(ranks.size(), kMost); ++i) names.push_back(std::to_string(ranks[i]));
  if (ranks.size() > kMost) names.push_back(std::to_string(ranks.size() - kMost) + " others");
  std::string text = (ranks.size() == 1 ? "rank " : "ranks ") + names.front();
  for (std::size_t i = 1; i < names.size(); ++i) text += (i + 1 == names.size() ? " and " : ", ") + names[i];
  return text;
}

LateRanks::LateRanks(int rank, int size, std::uint64_t collective, double patience)
    : rank_(rank),
      size_(size),
      collective_(collective),
      ask_at_(patience + kStagger * std::min(rank, kMostStaggered)),
      patience_(patience),
      is_here_(static_cast<std::size_t>(size)) {
  is_here_[static_cast<std::size_t>(rank)] = true;
}

LateRanks::Action LateRanks::at(double seconds) {
  if (!asked_at_ && !was_asked_ && seconds >= ask_at_) {
    asked_at_ = seconds;
    return {.ask_all = true, .line = ""};
  }
  if (!asked_at_ || !said_.empty() || seconds < *asked_at_ + kForAnswers) return {};
  std::vector<int> late;
  for (int rank = 0; rank < size_; ++rank)
    if (!is_here_[static_cast<std::size_t>(rank)]) late.push_back(rank);
  if (late.empty()) return {};  // all have come, and the data is on its way
  said_ = ranks_text(late);
  return {.ask_all = false,
          .line = name_of(rank_, size_) + " has waited " + formatted("%.3g", patience_) + " s for " + said_};
}

bool LateRanks::receive(int from, const WaitNote& note) {
  if (note.collective != collective_) return false;
  if (note.kind == WaitNote::kHere) {
    is_here_[static_cast<std::size_t>(from)] = true;
    return false;
  }
  is_here_[static_cast<std::size_t>(from)] = true;
  was_asked_ = true;
  return true;
}

std::string LateRanks::end(double seconds) const {
  if (said_.empty()) return "";
  return name_of(rank_, size_) + " goes on after " + formatted("%.0f", seconds) + " s of waiting for " +
         said_;
}

}  // namespace bellman
