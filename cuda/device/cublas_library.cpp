#include "cuda/device/cublas_library.h"

#include <string>
#include <vector>

#include "core/base/check.h"

namespace bellman::cuda {
namespace {

/// First by the dynamic linker's rules, then where NVIDIA's installer puts it. Both versions accept the
/// streams of the plugin, which has its own CUDA runtime.
std::vector<std::string> usual_files() {
  std::vector<std::string> files;
  for (const char* const folder : {"", "/usr/local/cuda/lib64/"})
    for (const char* const name : {"libcublas.so.13", "libcublas.so.12"})
      files.push_back(std::string(folder) + name);
  return files;
}

bool find_all(CublasFunctions& f, void* library) {
  return find(f.create, library, "cublasCreate_v2") && find(f.destroy, library, "cublasDestroy_v2") &&
         find(f.set_stream, library, "cublasSetStream_v2") &&
         find(f.set_workspace, library, "cublasSetWorkspace_v2") &&
         find(f.set_math_mode, library, "cublasSetMathMode") && find(f.sgemm, library, "cublasSgemm_v2") &&
         find(f.status_name, library, "cublasGetStatusName") &&
         find(f.status_text, library, "cublasGetStatusString");
}

}  // namespace

std::optional<CublasFunctions> open_cublas(const LibraryChoice& choice) {
  if (choice.use == LibraryChoice::Use::kNever) return std::nullopt;
  CublasFunctions functions;
  const OpenedLibrary opened = open_library(
      choice, usual_files(), [&](void* library) { return find_all(functions, library); },
      "no cuBLAS of version 12 or later");
  if (opened.handle) return functions;
  if (choice.use == LibraryChoice::Use::kAlways) fail("cuBLAS is missing: ", opened.tried);
  return std::nullopt;
}

}  // namespace bellman::cuda
