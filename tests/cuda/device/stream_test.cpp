// What cuda/device/runtime.cu asks of CUDA's runtime, in situations that a GPU's tests do not come to.
#include <algorithm>
#include <memory>
#include <string>

#include <doctest/doctest.h>

#include "cuda/device/runtime.h"
#include "tests/cuda/device/fake_cuda_runtime.h"
#include "tests/support/error_message.h"

namespace bellman::cuda {
namespace {

using test::fake_cuda_runtime;
using test::FakeCudaRuntime;

void kernel_a(int) {}
void kernel_b(int) {}
void kernel_c(int) {}

template <class Kernel>
const void* address(Kernel* kernel) {
  return reinterpret_cast<const void*>(kernel);
}
Index count(const std::string& call) {
  const auto& calls = fake_cuda_runtime().calls;
  return std::count(calls.begin(), calls.end(), call);
}

/// A recorded sequence of one launch and one call of a library.
void record(Stream& stream, std::unique_ptr<Recording>& recording, const std::function<void()>& library) {
  static const char kName = 0;
  stream.run_recorded(recording, [&] {
    launch(stream, kernel_a, dim3(1), dim3(32), 0, 1);
    stream.call_library(&kName, library, 1);
  });
}

TEST_CASE("a kernel's shared memory is allowed once, up to what a block can have") {
  Stream stream;
  fake_cuda_runtime().static_shared_bytes = 1024;
  std::unique_ptr<Recording> recording;
  stream.run_recorded(recording, [&] { launch(stream, kernel_b, dim3(1), dim3(512), 200'000, 1); });
  // A smaller layout of the same kernel, while the recorded launch lives.
  for (const std::size_t bytes : {std::size_t{60'000}, std::size_t{100'000}, std::size_t{10}})
    launch(stream, kernel_b, dim3(1), dim3(512), bytes, 1);
  CHECK(fake_cuda_runtime().shared_allowed[address(kernel_b)] == FakeCudaRuntime::kMostSharedBytes - 1024);
  CHECK(fake_cuda_runtime().limits_set[address(kernel_b)] == 1);
  fake_cuda_runtime().static_shared_bytes = 0;
  launch(stream, kernel_c, dim3(1), dim3(512), 48 * 1024, 1);  // has as much without asking
  CHECK(fake_cuda_runtime().limits_set.count(address(kernel_c)) == 0);
  launch(stream, kernel_c, dim3(1), dim3(512), 48 * 1024 + 1, 1);
  CHECK(fake_cuda_runtime().shared_allowed[address(kernel_c)] == FakeCudaRuntime::kMostSharedBytes);
}

TEST_CASE("an error while a library's call is captured ends the capture, and the stream stays usable") {
  Stream stream;
  std::unique_ptr<Recording> recording;
  const int graphs = fake_cuda_runtime().graphs;
  for (int i = 0; i < 2; ++i) {
    CHECK(test::error_message([&] { record(stream, recording, [] { fail("refused"); }); }) == "refused");
    CHECK(!fake_cuda_runtime().capturing);
    CHECK(!recording);
  }
  CHECK(test::error_message([&] { stream.synchronise(); }) == "no error");
  launch(stream, kernel_a, dim3(1), dim3(32), 0, 1);
  record(stream, recording, [] {});
  CHECK(recording);
  recording.reset();
  CHECK(fake_cuda_runtime().graphs == graphs);  // none is left, of those that failed either
}

TEST_CASE("a sequence is recorded once, and replayed with the arguments of each time") {
  Stream stream;
  std::unique_ptr<Recording> recording;
  const auto run = [&](int argument) {
    stream.run_recorded(recording, [&] {
      launch(stream, kernel_a, dim3(1), dim3(32), 0, argument);
      launch(stream, kernel_b, dim3(2), dim3(32), 0, 7);
    });
  };
  const Index instantiated = count("instantiate"), set = count("set arguments"),
              started = count("launch graph");
  for (const int argument : {1, 1, 2, 3}) run(argument);
  CHECK(count("instantiate") == instantiated + 1);
  CHECK(count("set arguments") == set + 2);  // of the one kernel whose argument changed, twice
  CHECK(count("launch graph") == started + 4);
}

TEST_CASE("a recorded sequence cannot wait for the device, and what follows it can") {
  Stream stream;
  std::unique_ptr<Recording> recording;
  CHECK(test::error_message([&] { stream.run_recorded(recording, [&] { stream.synchronise(); }); }) ==
        "a recorded sequence of ops cannot wait for the device");
  CHECK(test::error_message([&] { stream.synchronise(); }) == "no error");
}

}  // namespace
}  // namespace bellman::cuda
