// Who may include whom. A room may include itself and what stands before it:
//
//   core   base < ops < nn < io;  reference: base, ops;  cpu: all but io
//   envs   all of envs, and of core what knows nothing of networks: check, memory, numeric, rng, tensor, text,
//          vec, io/files
//   rl     state < config < replay < learn < ranks, log < train < population, and envs and core
//   cuda   cuda, core, and of envs the step functions (*_step.h), which compile for the device
//   apps   base < settings < run < page < sweep, scene < explain, lab, report, course < commands, and everything else
//   tests, bench, python   everything
//   examples       nothing: they see the installed <bellman/...> alone
//
//   - A file in quotes is named from the project's root and exists; one in angle brackets is not ours.
//   - A source file includes the header of its own name before all else, so that every header stands alone.
//   - CUDA's headers are included under cuda/ alone, and not by cuda/backend/make_cuda_backend.h, through which the
//     rest of the project reaches that folder.
//   - Eigen stays inside: no header outside core/cpu/ includes it, nor does any file outside core/cpu/ get it
//     through one of our headers. Sources (.cpp) may.
//   - nlohmann-json stays in sources, but for its forward declarations in headers that are not installed;
//   CLI11 and toml++ in sources of apps and tests.
#include <map>
#include <regex>
#include <sstream>
#include <string_view>

#include "tests/tree/source_tree.h"

namespace bellman::test {

namespace {

struct Include {
  std::string path;
  bool quoted = false;
  int line = 0;
};

struct FolderRule {
  std::string_view folder;
  std::regex allowed;  // of project files
};

const std::vector<FolderRule>& folder_rules() {
  static const std::vector<FolderRule> rules = {
      {"core/base", std::regex("core/base/.*")},
      {"core/ops", std::regex("core/(base|ops)/.*")},
      {"core/nn", std::regex("core/(base|ops|nn)/.*")},
      {"core/reference", std::regex("core/(base|ops|reference)/.*")},
      {"core/cpu", std::regex("core/(base|ops|nn|reference|cpu)/.*")},
      {"core/io", std::regex("core/(base|ops|nn|io)/.*")},
      {"envs", std::regex("envs/.*|core/base/(check|numeric|rng|tensor|text|vec)\\.h|core/io/files\\.h")},
      {"rl/state", std::regex("(rl/state|envs|core)/.*")},
      {"rl/config", std::regex("(rl/(state|config)|envs|core)/.*")},
      {"rl/replay", std::regex("(rl/(state|config|replay)|envs|core)/.*")},
      {"rl/learn", std::regex("(rl/(state|config|replay|learn)|envs|core)/.*")},
      {"rl/ranks", std::regex("(rl/(state|config|replay|learn|ranks)|envs|core)/.*")},
      {"rl/log", std::regex("(rl/(state|config|replay|learn|log)|envs|core)/.*")},
      {"rl/train", std::regex("(rl/(state|config|replay|learn|ranks|log|train)|envs|core)/.*")},
      {"rl/population", std::regex("(rl|envs|core)/.*")},
      {"cuda", std::regex("(cuda|core)/.*|envs/(control|grid)/[a-z0-9_]*_step\\.h")},
      {"apps/base", std::regex("apps/base/.*|(core|envs|rl|cuda)/.*")},
      {"apps/settings", std::regex("apps/(base|settings)/.*|(core|envs|rl|cuda)/.*")},
      {"apps/run", std::regex("apps/(base|settings|run)/.*|(core|envs|rl|cuda)/.*")},
      {"apps/ranks", std::regex("apps/(base|ranks)/.*|(core|envs|rl|cuda)/.*")},
      {"apps/page", std::regex("apps/(base|settings|run|page)/.*|(core|envs|rl|cuda)/.*")},
      {"apps/export", std::regex("apps/(base|settings|run|export)/.*|(core|envs|rl|cuda)/.*")},
      {"apps/sweep", std::regex("apps/(base|settings|run|page|ranks|sweep)/.*|(core|envs|rl|cuda)/.*")},
      {"apps/scene", std::regex("apps/(base|settings|run|page|scene)/.*|(core|envs|rl|cuda)/.*")},
      {"apps/explain", std::regex("apps/(base|settings|run|page|scene|explain)/.*|(core|envs|rl|cuda)/.*")},
      {"apps/lab", std::regex("apps/(base|settings|run|page|scene|explain|lab)/.*|(core|envs|rl|cuda)/.*")},
      {"apps/course",
       std::regex("apps/(base|settings|run|page|sweep|scene|explain|lab|course)/.*|(core|envs|rl|cuda)/.*")},
      {"apps/report",
       std::regex("apps/(base|settings|run|page|sweep|scene|explain|report)/.*|(core|envs|rl|cuda)/.*")},
      {"apps/commands", std::regex(".*")},
      {"tests", std::regex(".*")},
      {"examples", std::regex("")},
      {"bench", std::regex(".*")},
      {"python", std::regex(".*")},
  };
  return rules;
}

bool is_header(std::string_view path) { return path.ends_with(".h") || path.ends_with(".cuh"); }
bool is_source(std::string_view path) { return path.ends_with(".cpp") || path.ends_with(".cu"); }

bool is_eigen(const Include& i) {
  return i.path.starts_with("Eigen/") || i.path.starts_with("unsupported/Eigen");
}
bool is_cuda(const Include& i) {
  static const std::regex names(
      "(cuda|cublas|curand|cusparse|nccl|nvrtc|nvtx|device_launch).*|cub/.*|"
      "thrust/.*|cooperative_groups.*|mma\\.h");
  return !i.quoted && std::regex_match(i.path, names);
}
bool is_json(const Include& i) { return i.path.starts_with("nlohmann/"); }
bool is_command_line(const Include& i) { return i.path.starts_with("CLI/") || i.path.starts_with("toml"); }

std::vector<Include> includes_of(const std::string& text) {
  static const std::regex directive("\\s*#\\s*include\\s*([<\"])([^>\"]+)[>\"].*");
  std::vector<Include> includes;
  std::istringstream lines(text);
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    std::smatch match;
    if (line.find("include") != std::string::npos && std::regex_match(line, match, directive))
      includes.push_back({match[2], match[1] == "\"", number});
  }
  return includes;
}

class Checker {
 public:
  explicit Checker(const SourceTree& tree) {
    for (const auto& [path, text] : tree)
      if (is_header(path) || is_source(path)) includes_[path] = includes_of(text);
  }

