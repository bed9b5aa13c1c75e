// NCCL, opened where several ranks train on GPUs. Declares the few functions and constants that we use, as NVIDIA's nccl.h
// does. BELLMAN_NCCL in the environment: off, on (an error where it is missing), or the library's path.
#pragma once

#include <cstddef>
#include <string>

#include "cuda/device/library_choice.h"

struct ncclComm;  // NCCL's own

namespace bellman::cuda {

/// What one rank tells the others of a communicator.
struct NcclId {
  char bytes[128];
};

struct NcclFunctions {
  using Comm = ncclComm*;
  using Status = int;    // kSuccess, kInProgress, or an error
  using DataType = int;  // kFloat
  using CudaStream = void*;

  Status (*get_version)(int*) = nullptr;
  Status (*get_unique_id)(NcclId*) = nullptr;
  Status (*comm_init_rank)(Comm*, int ranks, NcclId, int rank) = nullptr;
  Status (*comm_destroy)(Comm) = nullptr;
  Status (*comm_abort)(Comm) = nullptr;
  Status (*comm_get_async_error)(Comm, Status*) = nullptr;
  const char* (*error_string)(Status) = nullptr;
  const char* (*last_error)(Comm) = nullptr;
  Status (*group_start)() = nullptr;
  Status (*group_end)() = nullptr;
  Status (*send)(const void*, std::size_t count, DataType, int peer, Comm, CudaStream) = nullptr;
  Status (*recv)(void*, std::size_t count, DataType, int peer, Comm, CudaStream) = nullptr;
  Status (*all_gather)(const void*, void*, std::size_t count, DataType, Comm, CudaStream) = nullptr;

  static constexpr Status kSuccess = 0, kInProgress = 7;
  static constexpr DataType kFloat = 7;
};

inline LibraryChoice nccl_choice(const char* text) {
  return library_choice("BELLMAN_NCCL", "libnccl.so.2", text);
}

/// NCCL, or why it is not used.
struct OpenedNccl {
  NcclFunctions functions;
  std::string reason;  // empty: it is open, until the program ends
};
/// Throws: Error naming the files tried, when there is none and `choice` requires it.
OpenedNccl open_nccl(const LibraryChoice& choice);

/// "NCCL 2.28.9".
std::string version_text(const NcclFunctions& nccl);

}  // namespace bellman::cuda
