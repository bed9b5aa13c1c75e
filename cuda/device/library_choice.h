// NVIDIA's libraries that are opened when they are first needed: building, linking and starting the program do not need
// them. An environment variable for each says whether, and from where.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace bellman::cuda {

/// The meaning of such a variable.
struct LibraryChoice {
  enum class Use { kIfThere, kNever, kAlways };
  Use use = Use::kIfThere;
  std::string file;  // the library; empty: its usual names and places
};
/// `text`, the variable's: "" or null: kIfThere; "off": kNever; "on": kAlways; a path: kAlways, of this file. Throws: Error,
/// naming the variable and the library's `file`, for anything else.
LibraryChoice library_choice(const char* variable, const char* file, const char* text);

/// What came of opening a library.
struct OpenedLibrary {
  void* handle = nullptr;  // null: there is none; otherwise open until the program ends
  std::string tried;       // then: the files, and why not
};
/// Opens the first of `usual` files, or the chosen one, that `has_all` accepts; for one that it does not the reason is
/// "<file> is `otherwise`". REQUIRES: the choice is not kNever.
OpenedLibrary open_library(const LibraryChoice& choice, const std::vector<std::string>& usual,
                           const std::function<bool(void* library)>& has_all, const char* otherwise);

/// The library's function of that name. False where it has none.
bool find_function(void** function, void* library, const char* name);
template <class Function>
bool find(Function& function, void* library, const char* name) {
  void* found = nullptr;
  if (!find_function(&found, library, name)) return false;
  function = reinterpret_cast<Function>(found);
  return true;
}

}  // namespace bellman::cuda
