#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <thread>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/io/files.h"
#include "core/io/safetensors.h"
#include "tests/support/error_message.h"
#include "tests/support/temporary_directory.h"

namespace bellman::test {
namespace {

namespace fs = std::filesystem;
using namespace std::string_literals;

constexpr std::uint64_t kMostText = 1 << 20;

/// A file with these bytes, read as a text.
class File {
 public:
  explicit File(const std::string& bytes) { std::ofstream(path(), std::ios::binary) << bytes; }
  fs::path path() const { return directory_ / "file"; }
  std::string text(std::uint64_t max_bytes = kMostText) const { return read_text_file(path(), max_bytes); }
  /// The message without the file's name.
  std::string complaint(std::uint64_t max_bytes = kMostText) const {
    const std::string message = error_message([&] { text(max_bytes); });
    const std::string front = path().string() + ": ";
    return message.starts_with(front) ? message.substr(front.size()) : message;
  }

 private:
  TemporaryDirectory directory_;
};

TEST_CASE("a text comes as it is, but for a byte-order mark at its start") {
  const std::string long_text = std::string(150'000, 'x') + "\r\n\tend";
  for (const std::string& text : {""s, "a"s, "\xc3\xa9\n"s, "a\xef\xbb\xbf"s, "\xef\xbb"s, long_text}) {
    CHECK(File(text).text() == text);
    CHECK(File(std::string("\xef\xbb\xbf").append(text)).text() == text);
  }
  CHECK(File("\xef\xbb\xbf\xef\xbb\xbfx").text() == "\xef\xbb\xbfx");  // one is left out
}

TEST_CASE("UTF-16 and UTF-32 are called by their names") {
  CHECK(File("\xff\xfeS\0G\0"s).complaint() == "is UTF-16 by its byte-order mark: save it as UTF-8");
  CHECK(File("\xfe\xff\0S\0G"s).complaint() == "is UTF-16 by its byte-order mark: save it as UTF-8");
  CHECK(File("\xff\xfe\0\0S\0\0\0"s).complaint() == "is UTF-32 by its byte-order mark: save it as UTF-8");
  CHECK(File("\0\0\xfe\xff\0\0\0S"s).complaint() == "is UTF-32 by its byte-order mark: save it as UTF-8");
  CHECK(File("S\0G\0"s).complaint() == "byte 2 is NUL, which no text has");  // without a mark
}

TEST_CASE("a NUL byte is no part of a text, wherever it stands") {
  CHECK(File("\0"s).complaint() == "byte 1 is NUL, which no text has");
  CHECK(File("{}\0junk"s).complaint() == "byte 3 is NUL, which no text has");
  CHECK(File("\xef\xbb\xbf{}\0"s).complaint() == "byte 6 is NUL, which no text has");
  CHECK(File(std::string(100'000, ' ') + "\0"s).complaint() == "byte 100001 is NUL, which no text has");
}

TEST_CASE("a text that is too long is refused") {
  CHECK(File(std::string(70'000, 'x')).text(70'000).size() == 70'000);
  CHECK(File(std::string(70'001, 'x')).complaint(70'000) == "is longer than 70000 bytes");
}

TEST_CASE("devices, directories and sockets are no files, and are refused at once") {
  const TemporaryDirectory directory;
  const auto complaint = [](const fs::path& path) {
    return error_message([&] { read_text_file(path, kMostText); });
  };
  for (const char* device : {"/dev/zero", "/dev/null", "/dev/urandom"})
    CHECK(complaint(device) == std::string(device) + ": is a device or a socket, not a file");
  CHECK(complaint(directory.path()) == directory.path().string() + ": is a directory");
  CHECK(complaint(directory / "none").ends_with("cannot be opened: No such file or directory"));
  CHECK(complaint(fs::path("map\0.txt"s)) == "\"map?.txt\": a NUL byte is part of no file's name");

  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string name = (directory / "s").string();
  REQUIRE(name.size() < sizeof address.sun_path);
  name.copy(address.sun_path, name.size());
  const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
  REQUIRE(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  CHECK(complaint(name).find(name) == 0);
  ::close(socket);
}

TEST_CASE("a pipe without a writer is refused, not waited for, by every reader") {
  const TemporaryDirectory directory;
  const fs::path pipe = directory / "pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(error_message([&] { read_text_file(pipe, kMostText); }) ==
        pipe.string() + ": is a pipe to which nobody writes");
  CHECK(read_file(pipe, kMostText).empty());
  CHECK(error_message([&] { read_safetensors(pipe); }) == pipe.string() + ": is not a regular file");
}

TEST_CASE("a pipe with a writer is read to its end, however slowly it writes") {
  const TemporaryDirectory directory;
  const fs::path pipe = directory / "pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  const std::string text = "\xef\xbb\xbf[[1,2]]" + std::string(200'000, ' ');
  FileDescriptor both(::open(pipe.c_str(), O_RDWR | O_CLOEXEC), pipe, "opened");  // does not block
  FileDescriptor writer(::open(pipe.c_str(), O_WRONLY | O_CLOEXEC), pipe, "opened");
  TextReader reader(open_for_reading(pipe), kMostText);
  both.close();
  std::thread writing([&] {
    const std::span<const std::byte> bytes = std::as_bytes(std::span(text));
    writer.write(bytes.first(2));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    writer.write(bytes.subspan(2));
    writer.close();
  });
  const std::string read(std::istreambuf_iterator<char>(&reader), {});
  writing.join();
  CHECK(read == text.substr(3));
}

}  // namespace
}  // namespace bellman::test
