// The messages of system errors.
#include "apps/base/process.h"

#include <fstream>
#include <string>
#include <system_error>

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/cpu/thread_pool.h"
#include "tests/support/error_message.h"
#include "tests/support/sanitized.h"

namespace bellman::test {
namespace {

TEST_CASE("a thread that the system does not start is said to be one, with the limits that it may be for") {
  const std::system_error refused(std::make_error_code(std::errc::resource_unavailable_try_again));
  const std::string text = error_text(refused);
  CHECK(contains(text, "cannot start another thread"));
  CHECK(contains(text, "Resource temporarily unavailable"));
  CHECK(contains(text, "ulimit -u"));
  const std::system_error other(std::make_error_code(std::errc::permission_denied));
  CHECK(error_text(other) == "Permission denied");
}

#if !defined(BELLMAN_SANITIZED) && !defined(BELLMAN_MEMCHECKED)
/// Leaves the process so much more address space, until its end.
class AddressSpace {
 public:
  explicit AddressSpace(rlim_t more) {
    rlim_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    REQUIRE(::getrlimit(RLIMIT_AS, &before_) == 0);
    const rlimit limit = {pages * static_cast<rlim_t>(::sysconf(_SC_PAGESIZE)) + more, before_.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_AS, &limit) == 0);
  }
  ~AddressSpace() { ::setrlimit(RLIMIT_AS, &before_); }
  AddressSpace(const AddressSpace&) = delete;
  AddressSpace& operator=(const AddressSpace&) = delete;

 private:
  rlimit before_{};
};

TEST_CASE("a pool that has no room for its threads says how many there were to be, and by which setting") {
  std::string text;
  {
    const AddressSpace little(rlim_t{64} << 20);
    text = error_message([] { ThreadPool(1024); });
  }
  CAPTURE(text);
  CHECK(contains(text, " of the 1023 workers of 1024 threads: Resource temporarily unavailable"));
  CHECK(contains(text, "the setting is threads"));
  CHECK(ThreadPool(4).threads() == 4);
}
#endif

}  // namespace
}  // namespace bellman::test
