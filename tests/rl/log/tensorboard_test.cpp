#include "rl/log/tensorboard.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/error_message.h"
#include "tests/support/golden.h"
#include "tests/support/temporary_directory.h"

namespace bellman::test {
namespace {

std::string hex_of(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::string hex;
  for (std::istreambuf_iterator<char> c(in), end; c != end; ++c)
    for (const int shift : {4, 0}) hex += "0123456789abcdef"[static_cast<unsigned char>(*c) >> shift & 15];
  return hex;
}

TEST_CASE("crc32c: the check values of RFC 3720, appendix B.4") {
  CHECK(crc32c(std::string(32, '\0')) == 0x8a9136aaU);
  CHECK(crc32c(std::string(32, '\xff')) == 0x62a8ab43U);
  CHECK(crc32c("123456789") == 0xe3069283U);
  CHECK(crc32c("") == 0);
}

TEST_CASE("an event file holds the bytes that TensorBoard's own writer makes") {
  const TemporaryDirectory directory;
  double now = 1699999999.5;
  TensorboardWriter sink(directory / "events", [&] { return now += 1; });
  sink.on_episode({.episode_return = 21.5, .length = 21, .seconds = 0.5, .timestep = 21});
  const std::vector<Scalar> row = {
      {"a", 0.1}, {"skipped", std::numeric_limits<double>::quiet_NaN()}, {"b", -1e-3}, {"c", 0.0}};
  sink.on_scalars(5'000'000'000, row);

  CHECK(hex_of(directory / "events") == Golden("golden_tensorboard").text("bytes"));
}

TEST_CASE("episodes reach the file with the next row or flush, whole") {
  const TemporaryDirectory directory;
  TensorboardWriter sink(directory / "events", [] { return 0.0; });
  const std::size_t head = hex_of(directory / "events").size();
  sink.on_episode({.episode_return = 1, .length = 1, .seconds = 0, .timestep = 1});
  CHECK(hex_of(directory / "events").size() == head);
  sink.flush();
  CHECK(hex_of(directory / "events").size() > head);
  CHECK(error_message([] { TensorboardWriter("/dev/full", [] { return 0.0; }); }) ==
        "/dev/full: No space left on device");
}

TEST_CASE("the file's name is what TensorBoard looks for") {
  CHECK(tensorboard_file_name(1700000000.9).starts_with("events.out.tfevents.1700000000."));
}

}  // namespace
}  // namespace bellman::test
