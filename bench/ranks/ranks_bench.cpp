// What ranks cost: their start, a collective of each size, a message there and back. By mpirun:
//   mpirun -n 2 build/bench/bin/ranks_bench [--json]
// Rank 0 prints; each time is that of the slowest rank: the median of many calls, after some that are not counted. The
// output of every size is checked first. all_gather of S bytes: each rank's part has S. all_to_all of S: S from each to each.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <exception>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "apps/ranks/mpi_ranks.h"
#include "core/base/check.h"

namespace bellman {
namespace {

using Clock = std::chrono::steady_clock;
using Bytes = std::vector<std::byte>;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// The largest of what each rank has.
double slowest(Ranks& ranks, double seconds) {
  const auto count = static_cast<std::size_t>(ranks.size());
  std::vector<double> all(count);
  all[static_cast<std::size_t>(ranks.rank())] = seconds;
  ranks.all_gather(std::as_writable_bytes(std::span(all)), std::vector<std::size_t>(count, sizeof(double)));
  return *std::max_element(all.begin(), all.end());
}

/// Median seconds of a call, all ranks calling it as often.
double median_of(Ranks& ranks, int calls, const std::function<void()>& call) {
  for (int i = 0; i < calls / 10 + 2; ++i) call();
  std::vector<double> seconds;
  for (int i = 0; i < calls; ++i) {
    const Clock::time_point start = Clock::now();
    call();
    seconds.push_back(seconds_since(start));
  }
  const auto middle = seconds.begin() + calls / 2;
  std::nth_element(seconds.begin(), middle, seconds.end());
  return slowest(ranks, *middle);
}

int calls_for(std::size_t bytes) {
  return static_cast<int>(std::clamp<std::size_t>((64U << 20U) / (bytes + 1), 10, 500));
}

double all_gather_seconds(Ranks& ranks, std::size_t part) {
  const auto count = static_cast<std::size_t>(ranks.size()), self = static_cast<std::size_t>(ranks.rank());
  Bytes all(part * count);
  std::fill_n(all.begin() + static_cast<std::ptrdiff_t>(self * part), part, static_cast<std::byte>(self + 1));
  const std::vector<std::size_t> sizes(count, part);
  ranks.all_gather(all, sizes);
  for (std::size_t i = 0; i < all.size(); ++i)
    if (all[i] != static_cast<std::byte>(i / part + 1))
      fail("all_gather of ", part, " bytes: byte ", i, " is wrong");
  return median_of(ranks, calls_for(part), [&] { ranks.all_gather(all, sizes); });
}

double all_to_all_seconds(Ranks& ranks, std::size_t part) {
  const auto count = static_cast<std::size_t>(ranks.size());
  const Bytes out(part * count, static_cast<std::byte>(ranks.rank() + 1));
  Bytes in(part * count);
  const std::vector<std::size_t> sizes(count, part);
  ranks.all_to_all(out, sizes, in, sizes);
  for (std::size_t i = 0; i < in.size(); ++i)
    if (in[i] != static_cast<std::byte>(i / part + 1))
      fail("all_to_all of ", part, " bytes: byte ", i, " is wrong");
  return median_of(ranks, calls_for(part), [&] { ranks.all_to_all(out, sizes, in, sizes); });
}

/// From rank 0 to rank 1 and back. Both look for it all the time.
double round_trip_seconds(Ranks& ranks, std::size_t bytes) {
  const Bytes message(bytes, std::byte{1});
  const auto receive = [&] {
    while (true) {
      if (const auto arrived = ranks.receive()) return arrived->bytes.size();
      std::this_thread::yield();
    }
  };
  return median_of(ranks, calls_for(bytes), [&] {
    if (ranks.rank() > 1) return;
    if (ranks.rank() == 0) ranks.send(1, message);
    if (receive() != bytes) fail("a message of ", bytes, " bytes came back otherwise");
    if (ranks.rank() == 1) ranks.send(0, message);
  });
}

int run(bool json) {
  const Clock::time_point start = Clock::now();
  const std::unique_ptr<MpiRanks> ranks = ranks_of_this_launch();
  if (!ranks) fail("start it with mpirun -n N");
  const double start_seconds = slowest(*ranks, seconds_since(start));
  const bool prints = ranks->rank() == 0;
  if (prints && json)
    std::printf("{\"ranks\": %d, \"mpi\": \"%s\", \"start_seconds\": %.4f, \"rows\": [", ranks->size(),
                ranks->mpi_name().c_str(), start_seconds);
  else if (prints)
    std::printf("%d ranks, %s\nstart: %.3f s\n%12s %14s %14s %14s   (microseconds)\n", ranks->size(),
                ranks->mpi_name().c_str(), start_seconds, "bytes", "all_gather", "all_to_all", "round trip");
  const char* separator = "";
  for (const std::size_t bytes : {8U, 64U, 1024U, 16384U, 131072U, 1048576U, 8388608U}) {
    const double gather = all_gather_seconds(*ranks, bytes), exchange = all_to_all_seconds(*ranks, bytes);
    const double trip = ranks->size() > 1 ? round_trip_seconds(*ranks, bytes) : 0;
    if (prints && json)
      std::printf(
          "%s{\"bytes\": %zu, \"all_gather_us\": %.2f, \"all_to_all_us\": %.2f, \"round_trip_us\": %.2f}",
          separator, bytes, gather * 1e6, exchange * 1e6, trip * 1e6);
    else if (prints)
      std::printf("%12zu %14.1f %14.1f %14.1f\n", bytes, gather * 1e6, exchange * 1e6, trip * 1e6);
    separator = ", ";
  }
  if (prints && json) std::printf("]}\n");
  return 0;
}

}  // namespace
}  // namespace bellman

int main(int argc, char** argv) {
  try {
    return bellman::run(argc > 1 && std::string_view(argv[1]) == "--json");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "ranks_bench: %s\n", error.what());
    return 2;
  }
}
