#include "tests/support/backends.h"

#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/error_message.h"

namespace bellman::test {
namespace {

/// Sets BELLMAN_TEST_BACKENDS during its lifetime.
class Wanted {
 public:
  explicit Wanted(const char* list) {
    if (const char* before = std::getenv(kVariable)) before_ = before;
    setenv(kVariable, list, 1);
  }
  ~Wanted() {
    if (before_)
      setenv(kVariable, before_->c_str(), 1);
    else
      unsetenv(kVariable);
  }
  Wanted(const Wanted&) = delete;
  Wanted& operator=(const Wanted&) = delete;

 private:
  static constexpr const char* kVariable = "BELLMAN_TEST_BACKENDS";
  std::optional<std::string> before_;
};

std::vector<std::string> names() {
  std::vector<std::string> names;
  for (const NamedBackend& named : float_backends()) names.push_back(named.name);
  return names;
}

TEST_CASE("the backends under test are those that BELLMAN_TEST_BACKENDS names") {
  {
    const Wanted wanted("reference");
    CHECK(names() == std::vector<std::string>{"reference"});
  }
  {
    const Wanted wanted("cpu,simt");
    std::vector<std::string> expected = {"cpu, 1 thread", "cpu, 4 threads", "cpu, Eigen's products"};
    for (const cpu::Kernels* kernels : cpu::usable_kernels().subspan(1))
      expected.push_back(std::string("cpu, ") + kernels->name);
    expected.push_back("simt");
    CHECK(names() == expected);
  }
  const Wanted wanted("");
  CHECK(names().size() >= 5);
}

TEST_CASE("a name in BELLMAN_TEST_BACKENDS that is no backend's is an error") {
  for (const char* list : {"gpu", "cpu,", "cpu, simt", ",", "cpu,gpu"}) {
    CAPTURE(list);
    const Wanted wanted(list);
    CHECK(error_message([] { float_backends(); }).find("known: reference, cpu, simt, cuda") !=
          std::string::npos);
  }
}

}  // namespace
}  // namespace bellman::test
