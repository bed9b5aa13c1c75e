// The few things of CUDA's runtime that this project uses, under names that mean the same on a device
// (cuda/device/runtime.h, nvcc) and in the SIMT executor (cuda/simt/runtime.h, host compiler):
//
//   class DeviceMemory    owns one allocation of device memory (cuda/base/device_memory.h)
//   class Stream          a queue of work on the device. Work runs in order, later than the call that
//                         queued it returns.
//     copy_to_device(to, from, bytes)   the host bytes are read before the call returns: nothing waits
//     copy_to_host(to, from, bytes)     waits until the bytes are there: a synchronisation
//     copy_on_device(to, from, bytes), zero(memory, bytes)
//     scratch(bytes)                    device memory for the launches up to the next scratch()
//     synchronise()                     waits until the queue is empty; finish(), for destructors
//     counters()                        launches, uploads, synchronisations so far
//     run_recorded(recording, ops)      see Recording
//   class Recording       a sequence of launches, kept. The first run_recorded records what `ops`
//                         launches as a CUDA graph; later ones check that the launches are the same, put
//                         changed arguments into the graph, and start it with one call.
//   void launch(stream, kernel, grid, block, shared_bytes, arguments...)
//                         Throws: Error naming file, line, kernel and device when CUDA refuses.
//   DeviceProperties      name, memory, multiprocessors
//   kDeviceName           what --device calls it
//
// Errors of CUDA become bellman::Error with file, line, call and device (BELLMAN_CUDA_CALL).
#pragma once

#include "cuda/base/dialect.h"

#if defined(__CUDACC__)
#include "cuda/device/runtime.h"
#else
#include "cuda/simt/runtime.h"
#endif
