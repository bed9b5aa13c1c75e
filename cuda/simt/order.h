// The order in which the executor starts and resumes blocks and threads. A correct kernel gives the same bits
// in every order. A kernel that reads what another thread has yet to write is often wrong in one order only.
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

/// The order of every launch from now on. Until it is set: that of the environment variable
/// BELLMAN_SIMT_ORDER (ascending, descending or a number, the seed of a shuffle), or ascending. Throws: Error
/// when the variable has another value.
ExecutionOrder execution_order();
void set_execution_order(const ExecutionOrder& order);

namespace detail {

/// Orders the numbers 0 .. n-1, in the same way in every launch.
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
