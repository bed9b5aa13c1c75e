#include "apps/ranks/mpi_ranks.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <mutex>
#include <numeric>
#include <stop_token>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <dlfcn.h>

#include "apps/ranks/late_ranks.h"
#include "apps/ranks/launch.h"
#include "apps/ranks/mpi_plugin.h"
#include "core/base/check.h"
#include "core/base/text.h"

namespace bellman {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr int kMessages = 0, kNotes = 1;  // channels
constexpr const char* kPluginVariable = "BELLMAN_MPI_PLUGIN";

void print_line(const std::string& line) { std::cerr << "bellman: " + line + "\n" << std::flush; }

// ---- the plugin

fs::path find_plugin(const Launch& launch) {
  if (const char* const named = std::getenv(kPluginVariable)) return named;
  const std::string name = "bellman_mpi_" + launch.plugin + ".so";
  std::error_code error;
  const fs::path folder = fs::read_symlink("/proc/self/exe", error).parent_path();
  std::string looked;
  for (const fs::path& place :
       {folder / name, folder / ".." / BELLMAN_LIBDIR / name, folder / ".." / "lib" / name}) {
    if (fs::is_regular_file(place, error)) return place;
    const std::string text = place.lexically_normal().string();
    if (looked.find(text) == std::string::npos) looked += (looked.empty() ? "" : ", ") + text;
  }
  fail("started as one of ", launch.size, " processes (", launch.evidence,
       " is set), but the MPI plugin is missing: no file ", looked,
       " (it is built where CMake finds the library; ", kPluginVariable,
       " names another place, or is none to train alone)");
}

/// It stays open until the process ends. RTLD_GLOBAL: the components that Open MPI opens look for its symbols there.
const MpiPlugin& open_plugin(const Launch& launch) {
  const fs::path path = find_plugin(launch);
  void* const object = dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL);
  if (!object) fail("the MPI plugin cannot be opened: ", dlerror());
  void* const function = dlsym(object, kMpiPluginFunction);
  if (!function)
    fail("the MPI plugin ", path.string(), " is none of bellman's: it has no ", kMpiPluginFunction);
  const MpiPlugin* const plugin = reinterpret_cast<MpiPluginFunction>(function)();
  if (plugin->version != kMpiPluginVersion)
    fail("the MPI plugin ", path.string(), " has version ", plugin->version, ", this program needs ",
         kMpiPluginVersion);
  return *plugin;
}

/// While it lives and `patience` is over, says once that the ranks have not all started. MPI has no way to ask which.
class StartWatch {
 public:
  StartWatch(const Launch& launch, double patience) {
    if (launch.rank > 0) return;  // one line, not one a rank
    thread_ = std::jthread([launch, patience](const std::stop_token& stop) {
      std::mutex mutex;
      std::unique_lock lock(mutex);
      std::condition_variable_any never;
      if (never.wait_for(lock, stop, std::chrono::duration<double>(patience), [] { return false; })) return;
      if (!stop.stop_requested())
        print_line(formatted("rank %d of %d has waited %.3g s in MPI's start: not all ranks have started",
                             launch.rank, launch.size, patience));
    });
  }

 private:
  std::jthread thread_;
};

/// Ends the process when it lives longer than it should.
class EndWatch {
 public:
  EndWatch(int status, std::chrono::seconds most)
      : thread_([status, most](const std::stop_token& stop) {
          std::mutex mutex;
          std::unique_lock lock(mutex);
          std::condition_variable_any never;
          never.wait_for(lock, stop, most, [] { return false; });
          if (stop.stop_requested()) return;
          std::cout.flush();
          std::_Exit(status);
        }) {}

 private:
  std::jthread thread_;
};

// ---- waiting

/// How a rank passes the time until a collective is complete. First it only tests: between ranks with a core each most are
/// complete within microseconds. Then it yields, so that ranks on one core get on; then it sleeps. MPI moves large data
/// within tests, so `bytes` of it get the time they need first.
class Pause {
 public:
  explicit Pause(std::size_t bytes) : yield_until_(0.002 + static_cast<double>(bytes) / 100e6) {}

  /// Whether it has become long: time to look at notes.
  bool wait(double seconds) const {
    constexpr double kSpin = 20e-6;
    if (seconds < kSpin) return false;
    if (seconds < yield_until_) {
      std::this_thread::yield();
      return false;
    }
    std::this_thread::sleep_for(std::chrono::microseconds(100));
    return true;
  }

 private:
  double yield_until_;
};

class PluginRanks final : public MpiRanks {
 public:
  PluginRanks(const MpiPlugin& mpi, double patience) : mpi_(mpi), patience_(patience) {}
  ~PluginRanks() override {
    if (size() > 1) forget_notes();
    mpi_.finish();
  }

  int rank() const override { return mpi_.rank(); }
  int size() const override { return mpi_.size(); }
  std::string mpi_name() const override { return mpi_.name(); }

  void all_gather(std::span<std::byte> all, std::span<const std::size_t> sizes) override {
    require_sizes(sizes, all.size());
    require(mpi_.begin_all_gather(all.data(), sizes.data()));
    wait(all.size());
  }

