// With any number of threads for the CPU's ops, a run leaves the same model, checkpoint and logs.
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "apps/base/fingerprint.h"
#include "apps/run/checkpoint.h"
#include "tests/apps/run_outcome.h"
#include "tests/support/temporary_directory.h"

namespace bellman::test {
namespace {

/// Of all that two runs of the same settings share; of the configuration, which says the threads, the rest.
std::string hash_of(const RunOutcome& outcome) {
  std::string text;
  const auto add = [&text](const std::string& piece) { text += std::to_string(piece.size()) + ":" + piece; };
  for (const auto& [name, bytes] : outcome.tensors) add(name), add(bytes);
  for (const auto& [key, value] : outcome.metadata) {
    add(key);
    const std::size_t line = key == "config" ? value.find("threads = ") : std::string::npos;
    add(line == std::string::npos ? value : value.substr(0, line) + value.substr(value.find('\n', line)));
  }
  for (const auto* lines : {&outcome.monitor, &outcome.progress, &outcome.events})
    for (const std::string& line : *lines) add(line);
  add(outcome.model);
  return xxh64(text);
}

void check_threads(const std::string& name, const Words& words) {
  const TemporaryDirectory top;
  std::string hash;
  for (const char* const threads : {"1", "2", "3", "4", "8"}) {
    CAPTURE(threads);
    const std::string of_these = hash_of(uninterrupted(words + Words{"--threads", threads}, top / threads));
    if (hash.empty()) hash = of_these;
    CHECK(of_these == hash);
  }
  MESSAGE("1, 2, 3, 4 and 8 threads, " << name << ": one hash of model, checkpoint and logs, " << hash);
}

TEST_CASE("threads: one hash for any number of them, a network of dense layers") {
  check_threads("dense layers",
                short_run() + Words{"--network", "dense 64, relu, dense 64, relu", "--prioritized",
                                    "--num-envs", "2", "--dueling", "--batch-size", "128"});
}

TEST_CASE("threads: one hash for any number of them, a convolutional network") {
  check_threads(
      "convolutions",
      short_run() + Words{"--env-id", "GridWorld-v0", "--observation", "planes", "--total-timesteps", "1200",
                          "--network", "conv 8 3x3 padding 1, relu, max_pool 2x2, flatten, dense 64, relu",
                          "--batch-size", "64", "--train-frequency", "4"});
}

}  // namespace
}  // namespace bellman::test
