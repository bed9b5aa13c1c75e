#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/base/check.h"
#include "cuda/base/runtime.h"
#include "cuda/simt/runtime.h"
#include "tests/support/error_message.h"

namespace bellman::simt {
namespace {

using bellman::test::error_message;

__global__ void add_one(float* y) { y[threadIdx.x] += 1; }
__global__ void store(float* y, float value) { y[threadIdx.x] = value; }
__global__ void go_wrong() { fail("wrong"); }

struct OneFloat {
  DeviceMemory memory{sizeof(float)};
  float* data() const { return static_cast<float*>(memory.data()); }
  float get(Stream& stream) const {
    float value = 0;
    stream.copy_to_host(&value, data(), sizeof value);
    return value;
  }
};

}  // namespace

TEST_CASE("new memory is NaN, and 256-byte aligned") {
  const DeviceMemory memory(10 * sizeof(float));
  CHECK(reinterpret_cast<std::uintptr_t>(memory.data()) % 256 == 0);
  for (int i = 0; i < 10; ++i) CHECK(std::isnan(static_cast<const float*>(memory.data())[i]));
  CHECK(allocate(0) == nullptr);
  const std::size_t too_much = std::numeric_limits<std::size_t>::max() / 4;
  if (!detail::kAddressSanitizer && !detail::kThreadSanitizer)  // which end the program instead
    CHECK(error_message([&] { allocate(too_much); }).find(std::to_string(too_much)) != std::string::npos);
}

TEST_CASE("nothing runs before somebody waits for it, then all in order") {
  Stream stream;
  OneFloat y;
  launch(stream, store, 1, 1, 0, y.data(), 3.0F);
  launch(stream, add_one, 1, 1, 0, y.data());
  CHECK(std::isnan(*y.data()));
  stream.synchronise();
  CHECK(*y.data() == 4);
  launch(stream, add_one, 1, 1, 0, y.data());
  CHECK(y.get(stream) == 5);
}

TEST_CASE("an upload reads the host's bytes at once and writes the device's later") {
  Stream stream;
  OneFloat y, z;
  float value = 1;
  stream.copy_to_device(y.data(), &value, sizeof value);
  value = 2;
  stream.copy_on_device(z.data(), y.data(), sizeof value);
  stream.zero(y.data(), sizeof value);
  CHECK(std::isnan(*y.data()));
  CHECK(z.get(stream) == 1);
  CHECK(y.get(stream) == 0);
}

TEST_CASE("an error is thrown to the thread that waits, and the work after it does not happen") {
  Stream stream;
  OneFloat y;
  launch(stream, store, 1, 1, 0, y.data(), 1.0F);
  launch(stream, go_wrong, 1, 1, 0);
  launch(stream, add_one, 1, 1, 0, y.data());
  CHECK_THROWS_AS(stream.synchronise(), Error);
  CHECK(y.get(stream) == 1);

  launch(stream, go_wrong, 1, 1, 0);
  stream.finish();
  CHECK(error_message([&] { stream.synchronise(); }).find("wrong") != std::string::npos);
  stream.synchronise();
}

TEST_CASE("memory is released when the work that uses it is done") {
  Stream stream;
  {
    OneFloat y;
    launch(stream, store, 1, 1, 0, y.data(), 1.0F);
  }
  stream.synchronise();
}

TEST_CASE("scratch is the same memory until more is asked for, and holds nothing") {
  Stream stream;
  OneFloat y;
  auto* first = static_cast<float*>(stream.scratch(4));
  launch(stream, store, 1, 1, 0, first, 1.0F);
  CHECK(stream.scratch(4) == first);
  stream.copy_on_device(y.data(), first, 4);
  CHECK(std::isnan(y.get(stream)));
  CHECK(stream.scratch(1000) != first);
  CHECK(stream.scratch(0) == nullptr);
}

TEST_CASE("what is asked of a device is counted") {
  Stream stream;
  OneFloat y;
  const float value = 1;
  stream.copy_to_device(y.data(), &value, sizeof value);
  launch(stream, add_one, 1, 1, 0, y.data());
  launch(stream, add_one, 1, 1, 0, y.data());
  stream.copy_on_device(y.data(), y.data(), 0);
  CHECK(y.get(stream) == 3);
  stream.synchronise();
  CHECK(stream.counters().uploads == 1);
  CHECK(stream.counters().launches == 2);
  CHECK(stream.counters().synchronisations == 2);
}

TEST_CASE("a recorded sequence runs with the arguments of each time, and is recorded anew when it changes") {
  Stream stream;
  OneFloat y;
  std::unique_ptr<Recording> recording;
  const auto run = [&](float value, unsigned additions) {
    stream.run_recorded(recording, [&] {
      launch(stream, store, 1, 1, 0, y.data(), value);
      for (unsigned i = 0; i < additions; ++i) launch(stream, add_one, 1, 1, 0, y.data());
    });
    return y.get(stream);
  };
  CHECK(run(1, 1) == 2);
  CHECK(run(5, 1) == 6);
  CHECK(stream.counters().recordings == 1);
  CHECK(run(5, 2) == 7);
  CHECK(stream.counters().recordings == 2);
  CHECK(stream.counters().replays == 3);
  CHECK(stream.counters().launches == 0);
}

TEST_CASE("a recorded sequence cannot talk to the host") {
  Stream stream;
  OneFloat y;
  std::unique_ptr<Recording> recording;
  float value = 0;
  const auto complaint = [&](const std::function<void()>& ops) {
    return error_message([&] { stream.run_recorded(recording, ops); });
  };
  CHECK(complaint([&] { stream.copy_to_device(y.data(), &value, 4); }) ==
        "a recorded sequence of ops cannot upload");
  CHECK(complaint([&] { y.get(stream); }) == "a recorded sequence of ops cannot download");
  CHECK(complaint([&] { stream.synchronise(); }) == "a recorded sequence of ops cannot wait for the device");
  CHECK(complaint([&] {
          launch(stream, store, 1, 1, 0, y.data(), 1.0F);
          stream.zero(y.data(), 4);
        }) == "a recorded sequence of ops cannot allocate");
  CHECK(std::isnan(y.get(stream)));  // of a sequence that was refused nothing happens
}

TEST_CASE("a device says what it is") {
  const DeviceProperties properties = device_properties();
  CHECK(properties.memory_bytes > 0);
  CHECK(describe(properties).find("SIMT executor") != std::string::npos);
}

}  // namespace bellman::simt
