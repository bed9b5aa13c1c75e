#include "core/reference/reference_backend.h"

#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/host_tensor.h"

namespace bellman::test {
namespace {

TEST_CASE("ReferenceBackend: memory is aligned to 64 bytes, zero, and moves with its block") {
  ReferenceBackend<double> ops;
  for (const std::size_t bytes : {0, 1, 63, 64, 65, 4096}) {
    Block<double> block(ops, bytes);
    REQUIRE(block.data() != nullptr);
    CHECK(reinterpret_cast<std::uintptr_t>(block.data()) % 64 == 0);
    const auto* byte = static_cast<const unsigned char*>(block.data());
    for (std::size_t i = 0; i < bytes; ++i) REQUIRE(byte[i] == 0);
    const void* place = block.data();
    const Block<double> moved = std::move(block);
    CHECK(moved.data() == place);
  }
}

TEST_CASE("ReferenceBackend: more memory than there can be is refused, with the bytes asked for") {
  ReferenceBackend<float> ops;
  CHECK_THROWS_WITH_AS(ops.allocate(std::size_t{1} << 60), "there is no memory for 1152921504606846976 bytes",
                       Error);
  CHECK_THROWS_AS(ops.allocate(~std::size_t{0}), Error);
}

TEST_CASE("ReferenceBackend: upload, copy and download carry the same numbers; fill and add") {
  ReferenceBackend<float> ops;
  const std::vector<float> sent = {1, 2, 3};
  std::vector<float> back(3);
  Block<float> a(ops, 12), b(ops, 12);
  ops.upload(a.data(), sent.data(), 12);
  ops.copy(b.data(), a.data(), 12);
  ops.add(b.view<float>({3}), a.view<float>({3}));
  ops.fill(a.view<float>({2}), 7.0F);
  ops.download(back.data(), b.data(), 12);
  CHECK(back == std::vector<float>{2, 4, 6});
  ops.download(back.data(), a.data(), 12);
  CHECK(back == std::vector<float>{7, 7, 3});
  ops.copy(b.data(), nullptr, 0);  // nothing is touched
}

TEST_CASE("ReferenceBackend: float's ops are double's, rounded") {
  ReferenceBackend<double> wide;
  ReferenceBackend<float> narrow;
  RandomSequence random = test_sequence(12);
  const auto x = random_tensor<float>(random, {3, 9}), w = random_tensor<float>(random, {4, 9});
  const auto b = random_tensor<float>(random, {4});
  const auto widen = [](const HostTensor<float>& t) {
    return HostTensor<double>(t.shape(), std::vector<double>(t.values().begin(), t.values().end()));
  };
  HostTensor<float> y({3, 4});
  HostTensor<double> y_wide({3, 4});
  narrow.dense_forward(y, x, w, b);
  wide.dense_forward(y_wide, widen(x), widen(w), widen(b));
  for (std::size_t i = 0; i < y.size(); ++i) CHECK(double(y[i]) == doctest::Approx(y_wide[i]).epsilon(1e-6));
}

}  // namespace
}  // namespace bellman::test
