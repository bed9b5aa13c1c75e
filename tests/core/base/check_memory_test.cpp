#include <filesystem>
#include <fstream>
#include <limits>
#include <string>

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/memory.h"
#include "tests/support/error_message.h"

using namespace bellman;

namespace {

constexpr Index kMiB = Index{1} << 20;

/// A folder that looks like /; removed with the object.
class FakeRoot {
 public:
  FakeRoot() {
    std::string pattern = (std::filesystem::temp_directory_path() / "bellman-memory-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~FakeRoot() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  FakeRoot(const FakeRoot&) = delete;
  FakeRoot& operator=(const FakeRoot&) = delete;

  void write(const std::string& file, const std::string& text) const {
    std::filesystem::create_directories((path_ / file).parent_path());
    std::ofstream(path_ / file) << text;
  }
  const std::filesystem::path& path() const { return path_; }
  Index available() const {
    const auto memory = available_memory(path_);
    return memory ? memory->bytes : -1;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace

TEST_CASE("a machine that says nothing has no known limit") {
  rlimit limit{};
  REQUIRE(getrlimit(RLIMIT_AS, &limit) == 0);
  const FakeRoot root;
  CHECK((root.available() == -1) == (limit.rlim_cur == RLIM_INFINITY));
}

TEST_CASE("free memory is MemAvailable, not MemFree") {
  const FakeRoot root;
  root.write("proc/meminfo", "MemTotal:       8000 kB\nMemFree:         100 kB\nMemAvailable:    3000 kB\n");
  CHECK(root.available() == 3000 * 1024);
  CHECK(available_memory(root.path())->limit == "the machine's free memory");
}

TEST_CASE("a control group's limit counts, its parents' too, dropped page cache does not") {
  const FakeRoot root;
  root.write("proc/meminfo", "MemAvailable: 1000000 kB\n");
  root.write("proc/self/cgroup", "0::/a/b\n");
  root.write("sys/fs/cgroup/a/b/memory.max", "max\n");
  root.write("sys/fs/cgroup/a/b/memory.current", "10\n");
  CHECK(root.available() == 1000000 * Index{1024});
  root.write("sys/fs/cgroup/a/memory.max", "50000\n");
  root.write("sys/fs/cgroup/a/memory.current", "20000\n");
  root.write("sys/fs/cgroup/a/memory.stat", "anon 5\nfile 9000\ninactive_file 4000\n");
  CHECK(root.available() == 34000);
  CHECK(available_memory(root.path())->limit == "the control group's limit");
  // Inside a container the group's path is often not visible, the mount's top is.
  root.write("sys/fs/cgroup/memory.max", "30000\n");
  root.write("sys/fs/cgroup/memory.current", "31000\n");
  CHECK(root.available() == 0);
}

TEST_CASE("control groups of version 1 count too") {
  const FakeRoot root;
  root.write("proc/self/cgroup", "12:pids:/x\n5:cpu,memory:/x\n");
  root.write("sys/fs/cgroup/memory/x/memory.limit_in_bytes", "7000\n");
  root.write("sys/fs/cgroup/memory/x/memory.usage_in_bytes", "1000\n");
  root.write("sys/fs/cgroup/memory/x/memory.stat", "total_inactive_file 500\n");
  CHECK(root.available() == 6500);
}

TEST_CASE("check_memory names what was asked for and what there is") {
  check_memory(0, "nothing");
  check_memory(1, "one byte");
  CHECK_THROWS_WITH_AS(check_memory(std::numeric_limits<Index>::max(), "the replay"),
                       doctest::Contains("the replay needs 9223372036854775807 bytes, but there are only "),
                       Error);
}

TEST_CASE("a network's memory is compared with the available memory before any is allocated") {
  const std::string message = test::error_message([] { allocate_host_memory(std::size_t{1} << 46); });
  CHECK(test::contains(message, "an array needs 70368744177664 bytes, but there are only "));
}

TEST_CASE("check_memory respects the limit on the address space") {
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_AS, &before) == 0);
  Index pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  rlimit tight = before;
  tight.rlim_cur = static_cast<rlim_t>(pages * sysconf(_SC_PAGESIZE) + 256 * kMiB);
  if (before.rlim_max != RLIM_INFINITY && tight.rlim_cur > before.rlim_max) tight.rlim_cur = before.rlim_max;
  REQUIRE(setrlimit(RLIMIT_AS, &tight) == 0);
  const auto available = available_memory();
  REQUIRE(setrlimit(RLIMIT_AS, &before) == 0);
  REQUIRE(available.has_value());
  CHECK(available->bytes <= 256 * kMiB);
}

TEST_CASE("sizes are multiplied without overflow") {
  CHECK(checked_product(Index{1} << 31, Index{1} << 31, "x") == Index{1} << 62);
  CHECK(checked_product(0, 5, "x") == 0);
  CHECK(checked_product(5, 0, "x") == 0);
  CHECK_THROWS_AS(checked_product(Index{1} << 32, Index{1} << 31, "x"), Error);
  CHECK_THROWS_AS(checked_product(-1, 2, "x"), Error);
}
