// A queue of work for the executor, as late as work on a device can be: nothing runs before somebody waits
// for it. A result that is used without waiting is then always wrong, not once in a while.
#pragma once

#include <array>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <type_traits>
#include <vector>

#include "core/nn/device_backend.h"
#include "cuda/base/device_memory.h"
#include "cuda/simt/kernel_launch.h"
#include "cuda/simt/place.h"
#include "cuda/simt/vector_types.h"

namespace bellman::simt {

namespace detail {

/// What tells a launch of a recorded sequence from another; its arguments may change.
struct RecordedLaunch {
  const void* kernel = nullptr;     // or what stands for a copy
  std::array<unsigned, 6> shape{};  // grid x y z, block x y z
  std::size_t shared_bytes = 0;
  friend bool operator==(const RecordedLaunch&, const RecordedLaunch&) = default;
};

}  // namespace detail

/// Not thread-safe: one caller at a time.
class Stream {
 public:
  Stream();
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  /// The host bytes are read before the call returns.
  void copy_to_device(void* to, const void* from, std::size_t bytes);
  /// Waits for all that is queued, and then for the bytes. Throws: as synchronise().
  void copy_to_host(void* to, const void* from, std::size_t bytes);
  void copy_on_device(void* to, const void* from, std::size_t bytes);
  void zero(void* memory, std::size_t bytes);

  /// Waits until the queue is empty. Throws: Error when a kernel went wrong; what came after it is dropped.
  void synchronise();
  /// Waits without a word, for destructors; what there is to complain of, the next synchronise() throws.
  void finish() noexcept;

  /// Device memory for the launches that follow, until the next scratch(). No meaning is kept: it holds NaN.
  void* scratch(std::size_t bytes);

  /// Queues what `ops` launches, in one replay. A new recording is counted when it launches other kernels, or
  /// on other grids, than the last time. Throws: Error when `ops` uploads, downloads or synchronises.
  void run_recorded(std::unique_ptr<Recording>& recording, const std::function<void()>& ops);

  /// Throws: Error for a launch that no device accepts.
  void launch(detail::KernelLaunch launch);

  const DeviceCounters& counters() const { return counters_; }

 private:
  void queue(std::function<void()> work);
  void run_queue();
  void refuse_while_recording(const char* what) const;

  std::vector<std::function<void()>> queue_;
  std::exception_ptr failure_;         // of work that ran when nobody could be told
  std::vector<DeviceMemory> scratch_;  // the last is in use; queued launches may use those before it
  std::vector<detail::RecordedLaunch>* recording_ = nullptr;  // the launches so far, while ops are recorded
  DeviceCounters counters_;
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
