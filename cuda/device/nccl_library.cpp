#include "cuda/device/nccl_library.h"

#include <vector>

#include "core/base/check.h"

namespace bellman::cuda {
namespace {

/// First by the dynamic linker's rules, then beside CUDA.
const std::vector<std::string>& usual_files() {
  static const std::vector<std::string> files = {"libnccl.so.2", "/usr/local/cuda/lib64/libnccl.so.2"};
  return files;
}

bool find_all(NcclFunctions& f, void* library) {
  return find(f.get_version, library, "ncclGetVersion") &&
         find(f.get_unique_id, library, "ncclGetUniqueId") &&
         find(f.comm_init_rank, library, "ncclCommInitRank") &&
         find(f.comm_destroy, library, "ncclCommDestroy") && find(f.comm_abort, library, "ncclCommAbort") &&
         find(f.comm_get_async_error, library, "ncclCommGetAsyncError") &&
         find(f.error_string, library, "ncclGetErrorString") &&
         find(f.last_error, library, "ncclGetLastError") && find(f.group_start, library, "ncclGroupStart") &&
         find(f.group_end, library, "ncclGroupEnd") && find(f.send, library, "ncclSend") &&
         find(f.recv, library, "ncclRecv") && find(f.all_gather, library, "ncclAllGather");
}

}  // namespace

OpenedNccl open_nccl(const LibraryChoice& choice) {
  OpenedNccl nccl;
  if (choice.use == LibraryChoice::Use::kNever) return {.functions = {}, .reason = "BELLMAN_NCCL is off"};
  const OpenedLibrary opened = open_library(
      choice, usual_files(), [&](void* library) { return find_all(nccl.functions, library); },
      "no NCCL of version 2.13 or later");
  if (opened.handle) return nccl;
  if (choice.use == LibraryChoice::Use::kAlways) fail("NCCL is missing: ", opened.tried);
  return {.functions = {}, .reason = "NCCL is missing: " + opened.tried};
}

std::string version_text(const NcclFunctions& nccl) {
  constexpr int kMajor = 10'000, kMinor = 100;  // of a version from 2.9 on
  int version = 0;
  if (nccl.get_version(&version) != NcclFunctions::kSuccess) return "NCCL";
  return "NCCL " + std::to_string(version / kMajor) + "." + std::to_string(version % kMajor / kMinor) + "." +
         std::to_string(version % kMinor);
}

}  // namespace bellman::cuda
