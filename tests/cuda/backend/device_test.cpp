// --device, as the command's user meets it.
#include <cstdlib>
#include <fstream>
#include <string>

#include <doctest/doctest.h>

#include "core/base/check.h"
#include "cuda/backend/make_cuda_backend.h"
#include "tests/support/backends.h"
#include "tests/support/error_message.h"
#include "tests/support/temporary_directory.h"

namespace bellman::test {
namespace {

TEST_CASE("too little device memory is an error with the requested size, and the device stays usable") {
  for (const std::unique_ptr<DeviceBackend>& backend : device_backends()) {
    CAPTURE(backend->name());
    const std::size_t huge = std::size_t{1} << 60;
    const std::string message = error_message([&] { backend->release(backend->allocate(huge)); });
    CHECK(message.find(std::to_string(huge)) != std::string::npos);
    CHECK(message.find("free") != std::string::npos);
    Block<float> small(*backend, 64);
    backend->fill(small.view<float>({16}), 3.0F);
    float value = 0;
    backend->download(&value, small.data(), sizeof value);
    CHECK(value == 3.0F);
  }
}

TEST_CASE("new memory of a device is zero") {
  for (const std::unique_ptr<DeviceBackend>& backend : device_backends()) {
    Block<float> block(*backend, 4 * 100);
    std::vector<float> values(100, 7.0F);
    backend->download(values.data(), block.data(), block.bytes());
    CHECK(values == std::vector<float>(100, 0.0F));
  }
}

TEST_CASE("a device says what it is") {
  for (const std::unique_ptr<DeviceBackend>& backend : device_backends())
    CHECK(!backend->description().empty());
}

}  // namespace
}  // namespace bellman::test
