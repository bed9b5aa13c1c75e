#include "cuda/device/library_choice.h"

#include <string_view>

#include <dlfcn.h>

#include "core/base/check.h"

namespace bellman::cuda {

LibraryChoice library_choice(const char* variable, const char* file, const char* text) {
  using Use = LibraryChoice::Use;
  const std::string_view value = text ? text : "";
  if (value.empty()) return {};
  if (value == "off") return {.use = Use::kNever, .file = ""};
  if (value == "on") return {.use = Use::kAlways, .file = ""};
  if (value.find('/') != std::string_view::npos) return {.use = Use::kAlways, .file = std::string(value)};
  fail(variable, " is \"", value, "\", must be off, on or the path of ", file);
}

OpenedLibrary open_library(const LibraryChoice& choice, const std::vector<std::string>& usual,
                           const std::function<bool(void* library)>& has_all, const char* otherwise) {
  OpenedLibrary opened;
  for (const std::string& file : choice.file.empty() ? usual : std::vector{choice.file}) {
    void* const library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library && has_all(library)) return {.handle = library, .tried = ""};
    opened.tried +=
        (opened.tried.empty() ? "" : "; ") + (library ? file + " is " + otherwise : std::string(dlerror()));
    if (library) dlclose(library);
  }
  return opened;
}

bool find_function(void** function, void* library, const char* name) {
  *function = dlsym(library, name);
  return *function != nullptr;
}

}  // namespace bellman::cuda
