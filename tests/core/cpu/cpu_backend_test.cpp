#include "core/cpu/cpu_backend.h"

#include <cstdint>

#include <doctest/doctest.h>

#include "tests/core/cpu/every_op.h"
#include "tests/support/host_tensor.h"

namespace bellman::test {
namespace {

TEST_CASE("memory of the CPU backend is aligned, zero and copied whole") {
  CpuBackend backend;
  CHECK(std::string(backend.name()) == "cpu");
  CHECK(backend.threads() == 1);
  Block<float> block(backend, 37 * sizeof(float));
  CHECK(reinterpret_cast<std::uintptr_t>(block.data()) % 64 == 0);
  const Tensor view = block.view<float>({37});
  for (float value : view.host()) CHECK(value == 0);
  RandomSequence random = test_sequence(20);
  const Numbers sent = random_tensor<float>(random, {37});
  Numbers received({37});
  Block<float> other(backend, block.bytes());
  backend.upload(block.data(), sent.values().data(), block.bytes());
  backend.copy(other.data(), block.data(), block.bytes());
  backend.download(received.values().data(), other.data(), block.bytes());
  CHECK(received.values() == sent.values());
}

TEST_CASE("a CPU backend refuses numbers of threads that make no sense") {
  CHECK_THROWS_AS(CpuBackend(0), Error);
  CHECK_THROWS_AS(CpuBackend(100000), Error);
}

// What is refused, and with which words, is tested with op_shapes; here: that every op asks.
TEST_CASE("every op of the CPU backend refuses shapes that do not fit") {
  CpuBackend b;
  Numbers memory({4096});
  const auto t = [&](const Shape& shape) { return TensorView<float>(memory.values().data(), shape); };
  HostTensor<std::int32_t> numbers({16});
  const IntTensor i3(numbers.values().data(), {3});
  const Window window = {3, 3, 1, 1, 0, 0};
  const Tensor none, x = t({2, 5}), wrong = t({2, 4}), image = t({1, 2, 5, 5});

  CHECK_THROWS_AS(b.fill(none, 1), Error);
  CHECK_THROWS_AS(b.add(x, wrong), Error);
  CHECK_THROWS_AS(b.dense_forward(t({2, 3}), x, t({3, 4}), t({3})), Error);
  CHECK_THROWS_AS(b.dense_backward(none, t({3, 4}), t({3}), t({2, 3}), x, t({3, 4})), Error);
  CHECK_THROWS_AS(b.conv2d_scratch(image.shape(), {4, 3, 3, 3}, window), Error);
  CHECK_THROWS_AS(b.conv2d_forward(t({1, 4, 3, 3}), image, t({4, 2, 3, 3}), t({4}), window, none), Error);
  CHECK_THROWS_AS(
      b.conv2d_backward(none, t({4, 2, 3, 3}), t({4}), t({1, 4, 3, 3}), image, t({4, 2, 3, 3}), window, none),
      Error);
  CHECK_THROWS_AS(b.max_pool2d_forward(t({1, 2, 5, 5}), image, window), Error);
  CHECK_THROWS_AS(b.max_pool2d_backward(image, t({1, 2, 5, 5}), image, window), Error);
  for (const ActivationInfo& info : kActivations) {
    CHECK_THROWS_AS(b.activation_forward(wrong, x, info.kind), Error);
    CHECK_THROWS_AS(b.activation_backward(wrong, x, x, info.kind), Error);
  }
  CHECK_THROWS_AS(b.layer_norm_forward(x, t({2}), t({2}), x, t({5}), t({4}), 1e-5F), Error);
  CHECK_THROWS_AS(b.layer_norm_backward(none, t({5}), t({4}), x, x, t({5}), t({2}), t({2})), Error);
  CHECK_THROWS_AS(b.dueling_forward(x, t({2, 2}), x), Error);
  CHECK_THROWS_AS(b.dueling_backward(t({2, 2}), x, x), Error);
  CHECK_THROWS_AS(b.argmax(i3, x), Error);
  CHECK_THROWS_AS(b.td_target(t({3}), {x, none, t({2}), t({2}), t({2})}), Error);
  CHECK_THROWS_AS(b.td_loss(x, t({2}), t({1}), x, i3, t({2}), t({2}), LossKind::kHuber, 1), Error);
  CHECK_THROWS_AS(b.softmax_cross_entropy(x, t({1}), x, i3), Error);
  CHECK_THROWS_AS(b.global_norm(x, x), Error);
  CHECK_THROWS_AS(b.clip_by_global_norm(x, t({1}), -1), Error);
  CHECK_THROWS_AS(b.adam_step(x, wrong, x, x, 0.1F, 1, {}), Error);
  CHECK_THROWS_AS(b.rmsprop_step(x, wrong, none, none, x, 0.1F, {}), Error);
  CHECK_THROWS_AS(b.sgd_step(x, none, wrong, 0.1F, 1, {}), Error);
  CHECK_THROWS_AS(b.polyak_update(x, wrong, 0.5F), Error);
}

}  // namespace
}  // namespace bellman::test
