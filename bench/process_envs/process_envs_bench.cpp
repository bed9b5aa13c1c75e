// What it costs that Python's environments play in other processes: a vector step through the bridge (envs/process/), of an
// environment that does nothing and of CartPole, beside the same steps inside one Python process, and beside Gymnasium's
// AsyncVectorEnv. All in turn, medians over the rounds.
//
//   process_envs_bench [--python PYTHON] [--rounds N]
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <unistd.h>

#include "core/base/check.h"
#include "envs/env.h"

namespace bellman {
namespace {

constexpr const char* kIdle = "idle_envs:Idle-v0";
constexpr double kSecondsAPiece = 0.05;  // of each measurement in a round

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t n = values.size();
  return n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

/// The Python process of in_python.py. It ends when its stdin is closed.
class PythonPeer {
 public:
  explicit PythonPeer(const std::string& python) {
    int to[2], from[2];
    if (pipe(to) != 0 || pipe(from) != 0) fail("no pipe");
    pid_ = fork();
    if (pid_ == 0) {
      dup2(to[0], 0);
      dup2(from[1], 1);
      for (const int end : {to[0], to[1], from[0], from[1]}) close(end);
      execlp(python.c_str(), python.c_str(), BELLMAN_BENCH_FOLDER "/in_python.py", nullptr);
      _exit(127);
    }
    close(to[0]);
    close(from[1]);
    requests_ = fdopen(to[1], "w");
    answers_ = fdopen(from[0], "r");
  }
  ~PythonPeer() {
    std::fclose(requests_);
    std::fclose(answers_);
  }
  PythonPeer(const PythonPeer&) = delete;
  PythonPeer& operator=(const PythonPeer&) = delete;

  /// Seconds that so many vector steps took.
  double seconds(const std::string& kind, const std::string& id, Index envs, Index steps) {
    std::fprintf(requests_, "%s %s %d %d\n", kind.c_str(), id.c_str(), static_cast<int>(envs),
                 static_cast<int>(steps));
    std::fflush(requests_);
    double answer = 0;
    if (std::fscanf(answers_, "%lf", &answer) != 1) fail("Python answers no more");
    return answer;
  }

 private:
  int pid_ = -1;
  std::FILE *requests_ = nullptr, *answers_ = nullptr;
};

/// Copies behind the bridge, with random actions.
class Bridged {
 public:
  Bridged(const std::string& python, const std::string& id, Index envs, Index workers)
      : batch_(make_batch_env(env_factory(options(python, id, workers)), envs, {1, Purpose::kTest, 0})),
        envs_(envs),
        width_(batch_->spec().observation_shape.elements()),
        observations_(static_cast<std::size_t>(envs * width_)),
        results_(static_cast<std::size_t>(envs)),
        actions_(static_cast<std::size_t>(envs)) {
    std::vector<Index> all(static_cast<std::size_t>(envs));
    for (Index e = 0; e < envs; ++e) all[static_cast<std::size_t>(e)] = e;
    batch_->reset(observations_, all);
  }

  double seconds(Index steps) {
    const double start = seconds_now();
    for (Index t = 0; t < steps; ++t) {
      for (Index e = 0; e < envs_; ++e)
        actions_[static_cast<std::size_t>(e)] = static_cast<std::int32_t>(
            random_words({3, Purpose::kTest, static_cast<std::uint32_t>(e)}, ++draws_)[0] & 1U);
      batch_->reset(observations_, batch_->step(results_, observations_, 0, actions_));
    }
    return seconds_now() - start;
  }

  /// What idle_envs.py says of every step.
  void check_idle() {
    seconds(3);
    for (const StepResult& result : results_)
      if (result.reward != 1.0F || result.terminated || result.truncated) fail("a step came back changed");
    for (std::size_t i = 0; i < observations_.size(); ++i)
      if (observations_[i] != std::array{0.5F, -0.5F, 0.25F, -0.25F}[i % 4])
        fail("an observation came back changed");
  }

 private:
  static EnvOptions options(const std::string& python, const std::string& id, Index workers) {
    EnvOptions options;
    options.id = "gymnasium:" + id;
    options.python = python;
    options.env_workers = workers;
    return options;
  }

