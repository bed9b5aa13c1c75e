// A queue of work for the executor, as late as work on a device can be: nothing runs before somebody waits
// for it. A result that is used without waiting is then always wrong, not once in a while.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <type_traits>
#include <utility>
#include <vector>

#include "cuda/simt/kernel_launch.h"
#include "cuda/simt/place.h"
#include "cuda/simt/vector_types.h"

namespace bellman::simt {

/// Not thread-safe: one caller at a time.
class Stream {
 public:
  struct Counters {
    std::uint64_t launches = 0;
    std::uint64_t uploads = 0;
    std::uint64_t synchronisations = 0;
  };

  Stream();
  /// Runs what is queued; what that complains of is lost.
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  /// The host bytes are read before the call returns.
  void copy_to_device(void* to, const void* from, std::size_t bytes);
  /// Waits until the bytes are there, for all that is queued.
  void copy_to_host(void* to, const void* from, std::size_t bytes);
  void copy_on_device(void* to, const void* from, std::size_t bytes);

  /// Waits until the queue is empty. Throws: Error when a kernel went wrong; what came after it is dropped.
  void synchronise();

  /// Throws: Error for a launch that no device accepts.
  void launch(detail::KernelLaunch launch);

  const Counters& counters() const { return counters_; }

 private:
  friend void release(void*) noexcept;

  void run_queue();
  void run_queue_quietly() noexcept;
  void queue(std::function<void()> work);

  std::vector<std::function<void()>> queue_;
  std::exception_ptr failure_;  // of work that ran when nobody could be told
  Counters counters_;
};

/// The extent of a launch, and the place where it is written down.
struct LaunchGrid {
  dim3 extent;
  detail::Place site;
  // NOLINTBEGIN: a grid is given as a dim3 or a number
  LaunchGrid(const dim3& blocks, detail::Place here = detail::Place::here()) : extent(blocks), site(here) {}
  LaunchGrid(unsigned blocks, detail::Place here = detail::Place::here()) : extent(blocks), site(here) {}
  // NOLINTEND
};

/// kernel<<<grid, block, shared_bytes, stream>>>(arguments...). Throws: Error as Stream::launch.
template <class... Parameters>
void launch(Stream& stream, void (*kernel)(Parameters...), const LaunchGrid& grid, const dim3& block,
            std::size_t shared_bytes, std::type_identity_t<Parameters>... arguments) {
  stream.launch({.kernel = reinterpret_cast<const void*>(kernel),
                 .grid = grid.extent,
                 .block = block,
                 .shared_bytes = shared_bytes,
                 .thread = [=] { kernel(arguments...); },
                 .site = grid.site});
}

}  // namespace bellman::simt