  void all_to_all(std::span<const std::byte> out, std::span<const std::size_t> out_sizes,
                  std::span<std::byte> in, std::span<const std::size_t> in_sizes) override {
    require_sizes(out_sizes, out.size());
    require_sizes(in_sizes, in.size());
    require(mpi_.begin_all_to_all(out.data(), out_sizes.data(), in.data(), in_sizes.data()));
    wait(out.size() + in.size());
  }

  void send(int to, std::span<const std::byte> bytes) override {
    BELLMAN_CHECK(to >= 0 && to < size());
    if (bytes.size() > kMostMessage)
      fail("a message of ", bytes.size(), " bytes to rank ", to, ": MPI takes at most ", kMostMessage);
    require(mpi_.send(kMessages, to, bytes.data(), bytes.size()));
  }
  std::optional<RankMessage> receive() override { return receive(kMessages); }

  [[noreturn]] void abort(int status) override {
    mpi_.abort(status);
    std::_Exit(status);
  }

 private:
  void require(int code) const {
    if (code != 0) fail("MPI: ", mpi_.explain(code));
  }
  void require_sizes(std::span<const std::size_t> sizes, std::size_t bytes) const {
    BELLMAN_CHECK(sizes.size() == static_cast<std::size_t>(size()));
    BELLMAN_CHECK(std::accumulate(sizes.begin(), sizes.end(), std::size_t{0}) == bytes);
  }

  /// Notes to a rank that did not wait. MPI's end warns of messages that nobody received.
  void forget_notes() noexcept {
    try {
      while (receive(kNotes)) {
      }
    } catch (const Error&) {
    }
  }

  /// Until the collective that was begun is complete.
  void wait(std::size_t bytes) {
    const std::uint64_t collective = ++collectives_;
    int done = 0;
    require(mpi_.test(&done));
    if (done) return;
    const Clock::time_point start = Clock::now();
    const auto seconds = [&] { return std::chrono::duration<double>(Clock::now() - start).count(); };
    const Pause pause(bytes);
    LateRanks late(rank(), size(), collective, patience_);
    while (!done) {
      if (pause.wait(seconds())) look_at_notes(late, collective, seconds());
      require(mpi_.test(&done));
    }
    if (const std::string line = late.end(seconds()); !line.empty()) print_line(line);
  }

  void look_at_notes(LateRanks& late, std::uint64_t collective, double seconds) {
    while (const std::optional<RankMessage> message = receive(kNotes)) {
      WaitNote note;
      BELLMAN_CHECK(message->bytes.size() == sizeof note);
      std::memcpy(&note, message->bytes.data(), sizeof note);
      if (late.receive(message->from, note)) write({WaitNote::kHere, collective}, message->from);
    }
    const LateRanks::Action action = late.at(seconds);
    if (action.ask_all)
      for (int other = 0; other < size(); ++other)
        if (other != rank()) write({WaitNote::kAsk, collective}, other);
    if (!action.line.empty()) print_line(action.line);
  }
  void write(const WaitNote& note, int to) const {
    require(mpi_.send(kNotes, to, reinterpret_cast<const std::byte*>(&note), sizeof note));
  }

  std::optional<RankMessage> receive(int channel) {
    std::optional<RankMessage>& message = arriving_[static_cast<std::size_t>(channel)];
    if (!message) {
      int from = -1;
      std::size_t bytes = 0;
      require(mpi_.probe(channel, &from, &bytes));
      if (from < 0) return std::nullopt;
      message = {from, std::vector<std::byte>(bytes)};
      require(mpi_.begin_receive(channel, message->bytes.data()));
    }
    int done = 0;
    require(mpi_.test_receive(channel, &done));
    if (!done) return std::nullopt;
    return std::exchange(message, std::nullopt);
  }

  const MpiPlugin& mpi_;
  double patience_;
  std::uint64_t collectives_ = 0;
  std::array<std::optional<RankMessage>, 2> arriving_;  // of each channel
};

}  // namespace

std::unique_ptr<MpiRanks> ranks_of_this_launch(double patience) {
  const Launch launch = launch_of_this_process();
  const char* const named = std::getenv(kPluginVariable);
  if (launch.is_alone() || (named && std::string_view(named) == "none")) return nullptr;
  if (launch.plugin.empty() && !named)
    fail("srun started ", launch.size,
         " tasks without MPI: each would train all of it. Use srun --mpi=pmix or --mpi=pmi2 (",
         kPluginVariable, "=none trains in each task alone)");
  const MpiPlugin& mpi = open_plugin(launch);
  {
    const StartWatch watch(launch, patience);
    if (const int code = mpi.start()) fail("MPI cannot start: ", mpi.explain(code));
  }
  auto ranks = std::make_unique<PluginRanks>(mpi, patience);
  if (ranks->size() != launch.size)
    fail("mpirun started ", launch.size, " processes (", launch.evidence, "), but MPI (", ranks->mpi_name(),
         ") has ", ranks->size(), ": each would train all of it. Is mpirun of another library?");
  return ranks;
}

int leave_ranks(std::unique_ptr<MpiRanks> ranks, int status) {
  if (ranks->size() > 1) {
    std::vector<std::byte> here(static_cast<std::size_t>(ranks->size()));
    ranks->all_gather(here, std::vector<std::size_t>(here.size(), 1));
  }
  const EndWatch watch(status, std::chrono::seconds(5));
  ranks.reset();
  return status;
}

}  // namespace bellman
