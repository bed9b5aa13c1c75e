#include "cuda/device/runtime.h"

#include <algorithm>
#include <thread>

namespace bellman::cuda {
namespace {

constexpr std::size_t kSharedBytesWithoutAsking = 48 * 1024;

/// "device 0 (NVIDIA H100)"; or "no device" when CUDA cannot tell.
std::string current_device() {
  int device = -1;
  cudaDeviceProp properties;
  if (cudaGetDevice(&device) != cudaSuccess || cudaGetDeviceProperties(&properties, device) != cudaSuccess)
    return "no device";
  return "device " + std::to_string(device) + " (" + properties.name + ")";
}

/// Free bytes, and all.
std::pair<std::size_t, std::size_t> memory_info() {
  std::size_t free_bytes = 0, all_bytes = 0;
  BELLMAN_CUDA_CALL(cudaMemGetInfo(&free_bytes, &all_bytes));
  return {free_bytes, all_bytes};
}

/// A pointer to each argument of a launch, as CUDA requires. Valid as long as the launch's arguments are.
class ArgumentPointers {
 public:
  explicit ArgumentPointers(LaunchLog::Launch& launch) {
    BELLMAN_CHECK(launch.offsets.size() <= pointers_.size());
    for (std::size_t i = 0; i < launch.offsets.size(); ++i)
      pointers_[i] = launch.arguments.data() + launch.offsets[i];
  }
  void** get() { return pointers_.data(); }

 private:
  std::array<void*, 64> pointers_{};
};

dim3 grid_of(const LaunchLog::Launch& launch) { return {launch.shape[0], launch.shape[1], launch.shape[2]}; }
dim3 block_of(const LaunchLog::Launch& launch) { return {launch.shape[3], launch.shape[4], launch.shape[5]}; }

/// Lets a kernel use as much dynamic shared memory as the device offers a block.
void allow_all_shared_memory(const void* kernel) {
  int device = 0, most = 0;
  cudaFuncAttributes attributes = {};
  BELLMAN_CUDA_CALL(cudaGetDevice(&device));
  BELLMAN_CUDA_CALL(cudaDeviceGetAttribute(&most, cudaDevAttrMaxSharedMemoryPerBlockOptin, device));
  BELLMAN_CUDA_CALL(cudaFuncGetAttributes(&attributes, kernel));
  BELLMAN_CUDA_CALL(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                         most - static_cast<int>(attributes.sharedSizeBytes)));
}

/// A kernel must opt in to more than 48 KiB of dynamic shared memory. It does so once, for the device's
/// maximum: a later launch that asked for less would lower the limit below what a recorded one needs.
void allow_shared_memory(const LaunchLog::Launch& launch) {
  if (launch.shared_bytes <= kSharedBytesWithoutAsking) return;
  static thread_local std::vector<const void*> allowed;
  if (std::find(allowed.begin(), allowed.end(), launch.kernel) != allowed.end()) return;
  allow_all_shared_memory(launch.kernel);
  allowed.push_back(launch.kernel);
}

}  // namespace

// ---- errors, the device, its memory

void check_call(cudaError_t status, const char* call, const char* file, int line) {
  if (status == cudaSuccess) return;
  static_cast<void>(cudaGetLastError());  // so that it does not surface again at an innocent call
  fail(file, ":", line, ": ", call, " failed on ", current_device(), ": ", cudaGetErrorName(status), " (",
       cudaGetErrorString(status), ")");
}

DeviceProperties device_properties() {
  int devices = 0;
  const cudaError_t status = cudaGetDeviceCount(&devices);
  static_cast<void>(cudaGetLastError());
  if (status == cudaErrorInsufficientDriver)
    fail("the NVIDIA driver is missing, or older than CUDA ", CUDART_VERSION / 1000, ".",
         CUDART_VERSION % 1000 / 10, " needs");
  if (status == cudaErrorNoDevice || (status == cudaSuccess && devices == 0))
    fail("the NVIDIA driver sees no GPU");
  BELLMAN_CUDA_CALL(status);
  int device = 0;
  BELLMAN_CUDA_CALL(cudaGetDevice(&device));
  cudaDeviceProp found;
  BELLMAN_CUDA_CALL(cudaGetDeviceProperties(&found, device));
  return {found.name,  found.totalGlobalMem, found.multiProcessorCount,
          found.major, found.minor,          static_cast<int>(found.sharedMemPerBlockOptin)};
}

std::string describe(const DeviceProperties& properties) {
  return properties.name + ", " + std::to_string(properties.memory_bytes >> 30) + " GiB, " +
         std::to_string(properties.multiprocessors) + " multiprocessors, compute capability " +
         std::to_string(properties.compute_major) + "." + std::to_string(properties.compute_minor);
}

