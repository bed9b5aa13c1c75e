// cuda/base/runtime.h for the executor.
#pragma once

#include <array>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "core/nn/device_backend.h"
#include "cuda/base/runtime.h"
#include "cuda/simt/kernel_launch.h"

namespace bellman::simt {

inline constexpr const char* kDeviceName = "simt";  // what --device calls it

struct DeviceProperties {
  std::string name;
  std::size_t memory_bytes = 0;
  int multiprocessors = 0;
  int shared_bytes = 0;  // of a block, at most
};

/// "SIMT executor on the CPU, 15 GiB".
std::string describe(const DeviceProperties& properties);
/// Of this machine, seen as a device of one multiprocessor.
DeviceProperties device_properties();

namespace detail {

/// A launch of a recorded sequence, without its arguments, which may change.
struct RecordedLaunch {
  const void* kernel = nullptr;     // or the address that stands for a copy
  std::array<unsigned, 6> shape{};  // grid x y z, block x y z
  std::size_t shared_bytes = 0;
  friend bool operator==(const RecordedLaunch&, const RecordedLaunch&) = default;
};

}  // namespace detail

/// A queue of work for the executor. Nothing runs before a call waits for it, so a program that uses a result
/// without waiting is wrong in every run. Not thread-safe: one caller at a time.
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

  /// Waits until the queue is empty. Throws: Error when a kernel failed; the work after it is dropped.
  void synchronise();
  /// Waits, for destructors; an error is kept for the next synchronise().
  void finish() noexcept;

  /// Device memory for the launches that follow, until the next scratch(). Its contents are not kept: it
  /// holds NaN.
  void* scratch(std::size_t bytes);

  /// Queues what `ops` launches, as one replay. It counts as a new recording when its kernels or grids differ
  /// from the last time's. Throws: Error when `ops` uploads, downloads or synchronises.
  void run_recorded(std::unique_ptr<Recording>& recording, const std::function<void()>& ops);

  /// Throws: Error for a launch that no device accepts.
  void launch(detail::KernelLaunch launch);

  const DeviceCounters& counters() const { return counters_; }

 private:
  void queue(std::function<void()> work);
  void run_queue();
  void refuse_while_recording(const char* what) const;

  std::vector<std::function<void()>> queue_;
  std::exception_ptr failure_;         // of finish(), which cannot throw it
  std::vector<DeviceMemory> scratch_;  // the last is in use; queued launches may use those before it
  std::vector<detail::RecordedLaunch>* recording_ = nullptr;  // the launches so far, while ops are recorded
  DeviceCounters counters_;
};

/// The extent of a launch, and the source line of the call.
struct LaunchGrid {
  dim3 extent;
  detail::Place site;
  // NOLINTBEGIN: implicit, because a grid is a dim3 or a number
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
