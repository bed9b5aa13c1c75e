// Which ranks keep the others waiting in a collective.
//
// A rank that has waited long asks all others whether they wait, too. Those that do answer; the ones that do not answer are
// late, and the rank that asked says so. A rank that has been asked does not ask, and low ranks ask first: mostly one does.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace bellman {

/// A note of one waiting rank to another.
struct WaitNote {
  enum Kind : std::uint64_t { kAsk, kHere };
  std::uint64_t kind = kAsk;
  std::uint64_t collective = 0;  // its number; all ranks count alike
};

/// One collective, seen by one rank that waits in it. Times are seconds since it began to.
class LateRanks {
 public:
  LateRanks(int rank, int size, std::uint64_t collective, double patience);

  /// What a rank does next.
  struct Action {
    bool ask_all = false;
    std::string line;  // to print; empty: none
  };
  Action at(double seconds);
  /// Whether to answer kHere.
  bool receive(int from, const WaitNote& note);
  /// The line when the collective is complete; empty: nothing was said.
  std::string end(double seconds) const;

 private:
  int rank_, size_;
  std::uint64_t collective_;
  double ask_at_, patience_;
  bool was_asked_ = false;
  std::optional<double> asked_at_;
  std::vector<bool> is_here_;
  std::string said_;  // the names of the late ones
};

/// "rank 2", "ranks 1, 2 and 5", "ranks 1, 2, 3, 4, 5, 6, 7, 8 and 20 others". REQUIRES: not empty.
std::string ranks_text(const std::vector<int>& ranks);

}  // namespace bellman