void* allocate(std::size_t bytes) {
  if (bytes == 0) return nullptr;
  void* memory = nullptr;
  const cudaError_t status = cudaMalloc(&memory, bytes);
  if (status == cudaErrorMemoryAllocation) {
    static_cast<void>(cudaGetLastError());
    const auto [free_bytes, all_bytes] = memory_info();
    fail("the GPU's memory is not enough: ", bytes, " bytes were asked for, ", free_bytes, " of ", all_bytes,
         " are free on ", current_device());
  }
  BELLMAN_CUDA_CALL(status);
  return memory;
}

void release(void* memory) noexcept {
  if (memory) static_cast<void>(cudaFree(memory));
}

std::size_t free_memory() { return memory_info().first; }

void* allocate_pinned(std::size_t bytes) {
  void* memory = nullptr;
  if (bytes > 0) BELLMAN_CUDA_CALL(cudaMallocHost(&memory, bytes));
  return memory;
}

void release_pinned(void* memory) noexcept {
  if (memory) static_cast<void>(cudaFreeHost(memory));
}

// ---- uploads

UploadRing::UploadRing() {
  BELLMAN_CUDA_CALL(cudaMallocHost(reinterpret_cast<void**>(&memory_), kPieces * kPieceBytes));
  for (cudaEvent_t& event : read_)
    BELLMAN_CUDA_CALL(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
}

UploadRing::~UploadRing() {
  for (cudaEvent_t event : read_)
    if (event) static_cast<void>(cudaEventDestroy(event));
  if (memory_) static_cast<void>(cudaFreeHost(memory_));
}

bool UploadRing::upload(void* to, const void* from, std::size_t bytes, cudaStream_t stream) {
  const std::size_t piece = next_++ % kPieces;
  const cudaError_t state = cudaEventQuery(read_[piece]);  // success for an event never recorded
  if (state == cudaErrorNotReady) static_cast<void>(cudaGetLastError());
  if (state != cudaSuccess) BELLMAN_CUDA_CALL(cudaEventSynchronize(read_[piece]));
  std::byte* const staged = memory_ + piece * kPieceBytes;
  std::memcpy(staged, from, bytes);
  BELLMAN_CUDA_CALL(cudaMemcpyAsync(to, staged, bytes, cudaMemcpyHostToDevice, stream));
  BELLMAN_CUDA_CALL(cudaEventRecord(read_[piece], stream));
  return state != cudaSuccess;
}

// ---- the stream

Stream::Stream() { BELLMAN_CUDA_CALL(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking)); }

Stream::~Stream() {
  finish();
  static_cast<void>(cudaStreamDestroy(stream_));
}

void Stream::refuse_while_recording(const char* what) const {
  if (recording_) fail("a recorded sequence of ops cannot ", what);
}

void Stream::copy_to_device(void* to, const void* from, std::size_t bytes) {
  if (bytes == 0) return;
  refuse_while_recording("upload");
  ++counters_.uploads;
  if (bytes <= UploadRing::kPieceBytes) {
    if (uploads_.upload(to, from, bytes, stream_)) ++counters_.synchronisations;
    return;
  }
  // From memory that is not pinned, CUDA reads the bytes before it returns.
  ++counters_.synchronisations;
  BELLMAN_CUDA_CALL(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, stream_));
}

void Stream::copy_to_host(void* to, const void* from, std::size_t bytes) {
  if (bytes == 0) return;
  refuse_while_recording("download");
  BELLMAN_CUDA_CALL(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, stream_));
  synchronise();
}

void Stream::copy_on_device(void* to, const void* from, std::size_t bytes) {
  if (bytes == 0) return;
  static const char kCopy = 0;
  call_library(
      &kCopy,
      [=, this] { BELLMAN_CUDA_CALL(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, stream_)); },
      to, from, bytes);
}

void Stream::zero(void* memory, std::size_t bytes) {
  if (bytes == 0) return;
  refuse_while_recording("allocate");
  BELLMAN_CUDA_CALL(cudaMemsetAsync(memory, 0, bytes, stream_));
}

void Stream::finish() noexcept { static_cast<void>(cudaStreamSynchronize(stream_)); }

void Stream::synchronise() {
  refuse_while_recording("wait for the device");
  ++counters_.synchronisations;
  if (look_) return wait_and_look();
  BELLMAN_CUDA_CALL(cudaStreamSynchronize(stream_));
}

void Stream::wait_and_look() const {
  for (;;) {
    const cudaError_t state = cudaStreamQuery(stream_);
    if (state != cudaErrorNotReady) return BELLMAN_CUDA_CALL(state);
    static_cast<void>(cudaGetLastError());
    look_();
    std::this_thread::yield();
  }
}

void* Stream::scratch(std::size_t bytes) {
  if (bytes == 0) return nullptr;
  if (scratch_.empty() || scratch_.back().bytes() < bytes)
    scratch_.emplace_back(std::max(bytes, scratch_.empty() ? std::size_t{0} : 2 * scratch_.back().bytes()));
  return scratch_.back().data();
}

void Stream::start(LaunchLog::Launch& launch) {
  ++counters_.launches;
  allow_shared_memory(launch);
  ArgumentPointers arguments(launch);
  BELLMAN_CUDA_CALL(cudaLaunchKernel(launch.kernel, grid_of(launch), block_of(launch), arguments.get(),
                                     launch.shared_bytes, stream_));
}

