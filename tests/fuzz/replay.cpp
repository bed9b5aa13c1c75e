// replay CORPUS: gives every file of CORPUS/<target>/ to its target, whole, a few bytes longer, and cut short
// at every length up to 64 bytes and at halves. For every build, without libFuzzer; a target that finds
// something aborts.
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <vector>

#include "core/io/files.h"

// The targets, under names of their own (CMakeLists.txt).
using Target = int(const std::uint8_t*, std::size_t);
extern "C" Target fuzz_safetensors, fuzz_checkpoint, fuzz_model, fuzz_config, fuzz_map, fuzz_network_text,
    fuzz_observation_json;

namespace {

struct Corpus {
  const char* name;
  Target* target;
};
constexpr Corpus kCorpora[] = {{"safetensors", fuzz_safetensors},
                               {"checkpoint", fuzz_checkpoint},
                               {"model", fuzz_model},
                               {"config", fuzz_config},
                               {"map", fuzz_map},
                               {"network_text", fuzz_network_text},
                               {"observation_json", fuzz_observation_json}};

/// In a block of memory of exactly that length, so that the address sanitizer sees a read beyond it.
void give(Target* target, const std::string& text, std::size_t length) {
  const std::vector<std::uint8_t> bytes(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(length));
  target(bytes.data(), bytes.size());
}

int replay(const std::filesystem::path& directory, Target* target) {
  constexpr std::size_t kMostBytes = std::size_t{1} << 20, kShort = 64, kMore = 6;
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    std::printf("%s\n", entry.path().c_str());
    std::fflush(stdout);  // the file that was at work when a target aborts
    const std::string text = bellman::read_file(entry.path(), kMostBytes);
    // What a target does may depend on the length: a text is given at some lengths that end with spaces.
    for (std::size_t more = 1; more < kMore; ++more)
      give(target, text + std::string(more, ' '), text.size() + more);
    for (std::size_t length = text.size();; length = length > kShort ? length / 2 : length - 1) {
      give(target, text, length);
      if (length == 0) break;
    }
    ++files;
  }
  return files;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: replay CORPUS\n");
    return 2;
  }
  try {
    for (const Corpus& corpus : kCorpora) {
      const int files = replay(std::filesystem::path(argv[1]) / corpus.name, corpus.target);
      if (files == 0) {
        std::fprintf(stderr, "%s/%s is empty\n", argv[1], corpus.name);
        return 1;
      }
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "replay: %s\n", error.what());
    return 1;
  }
  return 0;
}
