// CUDA's runtime under the names of cuda/base/runtime.h, with every error checked and everything owned.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <cuda_runtime.h>

#include "core/base/check.h"
#include "core/nn/device_backend.h"
#include "cuda/base/runtime.h"
#include "cuda/device/launch_log.h"

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

/// Host memory that the device can read by itself, in pieces that are used in turn: an upload copies its
/// bytes into a piece and need not wait for the device.
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
  /// Waits without a word, for destructors.
  void finish() noexcept;

  /// Device memory for the launches that follow, until the next scratch(). No meaning is kept.
  void* scratch(std::size_t bytes);

  /// Keeps what `ops` launches as a CUDA graph in `recording`, and starts it with one call. When the launches
  /// are those of the last time but for their arguments, the graph is kept and the arguments are put into it.
  /// Throws: Error when `ops` uploads, downloads or synchronises.
  void run_recorded(std::unique_ptr<Recording>& recording, const std::function<void()>& ops);

  /// What launch() below calls.
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
  /// A library's call that queues work on get(). `name` and `arguments` tell it from others: recorded again
  /// when they differ.
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
  void refuse_while_recording(const char* what) const;

  cudaStream_t stream_ = nullptr;
  UploadRing uploads_;
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

}  // namespace bellman::cuda
