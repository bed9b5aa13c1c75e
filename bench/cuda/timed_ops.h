// The ops of cuda_ops_bench, their sizes and costs. Nothing here depends on a device: an op is set up in the
// same way on the timed backend and on the one that gives the expected values.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "core/ops/backend.h"
#include "core/ops/replay_ops.h"

namespace bellman::bench {

/// Tensors in the memory of a backend, filled with the same numbers on every backend.
class OpTensors {
 public:
  /// REQUIRES: ops work in backend's memory; both outlive the tensors.
  OpTensors(Backend& backend, ReplayOps& ops) : backend_(backend), ops_(ops) {}

  /// Uniform in [low, 1).
  Tensor floats(const Shape& shape, float low = -1.0F);
  DoubleTensor doubles(const std::vector<double>& values);
  /// In 0 .. count-1.
  IntTensor indices(Index n, Index count);
  ByteTensor bytes(const Shape& shape);
  /// Not filled and not compared.
  Tensor scratch(Index elements);

  Backend& backend() { return backend_; }
  ReplayOps& ops() { return ops_; }
  /// All present numbers, except bytes and scratch.
  std::vector<std::vector<double>> fetch() const;

 private:
  template <class T>
  TensorView<T> put(const Shape& shape, const std::vector<T>& values, bool compared);
  std::vector<std::uint32_t> random_words_of_next(Index n);

  Backend& backend_;
  ReplayOps& ops_;
  std::uint32_t tensors_ = 0;
  std::deque<Block<float>> blocks_;
  std::vector<std::function<std::vector<double>()>> compared_;
};

/// The cost of an op: a product's floating-point operations, or any other op's bytes read and written. With
/// neither, only its time is reported.
struct OpCost {
  double flops = 0;
  double bytes = 0;
};

/// How dense layers are computed: by the backend, or by the device's library.
struct DenseProducts {
  std::function<void(Tensor y, ConstTensor x, ConstTensor w, ConstTensor b)> forward;
  std::function<void(Tensor dx, Tensor dw, Tensor db, ConstTensor dy, ConstTensor x, ConstTensor w)> backward;
};

struct TimedOp {
  std::string name;
  OpCost cost;
  bool dense = false;  // timed with the library as well
  /// Makes the tensors and returns the call. `dense` is null but for a library's products.
  std::function<std::function<void()>(OpTensors&, const DenseProducts* dense)> setup;
};

/// `scale` divides the sizes that only serve to fill a large device, to try the list out on a slow one.
std::vector<TimedOp> timed_ops(Index scale = 1);

/// Runs the op once in `actual`, which has no tensors yet, and once on the CPU, and compares every number.
/// Empty when they agree, otherwise a description of the difference.
std::string difference(const TimedOp& op, OpTensors& actual, const DenseProducts* dense);

}  // namespace bellman::bench
