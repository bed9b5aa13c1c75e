// One op of the CPU backend, checked against its definition and then timed. Products are compared with the
// core's multiply-add peak (`of_peak`), all other ops with the triad's bandwidth on as much memory (`of_triad`).
// `flops` and `bytes` of a call, the least that its definition needs, place it under the roofline.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "core/base/rng.h"
#include "core/ops/backend.h"

namespace bellman::bench {

/// Tensors in the memory of a backend, filled with the same numbers on every backend.
class Tensors {
 public:
  explicit Tensors(Backend& backend) : backend_(backend) {}

  Tensor operator()(const Shape& shape, float low = -1.0F) {
    blocks_.emplace_back(backend_, static_cast<std::size_t>(shape.elements()) * sizeof(float));
    const Tensor tensor = blocks_.back().view<float>(shape);
    for (float& value : tensor.host()) value = static_cast<float>(random_.uniform(low, 1));
    all_.push_back(tensor);
    return tensor;
  }
  IntTensor indices(Index n) {
    blocks_.emplace_back(backend_, static_cast<std::size_t>(n) * sizeof(std::int32_t));
    return blocks_.back().view<std::int32_t>({n});
  }
  Tensor scratch(Index elements) {
    blocks_.emplace_back(backend_, static_cast<std::size_t>(elements) * sizeof(float));
    return blocks_.back().view<float>({elements});
  }
  const std::vector<Tensor>& all() const { return all_; }
  std::size_t bytes() const {
    std::size_t sum = 0;
    for (const Tensor& tensor : all_) sum += static_cast<std::size_t>(tensor.elements()) * sizeof(float);
    return sum;
  }
  Backend& backend() { return backend_; }

 private:
  Backend& backend_;
  RandomSequence random_{RandomStream{1, Purpose::kTest, 0}};
  std::deque<Block<float>> blocks_;
  std::vector<Tensor> all_;
};

/// The least cost of an op: multiply-adds of a product (0 for others), bytes of all tensors, each read or
/// written once, and floating-point operations of any other op (0: its definition has exp or the like, which
/// have no count).
struct Cost {
  double multiply_adds = 0;
  double bytes = 0;
  double operations = 0;
  double flops() const { return 2 * multiply_adds + operations; }
};

/// Makes the tensors of an op and returns the call. One function makes the tensors of both backends.
using Setup = std::function<std::function<void()>(Tensors&)>;

/// Registers the op for one thread; products both ways, and for two threads when `shared`. `to_check`: the
/// same op at a size at which its definition is fast.
void add_timed_op(const std::string& name, const Cost& cost, const Setup& setup, const Setup& to_check,
                  bool shared = false);

}  // namespace bellman::bench
