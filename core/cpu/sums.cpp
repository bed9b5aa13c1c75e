#include "core/cpu/sums.h"

#include "core/cpu/vec.h"

namespace bellman::cpu {

void add_column_sums(float* sum, Matrix<const float> m) {
  constexpr int kVectors = 4;  // independent sums, to hide the latency of the addition
  Index j = 0;
  for (; j + kVectors * kLanes <= m.columns; j += kVectors * kLanes) {
    Vec total[kVectors] = {};
    for (Index i = 0; i < m.rows; ++i)
      for (int v = 0; v < kVectors; ++v) total[v] += load<Vec>(m.at(i, j + v * kLanes));
    for (int v = 0; v < kVectors; ++v)
      store(sum + j + v * kLanes, load<Vec>(sum + j + v * kLanes) + total[v]);
  }
  for (; j < m.columns; ++j) {
    float total = 0;
    for (Index i = 0; i < m.rows; ++i) total += *m.at(i, j);
    sum[j] += total;
  }
}

float sum(const float* x, Index n) {
  Vec total = {};
  Index i = 0;
  for (; i + kLanes <= n; i += kLanes) total += load<Vec>(x + i);
  float rest = 0;
  for (; i < n; ++i) rest += x[i];
  return sum_of_lanes(total) + rest;
}

double sum_of_squares(const float* x, Index n) {
  constexpr int kSums = 16;  // independent, so that the compiler makes vectors of them
  double total[kSums] = {};
  Index i = 0;
  for (; i + kSums <= n; i += kSums)
    for (int k = 0; k < kSums; ++k) {
      const double value = x[i + k];
      total[k] += value * value;
    }
  for (; i < n; ++i) total[0] += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  for (int k = 1; k < kSums; ++k) total[0] += total[k];
  return total[0];
}

}  // namespace bellman::cpu
