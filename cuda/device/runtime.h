// CUDA's runtime under the names of cuda/base/runtime.h, with every error checked and everything owned.
#pragma once

#include <array>
#include <cstddef>
#include <cstring>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <cuda_runtime.h>

#include "core/base/check.h"
#include "core/nn/device_backend.h"
#include "cuda/base/runtime.h"

namespace bellman::cuda {

/// Throws: Error with file, line, call and device when `status` is an error.
void check_call(cudaError_t status, const char* call, const char* file, int line);
#define BELLMAN_CUDA_CALL(call) ::bellman::cuda::check_call((call), #call, __FILE__, __LINE__)

inline constexpr const char* kDeviceName = "cuda";  // what --device calls it

struct DeviceProperties {
  std::string name;
  std::size_t memory_bytes = 0;
  int multiprocessors = 0;
  int compute_major = 0, compute_minor = 0;
  int shared_bytes = 0;  // of a block, at most
};
/// "NVIDIA H100 PCIe, 79 GiB, 114 multiprocessors, compute capability 9.0".
std::string describe(const DeviceProperties& properties);
/// Of the current device. Throws: Error, saying what is missing, without a driver or a GPU.
DeviceProperties device_properties();

/// Pinned host memory in pieces that are used in turn: an upload copies its bytes into a piece and need not
/// wait for the device.
class UploadRing {
 public:
  UploadRing();
  ~UploadRing();
  UploadRing(const UploadRing&) = delete;
  UploadRing& operator=(const UploadRing&) = delete;

  static constexpr std::size_t kPieceBytes = 64 * 1024;
  /// Queues the copy of `bytes` <= kPieceBytes. Waits only when the device is kPieces uploads behind; returns
  /// whether it did.
  bool upload(void* to, const void* from, std::size_t bytes, cudaStream_t stream);

 private:
  static constexpr std::size_t kPieces = 32;
  std::byte* memory_ = nullptr;              // pinned, kPieces * kPieceBytes
  std::array<cudaEvent_t, kPieces> read_{};  // the device has read the piece
  std::size_t next_ = 0;
};

/// The launches of a sequence of ops, in order, so that the next run of the same ops can be compared with it.
/// Reuses its memory: after the first run, logging the same sequence again allocates nothing (except what
/// `call` captures).
class LaunchLog {
 public:
  struct Launch {
    const void* kernel = nullptr;      // its address; or the address that stands for a copy or library call
    std::array<unsigned, 6> shape{};   // grid x y z, block x y z
    std::size_t shared_bytes = 0;      // dynamic
    std::vector<std::byte> arguments;  // each at a multiple of 16 bytes
    std::vector<std::size_t> offsets;  // of the arguments
    std::function<void()> call;        // starts a library call; empty for a kernel

    template <class T>
    void add_argument(const T& value) {
      static_assert(std::is_trivially_copyable_v<T> && alignof(T) <= 16);
      const std::size_t offset = (arguments.size() + 15) / 16 * 16;
      arguments.resize(offset + sizeof(T));
      if constexpr (!std::is_empty_v<T>) std::memcpy(arguments.data() + offset, &value, sizeof(T));
      offsets.push_back(offset);
    }
    bool same_kernel(const Launch& other) const {
      return kernel == other.kernel && shape == other.shape && shared_bytes == other.shared_bytes;
    }
    bool same_arguments(const Launch& other) const { return arguments == other.arguments; }
  };

  void clear() { size_ = 0; }
  Launch& append(const void* kernel, const std::array<unsigned, 6>& shape, std::size_t shared_bytes) {
    if (size_ == launches_.size()) launches_.emplace_back();
    Launch& launch = launches_[size_++];
    launch.kernel = kernel;
    launch.shape = shape;
    launch.shared_bytes = shared_bytes;
    launch.arguments.clear();
    launch.offsets.clear();
    launch.call = nullptr;
    return launch;
  }
  std::span<const Launch> launches() const { return {launches_.data(), size_}; }
  std::span<Launch> launches() { return {launches_.data(), size_}; }

  /// The same kernels on the same grids, whatever their arguments.
  bool same_sequence(const LaunchLog& other) const {
    if (size_ != other.size_) return false;
    for (std::size_t i = 0; i < size_; ++i)
      if (!launches_[i].same_kernel(other.launches_[i])) return false;
    return true;
  }

