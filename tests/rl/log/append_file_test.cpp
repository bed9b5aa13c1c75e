#include "rl/log/append_file.h"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>

#include <doctest/doctest.h>
#include <sys/resource.h>

#include "tests/rl/log/content.h"
#include "tests/support/error_message.h"
#include "tests/support/temporary_directory.h"

namespace bellman::test {
namespace {

/// While it lives no file of this process grows beyond `bytes`: writes fail as on a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : old_action_(std::signal(SIGXFSZ, SIG_IGN)) {
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &old_limit_) == 0);
    const rlimit limit = {bytes, old_limit_.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &old_limit_);
    std::signal(SIGXFSZ, old_action_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit old_limit_{};
  void (*old_action_)(int);
};

TEST_CASE("a record is in the file as soon as it was appended") {
  const TemporaryDirectory directory;
  AppendFile file(directory / "log");
  file.append("one\n");
  CHECK(content(directory / "log") == "one\n");
  file.append("two\n");
  file.sync();
  CHECK(content(directory / "log") == "one\ntwo\n");
}

TEST_CASE("an earlier file is cut back by the first record, and by nothing before it") {
  const TemporaryDirectory directory;
  const auto write_file = [&](const char* text) {
    std::ofstream(directory / "log", std::ios::binary) << text;
  };
  write_file("one\ntwo\nhal");
  {
    const AppendFile file(directory / "log", 4);
    CHECK(file.size() == 4);
    CHECK(file.tail(100) == "one\n");
    file.sync();
  }
  CHECK(content(directory / "log") == "one\ntwo\nhal");
  SUBCASE("a record") { AppendFile(directory / "log", 4).append("2\n"); }
  SUBCASE("no record, but a flush") {
    AppendFile file(directory / "log", 4);
    file.cut();
    CHECK(content(directory / "log") == "one\n");
    file.append("2\n");
  }
  SUBCASE("a shorter record that the disk takes only in the second attempt") {
    AppendFile file(directory / "log", 4);
    {
      const FileSizeLimit full(4);
      CHECK_THROWS(file.append("2\n"));
    }
    file.append("2\n");
  }
  CHECK(content(directory / "log") == "one\n2\n");
}

TEST_CASE("the end of a file is what was appended last, also of a continued file") {
  const TemporaryDirectory directory;
  {
    AppendFile file(directory / "log");
    CHECK(file.tail(4) == "");
    file.append("one\n");
    CHECK(file.tail(100) == "one\n");
    file.append("two\n");
    CHECK(file.tail(6) == "e\ntwo\n");
  }
  AppendFile file(directory / "log", 4);
  CHECK(file.tail(2) == "e\n");
  std::filesystem::remove(directory / "log");
  file.append("three\n");
  CHECK(file.tail(7) == "\nthree\n");  // somebody took its name away
}

TEST_CASE("an older file is emptied") {
  const TemporaryDirectory directory;
  std::ofstream(directory / "log") << "old and longer";
  AppendFile(directory / "log").append("new");
  CHECK(content(directory / "log") == "new");
}

TEST_CASE("a full disk never leaves half a record") {
  const TemporaryDirectory directory;
  const std::string path = (directory / "log").string();
  AppendFile file(path);
  std::string message;
  {
    const FileSizeLimit limit(25);
    file.append("ten bytes\n");
    file.append("ten bytes\n");
    message = error_message([&] { file.append("ten bytes\n"); });  // five of them fit
  }
  CHECK(message == path + ": File too large");
  CHECK(content(path) == "ten bytes\nten bytes\n");
  file.append("room again\n");
  CHECK(content(path) == "ten bytes\nten bytes\nroom again\n");
}

TEST_CASE("a device that is full, and files that cannot be made") {
  const TemporaryDirectory directory;
  AppendFile full("/dev/full");
  CHECK(error_message([&] { full.append("x"); }) == "/dev/full: No space left on device");
  CHECK(error_message([&] { AppendFile(directory.path()); }) ==
        directory.path().string() + ": Is a directory");
  CHECK(error_message([&] { AppendFile(directory / "none/log"); }) ==
        (directory / "none/log").string() + ": No such file or directory");
}

}  // namespace
}  // namespace bellman::test
