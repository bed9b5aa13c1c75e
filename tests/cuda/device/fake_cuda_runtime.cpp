#include "tests/cuda/device/fake_cuda_runtime.h"

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <mutex>

#include <cuda_runtime_api.h>

namespace bellman::test {

FakeCudaRuntime& fake_cuda_runtime() {
  static FakeCudaRuntime runtime;
  return runtime;
}

namespace {

template <class T>
T made_up() {
  static std::atomic<std::uintptr_t> next = 16;
  return reinterpret_cast<T>(next += 16);
}
cudaError_t note(const char* call) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  fake_cuda_runtime().calls.emplace_back(call);
  return cudaSuccess;
}
/// Nothing else may be asked of a stream that captures.
cudaError_t work(const char* call) {
  note(call);
  return fake_cuda_runtime().capturing ? cudaErrorStreamCaptureUnsupported : cudaSuccess;
}

}  // namespace
}  // namespace bellman::test

using bellman::test::fake_cuda_runtime;
using bellman::test::FakeCudaRuntime;
using bellman::test::made_up;
using bellman::test::note;
using bellman::test::work;

extern "C" {

// ---- the device and its memory
cudaError_t cudaGetDeviceCount(int* count) { return *count = 1, cudaSuccess; }
cudaError_t cudaGetDevice(int* device) { return *device = 0, cudaSuccess; }
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
  *properties = {};
  std::strcpy(properties->name, "made up");
  properties->uuid.bytes[1] = '\xff';
  return cudaSuccess;
}
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int) {
  *value = attribute == cudaDevAttrMaxSharedMemoryPerBlockOptin ? FakeCudaRuntime::kMostSharedBytes : 0;
  return cudaSuccess;
}
cudaError_t cudaGetLastError() { return cudaSuccess; }
const char* cudaGetErrorName(cudaError_t) { return "cudaErrorMadeUp"; }
const char* cudaGetErrorString(cudaError_t) { return "made up"; }
cudaError_t cudaMemGetInfo(std::size_t* free_bytes, std::size_t* all) {
  return *free_bytes = *all = 1, cudaSuccess;
}
cudaError_t cudaMalloc(void** memory, std::size_t bytes) { return *memory = std::malloc(bytes), cudaSuccess; }
cudaError_t cudaFree(void* memory) { return std::free(memory), cudaSuccess; }
cudaError_t cudaMallocHost(void** memory, std::size_t bytes) {
  return *memory = std::malloc(bytes), cudaSuccess;
}
cudaError_t cudaFreeHost(void* memory) { return std::free(memory), cudaSuccess; }

// ---- events and streams
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  return *event = made_up<cudaEvent_t>(), cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t) { return cudaSuccess; }
cudaError_t cudaEventQuery(cudaEvent_t) { return cudaSuccess; }
cudaError_t cudaEventSynchronize(cudaEvent_t) { return cudaSuccess; }
cudaError_t cudaEventRecord(cudaEvent_t, cudaStream_t) { return work("event"); }
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  return *stream = made_up<cudaStream_t>(), cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t) { return cudaSuccess; }
cudaError_t cudaStreamSynchronize(cudaStream_t) { return work("synchronise"); }
cudaError_t cudaStreamQuery(cudaStream_t) {
  int& left = fake_cuda_runtime().queries_until_done;
  return left > 0 ? (--left, cudaErrorNotReady) : work("query");
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind, cudaStream_t) {
  if (!fake_cuda_runtime().capturing) std::memcpy(to, from, bytes);
  return note("copy");
}
cudaError_t cudaMemsetAsync(void* memory, int value, std::size_t bytes, cudaStream_t) {
  std::memset(memory, value, bytes);
  return note("set");
}

// ---- kernels
cudaError_t cudaLaunchKernel(const void*, dim3, dim3, void**, std::size_t, cudaStream_t) {
  return work("launch");
}
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, const void*) {
  *attributes = {};
  attributes->sharedSizeBytes = static_cast<std::size_t>(fake_cuda_runtime().static_shared_bytes);
  return cudaSuccess;
}
cudaError_t cudaFuncSetAttribute(const void* kernel, cudaFuncAttribute, int value) {
  fake_cuda_runtime().shared_allowed[kernel] = value;
  ++fake_cuda_runtime().limits_set[kernel];
  return cudaSuccess;
}

// ---- graphs
cudaError_t cudaStreamBeginCapture(cudaStream_t, cudaStreamCaptureMode) {
  fake_cuda_runtime().capturing = true;
  return note("begin capture");
}
cudaError_t cudaStreamEndCapture(cudaStream_t, cudaGraph_t* graph) {
  if (!fake_cuda_runtime().capturing) return cudaErrorIllegalState;
  fake_cuda_runtime().capturing = false;
  ++fake_cuda_runtime().graphs;
  *graph = made_up<cudaGraph_t>();
  return note("end capture");
}
cudaError_t cudaGraphCreate(cudaGraph_t* graph, unsigned) {
  ++fake_cuda_runtime().graphs;
  return *graph = made_up<cudaGraph_t>(), cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t) { return --fake_cuda_runtime().graphs, cudaSuccess; }
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t, unsigned long long) {
  return *executable = made_up<cudaGraphExec_t>(), note("instantiate");
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t) { return cudaSuccess; }
cudaError_t cudaGraphExecKernelNodeSetParams(cudaGraphExec_t, cudaGraphNode_t, const cudaKernelNodeParams*) {
  return note("set arguments");
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t, cudaStream_t) { return work("launch graph"); }
cudaError_t cudaGraphAddKernelNode(cudaGraphNode_t* node, cudaGraph_t, const cudaGraphNode_t*, std::size_t,
                                   const cudaKernelNodeParams*) {
  return *node = made_up<cudaGraphNode_t>(), note("kernel node");
}
cudaError_t cudaGraphAddChildGraphNode(cudaGraphNode_t* node, cudaGraph_t, const cudaGraphNode_t*,
                                       std::size_t, cudaGraph_t) {
  return *node = made_up<cudaGraphNode_t>(), note("child node");
}

}  // extern "C"
