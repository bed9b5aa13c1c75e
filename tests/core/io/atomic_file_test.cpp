#include <csignal>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "core/base/check.h"
#include "core/io/files.h"
#include "tests/support/temporary_directory.h"

namespace bellman::test {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPlenty = 1 << 20;

/// While it lives, no file can grow beyond `bytes`: writing more fails, as on a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : old_handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &old_) == 0);
    const rlimit limit = {bytes, old_.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &old_);
    std::signal(SIGXFSZ, old_handler_);
  }

 private:
  rlimit old_{};
  void (*old_handler_)(int);
};

std::optional<std::string> write_error(const fs::path& path, const std::string& text) {
  try {
    write_file_atomically(path, text);
  } catch (const Error& error) {
    return error.what();
  }
  return std::nullopt;
}

TEST_CASE("a file is written, read back and replaced; nothing else is left") {
  const TemporaryDirectory directory;
  const fs::path path = directory / "file.txt";
  const std::string nul("a\0b", 3);
  write_file_atomically(path, "first");
  CHECK(read_file(path, kPlenty) == "first");
  write_file_atomically(path, nul);
  CHECK(read_file(path, kPlenty) == nul);
  write_file_atomically(path, "");
  CHECK(read_file(path, kPlenty).empty());
  const std::string long_text(300'000, 'x');
  write_file_atomically(path, long_text);
  CHECK(read_file(path, kPlenty) == long_text);
  CHECK(directory.names() == std::vector<std::string>{"file.txt"});
}

TEST_CASE("pieces follow one another, and what throws between them leaves the file before") {
  const TemporaryDirectory directory;
  const std::string a = "ab", b, c = "cde";
  write_file_atomically(directory / "file", [&](const WriteBytes& write) {
    for (const std::string* const piece : {&a, &b, &c}) write(std::as_bytes(std::span(*piece)));
  });
  CHECK(read_file(directory / "file", 100) == "abcde");
  CHECK_THROWS_AS(write_file_atomically(directory / "file",
                                        [&](const WriteBytes& write) {
                                          write(std::as_bytes(std::span(c)));
                                          throw Error("no more");
                                        }),
                  Error);
  CHECK(read_file(directory / "file", 100) == "abcde");
  CHECK(std::distance(std::filesystem::directory_iterator(directory.path()), {}) == 1);
}

TEST_CASE("a new file has the rights that the user's mask allows") {
  const TemporaryDirectory directory;
  const mode_t old_mask = ::umask(027);
  write_file_atomically(directory / "file", "text");
  ::umask(old_mask);
  CHECK(fs::status(directory / "file").permissions() == fs::perms(0640));
}

TEST_CASE("a file in the working directory, and one whose name is as long as a name can be") {
  const TemporaryDirectory directory;
  const fs::path old = fs::current_path();
  fs::current_path(directory.path());
  write_file_atomically("bare", "text");
  fs::current_path(old);
  CHECK(read_file(directory / "bare", kPlenty) == "text");

  const std::string longest(255, 'n');
  write_file_atomically(directory / longest, "text");
  CHECK(read_file(directory / longest, kPlenty) == "text");
}

TEST_CASE("a full disk: the error names file and reason, the old file is whole, nothing is left") {
  const TemporaryDirectory directory;
  const fs::path path = directory / "file.txt";
  write_file_atomically(path, "old");
  std::optional<std::string> error;
  {
    const FileSizeLimit limit(4096);
    error = write_error(path, std::string(5000, 'x'));
  }
  CHECK(error == path.string() + ": cannot be written: File too large");
  CHECK(read_file(path, kPlenty) == "old");
  CHECK(directory.names() == std::vector<std::string>{"file.txt"});
}

TEST_CASE("directories that are not there, are none, or take no file") {
  const TemporaryDirectory directory;
  write_file_atomically(directory / "file", "text");
  const fs::path missing = directory / "missing" / "file", under_file = directory / "file" / "file";
  CHECK(write_error(missing, "x") == missing.string() + ": cannot be written: No such file or directory");
  CHECK(write_error(under_file, "x") == under_file.string() + ": cannot be written: Not a directory");
  CHECK(write_error("/proc/bellman", "x").value_or("").starts_with("/proc/bellman: cannot be written: "));
  CHECK(directory.names() == std::vector<std::string>{"file"});
}

TEST_CASE("what is no regular file is not replaced") {
  const TemporaryDirectory directory;
  fs::create_directory(directory / "folder");
  REQUIRE(::mkfifo((directory / "pipe").c_str(), 0600) == 0);
  CHECK(write_error(directory / "folder", "x") ==
        (directory / "folder").string() + ": cannot be written: it is there and not a regular file");
  CHECK(write_error(directory / "pipe", "x").has_value());
  CHECK(fs::is_fifo(directory / "pipe"));
  CHECK(write_error("", "x") == "\"\" is not the name of a file");
  CHECK(write_error(directory / "", "x").has_value());
}

TEST_CASE("read_file: the limit, files that do not know their size, and what cannot be read") {
  const TemporaryDirectory directory;
  const fs::path path = directory / "file";
  write_file_atomically(path, std::string(70'000, 'x'));
  CHECK(read_file(path, 70'000).size() == 70'000);
  CHECK_THROWS_WITH_AS(read_file(path, 69'999), (path.string() + ": is longer than 69999 bytes").c_str(),
                       Error);
  CHECK_THROWS_WITH_AS(read_file("/dev/zero", kPlenty), "/dev/zero: is a device or a socket, not a file",
                       Error);
  CHECK(read_file("/proc/self/status", kPlenty).starts_with("Name:"));
  CHECK_THROWS_WITH_AS(
      read_file(directory / "none", kPlenty),
      ((directory / "none").string() + ": cannot be opened: No such file or directory").c_str(), Error);
  CHECK_THROWS_WITH_AS(read_file(directory.path(), kPlenty),
                       (directory.path().string() + ": is a directory").c_str(), Error);
}

}  // namespace
}  // namespace bellman::test
