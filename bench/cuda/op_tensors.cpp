#include <algorithm>
#include <thread>

#include "bench/close_to.h"
#include "bench/cuda/timed_ops.h"
#include "core/base/rng.h"
#include "core/cpu/cpu_backend.h"
#include "core/reference/reference_backend.h"

namespace bellman::bench {

/// Pseudo-random words, different for every tensor. Long tensors repeat a prime number of words: a period
/// that no stride of an op shares.
std::vector<std::uint32_t> OpTensors::random_words_of_next(Index n) {
  constexpr std::size_t kPeriod = 65521;
  const RandomStream stream = {1, Purpose::kTest, tensors_++};
  std::vector<std::uint32_t> words(static_cast<std::size_t>(n));
  for (std::size_t i = 0; i < words.size(); ++i)
    words[i] = i < kPeriod ? random_words(stream, i / 4)[i % 4] : words[i - kPeriod];
  return words;
}

template <class T>
TensorView<T> OpTensors::put(const Shape& shape, const std::vector<T>& values, bool compared) {
  blocks_.emplace_back(backend_, std::max<std::size_t>(values.size(), 1) * sizeof(T));
  const auto tensor = blocks_.back().view<T>(shape);
  backend_.upload(tensor.data(), values.data(), values.size() * sizeof(T));
  if (compared)
    compared_.push_back([this, tensor] {
      std::vector<T> now(static_cast<std::size_t>(tensor.elements()));
      backend_.download(now.data(), tensor.data(), now.size() * sizeof(T));
      return std::vector<double>(now.begin(), now.end());
    });
  return tensor;
}

Tensor OpTensors::floats(const Shape& shape, float low) {
  std::vector<float> values;
  values.reserve(static_cast<std::size_t>(shape.elements()));
  for (const std::uint32_t word : random_words_of_next(shape.elements()))
    values.push_back(low + (1 - low) * uniform_float(word));
  return put(shape, values, true);
}

DoubleTensor OpTensors::doubles(const std::vector<double>& values) {
  return put({static_cast<Index>(values.size())}, values, true);
}

IntTensor OpTensors::indices(Index n, Index count) {
  std::vector<std::int32_t> values;
  for (const std::uint32_t word : random_words_of_next(n))
    values.push_back(static_cast<std::int32_t>(uniform_index(word, static_cast<std::uint32_t>(count))));
  return put({n}, values, true);
}

ByteTensor OpTensors::bytes(const Shape& shape) {
  std::vector<std::uint8_t> values;
  values.reserve(static_cast<std::size_t>(shape.elements()));
  for (const std::uint32_t word : random_words_of_next(shape.elements()))
    values.push_back(static_cast<std::uint8_t>(word >> 24));
  return put(shape, values, false);
}

Tensor OpTensors::scratch(Index elements) {
  blocks_.emplace_back(backend_, static_cast<std::size_t>(std::max<Index>(elements, 1)) * sizeof(float));
  return blocks_.back().view<float>({elements});
}

std::vector<std::vector<double>> OpTensors::fetch() const {
  std::vector<std::vector<double>> all;
  for (const auto& fetch_one : compared_) all.push_back(fetch_one());
  return all;
}

std::string difference(const TimedOp& op, OpTensors& actual, const DenseProducts* dense) {
  CpuBackend cpu(static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 1U, 16U)));
  HostReplayOps host_ops;
  OpTensors expected(cpu, host_ops);
  op.setup(actual, dense)();
  op.setup(expected, nullptr)();
  const auto a = actual.fetch(), e = expected.fetch();
  for (std::size_t i = 0; i < e.size(); ++i)
    if (!close_to<double, double>(a[i], e[i]))
      return "its tensor " + std::to_string(i) + " is not what the CPU computes";
  return {};
}

}  // namespace bellman::bench