  std::unique_ptr<BatchEnv> batch_;
  Index envs_, width_;
  std::uint64_t draws_ = 0;
  std::vector<float> observations_;
  std::vector<StepResult> results_;
  std::vector<std::int32_t> actions_;
};

/// One measurement that every round repeats: seconds a vector step.
struct Row {
  std::function<double(Index)> seconds;  // of so many vector steps
  Index steps = 0;
  std::vector<double> found;
};

void measure(std::vector<Row>& rows, int rounds) {
  for (Row& row : rows) {  // also warms up
    row.seconds(20);
    row.steps = std::max<Index>(20, static_cast<Index>(kSecondsAPiece / (row.seconds(50) / 50)));
  }
  for (int round = 0; round < rounds; ++round)
    for (Row& row : rows) row.found.push_back(row.seconds(row.steps) / static_cast<double>(row.steps));
}

/// Of the rounds' differences of two rows, in microseconds.
double median_difference(const Row& row, const Row& other) {
  std::vector<double> differences;
  for (std::size_t i = 0; i < row.found.size(); ++i) differences.push_back(row.found[i] - other.found[i]);
  return 1e6 * median(differences);
}

/// "118.4 (85.0, 136.7)" microseconds: the median, the least and the most.
std::string shown(const Row& row) {
  char text[64];
  const auto [least, most] = std::minmax_element(row.found.begin(), row.found.end());
  std::snprintf(text, sizeof text, "%.1f (%.1f, %.1f)", 1e6 * median(row.found), 1e6 * *least, 1e6 * *most);
  return text;
}

/// So many copies in so many workers: a line of the table. The environment's own time is that of one worker's share.
void compare(PythonPeer& peer, const std::string& python, const std::string& id, Index envs, Index workers,
             int rounds) {
  Bridged bridged(python, id, envs, workers);
  if (id == kIdle) bridged.check_idle();
  const auto in_python = [&](const char* kind, Index count) {
    return Row{
        [&peer, &id, kind, count](Index steps) { return peer.seconds(kind, id, count, steps); }, 0, {}};
  };
  std::vector<Row> rows = {{[&](Index steps) { return bridged.seconds(steps); }, 0, {}},
                           in_python("loop", (envs + workers - 1) / workers),
                           in_python("sync", envs),
                           in_python("async", envs)};
  measure(rows, rounds);
  std::printf("%5d %8d %26s %26s %10.1f %26s %30s\n", static_cast<int>(envs), static_cast<int>(workers),
              shown(rows[0]).c_str(), shown(rows[1]).c_str(), median_difference(rows[0], rows[1]),
              shown(rows[2]).c_str(), shown(rows[3]).c_str());
  std::fflush(stdout);
}

void compare_all(const std::string& python, const std::string& id, int rounds) {
  PythonPeer peer(python);
  std::printf("%s, us a vector step: median of %d rounds (least, most)\n", id.c_str(), rounds);
  std::printf("%5s %8s %26s %26s %10s %26s %30s\n", "envs", "workers", "bridge", "loop of a share",
              "crossing", "SyncVectorEnv", "AsyncVectorEnv");
  for (const Index envs : {1, 8, 64})
    for (const Index workers : {1, 2})
      if (workers <= envs) compare(peer, python, id, envs, workers, rounds);
  std::printf("\n");
}

}  // namespace
}  // namespace bellman

int main(int argc, char** argv) {
  std::string python = "python3";
  int rounds = 9;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::string(argv[i]) == "--python") python = argv[i + 1];
    if (std::string(argv[i]) == "--rounds") rounds = std::atoi(argv[i + 1]);
  }
  setenv("PYTHONPATH", BELLMAN_BENCH_FOLDER, 1);
  try {
    for (const char* id : {bellman::kIdle, "CartPole-v1"}) bellman::compare_all(python, id, rounds);
  } catch (const bellman::Error& error) {
    std::fprintf(stderr, "process_envs_bench: %s\n", error.what());
    return 1;
  }
  return 0;
}
