// In which order the executor starts blocks and threads and lets them go on. A correct kernel gives the same
// bits in every order; one that reads what another thread has yet to write often does so in one order only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <vector>

namespace bellman::simt {

struct ExecutionOrder {
  enum class Kind : std::uint32_t { kAscending, kDescending, kShuffled };
  Kind kind = Kind::kAscending;
  std::uint32_t seed = 0;  // of the shuffles

  friend bool operator==(const ExecutionOrder&, const ExecutionOrder&) = default;
};

/// Of every launch from now on. Unless it was set: what the environment variable BELLMAN_SIMT_ORDER says
/// (ascending, descending or a number, the seed of a shuffle), ascending where there is none.
/// Throws: Error when the variable says something else.
ExecutionOrder execution_order();
void set_execution_order(const ExecutionOrder& order);

namespace detail {

/// Puts 0 .. n-1 in order, launch by launch the same way.
class Sequencer {
 public:
  explicit Sequencer(const ExecutionOrder& order);

  void first(std::vector<std::size_t>& numbers, std::size_t n);
  /// At each barrier: a new shuffle where there are shuffles.
  void again(std::vector<std::size_t>& numbers);

 private:
  ExecutionOrder order_;
  std::optional<std::mt19937> random_;  // for shuffles; costs a microsecond to seed
};

}  // namespace detail

}  // namespace bellman::simt