 private:
  std::vector<Launch> launches_;  // the first size_ are in use
  std::size_t size_ = 0;
};

/// A queue of work on the current device. Not thread-safe.
class Stream {
 public:
  Stream();
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  void copy_to_device(void* to, const void* from, std::size_t bytes);
  void copy_to_host(void* to, const void* from, std::size_t bytes);
  void copy_on_device(void* to, const void* from, std::size_t bytes);
  void zero(void* memory, std::size_t bytes);
  void synchronise();
  /// From now on `look` is called again and again while synchronise() waits, and may throw to end that. Null: nothing is.
  void watch(std::function<void()> look) { look_ = std::move(look); }
  /// Waits, for destructors; ignores errors.
  void finish() noexcept;

  /// Device memory for the launches that follow, until the next scratch(). Its contents are not kept.
  void* scratch(std::size_t bytes);

  /// Records what `ops` launches as a CUDA graph in `recording`, and starts it with one call. When only the
  /// arguments differ from the last time's, the graph stays and gets the new arguments. Throws: Error when
  /// `ops` uploads, downloads or synchronises.
  void run_recorded(std::unique_ptr<Recording>& recording, const std::function<void()>& ops);

  /// For launch() below.
  template <class... Parameters>
  void launch_kernel(void (*kernel)(Parameters...), dim3 grid, dim3 block, std::size_t shared_bytes,
                     const std::tuple<Parameters...>& arguments) {
    LaunchLog& log = recording_ ? *recording_ : direct_;
    if (!recording_) direct_.clear();
    LaunchLog::Launch& entry = log.append(reinterpret_cast<const void*>(kernel),
                                          {grid.x, grid.y, grid.z, block.x, block.y, block.z}, shared_bytes);
    std::apply([&](const auto&... argument) { (entry.add_argument(argument), ...); }, arguments);
    if (!recording_) start(entry);
  }
  /// A library's call that queues work on get(). `name` and `arguments` identify it: when they differ, the
  /// sequence is recorded again.
  template <class... Arguments>
  void call_library(const void* name, std::function<void()> call, const Arguments&... arguments) {
    if (!recording_) return call();
    LaunchLog::Launch& entry = recording_->append(name, {}, 0);
    (entry.add_argument(arguments), ...);
    entry.call = std::move(call);
  }

  cudaStream_t get() const { return stream_; }
  const DeviceCounters& counters() const { return counters_; }

 private:
  void start(LaunchLog::Launch& launch);
  void wait_and_look() const;
  void refuse_while_recording(const char* what) const;

  cudaStream_t stream_ = nullptr;
  UploadRing uploads_;
  std::function<void()> look_;
  std::vector<DeviceMemory> scratch_;  // the last is in use; smaller ones before it may still be read
  LaunchLog direct_;
  LaunchLog* recording_ = nullptr;  // where launches go while ops are recorded
  LaunchLog latest_;
  DeviceCounters counters_;
};

template <class... Parameters, class... Arguments>
void launch(Stream& stream, void (*kernel)(Parameters...), dim3 grid, dim3 block, std::size_t shared_bytes,
            Arguments... arguments) {
  stream.launch_kernel(kernel, grid, block, shared_bytes,
                       std::tuple<Parameters...>(static_cast<Parameters>(arguments)...));
}

/// A point in a stream's work. The device measures the time between two of them with its own clock.
class Event {
 public:
  Event() { BELLMAN_CUDA_CALL(cudaEventCreate(&event_)); }
  ~Event() {
    if (event_) static_cast<void>(cudaEventDestroy(event_));
  }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  /// The point is reached when all work queued so far is done.
  void record(Stream& stream) { BELLMAN_CUDA_CALL(cudaEventRecord(event_, stream.get())); }
  /// Device time from `start` to this event; waits until both are reached. Throws: Error when one of them was
  /// not recorded, or when work queued before it failed.
  double seconds_since(const Event& start) const {
    BELLMAN_CUDA_CALL(cudaEventSynchronize(event_));
    float milliseconds = 0;
    BELLMAN_CUDA_CALL(cudaEventElapsedTime(&milliseconds, start.event_, event_));
    return 1e-3 * static_cast<double>(milliseconds);
  }

 private:
  cudaEvent_t event_ = nullptr;
};

}  // namespace bellman::cuda
