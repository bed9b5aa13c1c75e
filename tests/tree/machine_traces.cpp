// Strings that no file may contain: paths of an author's machine, and hosts of package registries. (These
// differ between networks; the scripts use the system's own settings.)
#include <array>
#include <sstream>
#include <string_view>

#include "tests/tree/source_tree.h"

namespace bellman::test {

namespace {

// Written in two parts, so that this file does not contain what it looks for.
constexpr std::array<std::array<std::string_view, 2>, 8> kPlaces = {{{"/ho", "me/"},
                                                                     {"/Us", "ers/"},
                                                                     {"/ro", "ot/"},
                                                                     {"/wo", "rk/"},
                                                                     {"/tmp", "/"},
                                                                     {"/mn", "t/"},
                                                                     {"/sr", "v/"},
                                                                     {"C:", "\\"}}};
constexpr std::array<std::array<std::string_view, 2>, 10> kRegistries = {{{"pypi", ".org"},
                                                                          {"pythonhosted", ".org"},
                                                                          {"deb.deb", "ian.org"},
                                                                          {"archive.ubu", "ntu.com"},
                                                                          {"npmjs", ".org"},
                                                                          {"crates", ".io"},
                                                                          {"anaconda", ".org"},
                                                                          {"proxy.gol", "ang.org"},
                                                                          {"arti", "factory"},
                                                                          {"sonatype", "/nexus"}}};

/// Whether `text` holds `place` where a path can start: not after a letter, a digit or another part of a
/// path.
bool names_place(std::string_view text, const std::string& place) {
  for (std::size_t at = text.find(place); at != std::string_view::npos; at = text.find(place, at + 1)) {
    const char before = at == 0 ? ' ' : text[at - 1];
    const bool inside = (before >= 'a' && before <= 'z') || (before >= 'A' && before <= 'Z') ||
                        (before >= '0' && before <= '9') ||
                        std::string_view("._-/})~*").find(before) != std::string_view::npos;
    if (!inside) return true;
  }
  return false;
}

bool has_trace(std::string_view line) {
  for (const auto& [head, tail] : kPlaces)
    if (names_place(line, std::string(head) + std::string(tail))) return true;
  for (const auto& [head, tail] : kRegistries)
    if (line.find(std::string(head) + std::string(tail)) != std::string_view::npos) return true;
  return false;
}

}  // namespace

std::vector<std::string> machine_traces(const SourceTree& tree) {
  std::vector<std::string> traces;
  for (const auto& [path, text] : tree) {
    if (text.find('\0') != std::string::npos) continue;  // binary
    std::istringstream lines(text);
    int number = 0;
    for (std::string line; std::getline(lines, line);) {
      ++number;
      if (has_trace(line)) traces.push_back(path + ":" + std::to_string(number) + ": " + line);
    }
  }
  return traces;
}

}  // namespace bellman::test
