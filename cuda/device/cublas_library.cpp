#include "cuda/device/cublas_library.h"

#include <vector>

#include <dlfcn.h>

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

/// Null where the library has no such function.
template <class Function>
bool find(Function& function, void* library, const char* name) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  return function != nullptr;
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

CublasChoice cublas_choice(const char* text) {
  using Use = CublasChoice::Use;
  const std::string_view value = text ? text : "";
  if (value.empty()) return {};
  if (value == "off") return {.use = Use::kNever, .file = ""};
  if (value == "on") return {.use = Use::kAlways, .file = ""};
  if (value.find('/') != std::string_view::npos) return {.use = Use::kAlways, .file = std::string(value)};
  fail("BELLMAN_CUBLAS is \"", value, "\", must be off, on or the path of libcublas.so");
}

std::optional<CublasFunctions> open_cublas(const CublasChoice& choice) {
  if (choice.use == CublasChoice::Use::kNever) return std::nullopt;
  std::string tried;
  for (const std::string& file : choice.file.empty() ? usual_files() : std::vector{choice.file}) {
    void* const library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    CublasFunctions functions;
    if (library && find_all(functions, library)) return functions;
    tried +=
        (tried.empty() ? "" : "; ") + (library ? file + " is no cuBLAS of version 12 or later" : dlerror());
    if (library) dlclose(library);
  }
  if (choice.use == CublasChoice::Use::kAlways) fail("cuBLAS is missing: ", tried);
  return std::nullopt;
}

}  // namespace bellman::cuda
