// Two kinds of failure: bad input throws Error, a broken invariant aborts.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <stdexcept>
#include <string>

namespace bellman {

/// Unusable input: an argument, a file, a configuration value, a tensor of the wrong shape. The message names
/// what was wrong and its value.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Throws `Error` with the parts written one after the other: fail("epsilon is ", e, ", must be at most 1").
template <class... Parts>
[[noreturn]] void fail(const Parts&... parts) {
  std::ostringstream message;
  (message << ... << parts);
  throw Error(message.str());
}

namespace detail {
[[noreturn]] inline void invariant_broken(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: this must hold and does not: %s\n", file, line, condition);
  std::abort();
}
}  // namespace detail

}  // namespace bellman

/// Aborts when `condition`, which only a bug in this project can make false, is false. Never for bad input.
#define BELLMAN_CHECK(condition) \
  ((condition) ? void(0) : ::bellman::detail::invariant_broken(#condition, __FILE__, __LINE__))