// ---- recordings

namespace {

/// Owns a graph and its executable form.
struct Graph {
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t executable = nullptr;

  Graph() { BELLMAN_CUDA_CALL(cudaGraphCreate(&graph, 0)); }
  ~Graph() {
    if (executable) static_cast<void>(cudaGraphExecDestroy(executable));
    static_cast<void>(cudaGraphDestroy(graph));
  }
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;
};

/// A CUDA graph in which each launch follows the one before it.
class GraphRecording final : public Recording {
 public:
  GraphRecording(LaunchLog log, cudaStream_t stream) : log_(std::move(log)) {
    for (LaunchLog::Launch& launch : log_.launches()) append(launch, stream);
    BELLMAN_CUDA_CALL(cudaGraphInstantiate(&graph_.executable, graph_.graph, 0));
  }
  /// Adopts the arguments of `log`. False when it is another sequence, or when a library's call has other
  /// arguments.
  bool update(LaunchLog& log) {
    if (!log_.same_sequence(log)) return false;
    const std::span<LaunchLog::Launch> kept = log_.launches(), now = log.launches();
    for (std::size_t i = 0; i < now.size(); ++i)
      if (now[i].call && !kept[i].same_arguments(now[i])) return false;
    for (std::size_t i = 0; i < now.size(); ++i) {
      if (kept[i].same_arguments(now[i])) continue;
      std::swap(kept[i].arguments, now[i].arguments);
      ArgumentPointers arguments(kept[i]);
      const cudaKernelNodeParams parameters = node_parameters(kept[i], arguments);
      BELLMAN_CUDA_CALL(cudaGraphExecKernelNodeSetParams(graph_.executable, nodes_[i], &parameters));
    }
    return true;
  }

  void start(cudaStream_t stream) const { BELLMAN_CUDA_CALL(cudaGraphLaunch(graph_.executable, stream)); }

 private:
  static cudaKernelNodeParams node_parameters(const LaunchLog::Launch& launch, ArgumentPointers& arguments) {
    cudaKernelNodeParams parameters = {};
    parameters.func = const_cast<void*>(launch.kernel);
    parameters.gridDim = grid_of(launch);
    parameters.blockDim = block_of(launch);
    parameters.sharedMemBytes = static_cast<unsigned>(launch.shared_bytes);
    parameters.kernelParams = arguments.get();
    return parameters;
  }

  void append(LaunchLog::Launch& launch, cudaStream_t stream) {
    const cudaGraphNode_t* const before = nodes_.empty() ? nullptr : &nodes_.back();
    cudaGraphNode_t node = nullptr;
    if (launch.call) {
      node = capture(launch, stream, before);
    } else {
      allow_shared_memory(launch);
      ArgumentPointers arguments(launch);
      const cudaKernelNodeParams parameters = node_parameters(launch, arguments);
      BELLMAN_CUDA_CALL(cudaGraphAddKernelNode(&node, graph_.graph, before, before ? 1 : 0, &parameters));
    }
    nodes_.push_back(node);
  }

  /// The work that a library queues becomes a graph within the graph.
  cudaGraphNode_t capture(const LaunchLog::Launch& launch, cudaStream_t stream,
                          const cudaGraphNode_t* before) {
    BELLMAN_CUDA_CALL(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
    cudaGraph_t captured = nullptr;
    try {
      launch.call();
    } catch (...) {  // a stream that is still capturing would refuse all later work
      if (cudaStreamEndCapture(stream, &captured) == cudaSuccess)
        static_cast<void>(cudaGraphDestroy(captured));
      static_cast<void>(cudaGetLastError());
      throw;
    }
    BELLMAN_CUDA_CALL(cudaStreamEndCapture(stream, &captured));
    cudaGraphNode_t node = nullptr;
    const cudaError_t status =
        cudaGraphAddChildGraphNode(&node, graph_.graph, before, before ? 1 : 0, captured);
    static_cast<void>(cudaGraphDestroy(captured));
    BELLMAN_CUDA_CALL(status);
    return node;
  }

  LaunchLog log_;
  std::vector<cudaGraphNode_t> nodes_;  // one a launch
  Graph graph_;
};

}  // namespace

void Stream::run_recorded(std::unique_ptr<Recording>& recording, const std::function<void()>& ops) {
  refuse_while_recording("record another one");
  latest_.clear();
  recording_ = &latest_;
  try {
    ops();
  } catch (...) {
    recording_ = nullptr;
    throw;
  }
  recording_ = nullptr;

  auto* graph = static_cast<GraphRecording*>(recording.get());
  if (!graph || !graph->update(latest_)) {
    recording.reset();
    auto fresh = std::make_unique<GraphRecording>(latest_, stream_);
    graph = fresh.get();
    recording = std::move(fresh);
    ++counters_.recordings;
  }
  ++counters_.replays;
  graph->start(stream_);
}

}  // namespace bellman::cuda