  std::vector<std::string> run() {
    for (const auto& [path, includes] : includes_) {
      const FolderRule* rule = nullptr;
      for (const FolderRule& candidate : folder_rules())
        if (path.starts_with(std::string(candidate.folder) + "/")) rule = &candidate;
      if (!rule) {
        broken_.push_back(path + ": no rule says what this folder may include");
        continue;
      }
      for (const Include& include : includes) check(path, *rule, include);
      check_own_header_first(path, includes);
    }
    return broken_;
  }

 private:
  void report(const std::string& path, const Include& include, const std::string& why) {
    broken_.push_back(path + ":" + std::to_string(include.line) + ": includes " + include.path + ", " + why);
  }

  void check(const std::string& path, const FolderRule& rule, const Include& include) {
    const bool library = path.starts_with("core/") || path.starts_with("envs/") || path.starts_with("rl/");
    const bool ours = includes_.contains(include.path);
    const bool generated =  // by cmake/BellmanEmbed.cmake
        include.path == "apps/page/page_assets.h" || include.path == "envs/process/worker_source.h";
    if (include.quoted && !ours && !generated) report(path, include, "which is not a file of the project");
    if (!include.quoted && ours) report(path, include, "a file of the project, in angle brackets");
    if (ours && !std::regex_match(include.path, rule.allowed))
      report(path, include, "which " + std::string(rule.folder) + "/ may not");
    const bool device = rule.folder == "cuda" || path.starts_with("tests/cuda/device/");
    if (is_cuda(include) && (!device || path == "cuda/backend/make_cuda_backend.h"))
      report(path, include, "a header of CUDA");
    if (is_eigen(include) && is_header(path) && !path.starts_with("core/cpu/"))
      report(path, include, "a header of Eigen, in a header");
    if (include.path.starts_with("core/cpu/") && !path.starts_with("core/cpu/") &&
        reaches_eigen(include.path))
      report(path, include, "through which Eigen comes");
    if (is_json(include) && is_header(path) &&
        (library || rule.folder == "cuda" || include.path != "nlohmann/json_fwd.hpp"))
      report(path, include, "a header of nlohmann-json, in a header");
    if (is_command_line(include) && (is_header(path) || library || rule.folder == "cuda"))
      report(path, include, "which is for the command's sources");
  }

  /// Whether including `path` includes Eigen, however deep.
  bool reaches_eigen(const std::string& path) {
    if (const auto known = reaches_eigen_.find(path); known != reaches_eigen_.end()) return known->second;
    reaches_eigen_[path] = false;  // a circle adds nothing
    bool reaches = false;
    for (const Include& include : includes_[path])
      reaches =
          reaches || is_eigen(include) || (includes_.contains(include.path) && reaches_eigen(include.path));
    return reaches_eigen_[path] = reaches;
  }

  void check_own_header_first(const std::string& path, const std::vector<Include>& includes) {
    if (!is_source(path)) return;
    const std::string header = path.substr(0, path.rfind('.')) + ".h";
    if (includes_.contains(header) && (includes.empty() || includes.front().path != header))
      broken_.push_back(path + ": does not include " + header + " before all else");
  }

  std::map<std::string, std::vector<Include>> includes_;
  std::map<std::string, bool> reaches_eigen_;
  std::vector<std::string> broken_;
};

}  // namespace

std::vector<std::string> broken_include_rules(const SourceTree& tree) { return Checker(tree).run(); }

}  // namespace bellman::test
