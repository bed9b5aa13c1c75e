// `bellman train --device ...` as its user meets it.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/support/parse_json.h"
#include "tests/support/run_command.h"
#include "tests/support/temporary_directory.h"

namespace bellman::test {
namespace {

/// BELLMAN_CUDA_PLUGIN for the programs that are started while this lives.
class PluginPath {
 public:
  explicit PluginPath(const std::filesystem::path& path) { setenv("BELLMAN_CUDA_PLUGIN", path.c_str(), 1); }
  ~PluginPath() { unsetenv("BELLMAN_CUDA_PLUGIN"); }
  PluginPath(const PluginPath&) = delete;
  PluginPath& operator=(const PluginPath&) = delete;
};

CommandResult train(const TemporaryDirectory& directory, std::vector<std::string> arguments) {
  std::vector<std::string> all = {"train", "--run-dir", (directory / "run").string()};
  for (const char* word : {"--total-timesteps", "60", "--learning-starts", "20", "--batch-size", "8",
                           "--buffer-size", "50", "--network", "dense 8, relu", "--final-eval-episodes", "1",
                           "--eval-frequency", "0", "--no-stop-when-solved"})
    all.emplace_back(word);
  all.insert(all.end(), arguments.begin(), arguments.end());
  return run_bellman(all);
}

void check_one_line(const CommandResult& result, const std::string& part) {
  CAPTURE(result.err);
  CHECK(result.exit_code == 2);
  CHECK(result.err.find(part) != std::string::npos);
  CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
}

TEST_CASE("without its plugin --device cuda says so in one line, and leaves no run behind") {
  const TemporaryDirectory directory;
  const PluginPath nowhere(directory / "none.so");
  check_one_line(train(directory, {"--device", "cuda"}), "--device cuda: the GPU plugin is missing");
  CHECK(!std::filesystem::exists(directory / "run"));
}

TEST_CASE("a plugin that is damaged is one line") {
  const TemporaryDirectory directory;
  std::ofstream(directory / "text.so") << "not a library\n";
  const PluginPath text(directory / "text.so");
  check_one_line(train(directory, {"--device", "cuda"}), "the GPU plugin cannot be opened");
}

TEST_CASE("--device auto without a GPU trains on the CPU and says which and why") {
  const TemporaryDirectory directory;
  const PluginPath nowhere(directory / "none.so");
  const CommandResult result = train(directory, {"--device", "auto"});
  CHECK(result.exit_code == 0);
  CHECK(result.out.find("Device: the CPU, as there is no GPU to use: the GPU plugin is missing") !=
        std::string::npos);
  CHECK(std::filesystem::exists(directory / "run" / "model.safetensors"));
}

TEST_CASE("--device simt trains with the kernels, to the same bits each time") {
  std::vector<std::string> models;
  for (int i = 0; i < 2; ++i) {
    const TemporaryDirectory directory;
    const CommandResult result =
        train(directory, {"--device", "simt", "--prioritized", "--double", "--json"});
    CAPTURE(result.err);
    REQUIRE(result.exit_code == 0);
    CHECK(parse_json(result.out)["gradient_updates"].get<int>() > 0);
    CHECK(result.err.find("Device: SIMT executor") != std::string::npos);
    std::ifstream file(directory / "run" / "model.safetensors", std::ios::binary);
    models.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  CHECK(!models[0].empty());
  CHECK(models[0] == models[1]);
}

TEST_CASE(
    "a replay that the device's memory cannot hold is one line with the numbers, and leaves no run behind") {
  const TemporaryDirectory directory;
  const CommandResult result =
      train(directory, {"--device", "simt", "--env-id", "FourRooms-v0", "--observation", "planes",
                        "--network", "flatten, dense 8", "--buffer-size", "200000000"});
  check_one_line(result, "MiB: a smaller buffer_size needs less");
  CHECK(!std::filesystem::exists(directory / "run"));
}

}  // namespace
}  // namespace bellman::test
