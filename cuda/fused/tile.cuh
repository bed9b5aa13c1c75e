// Matrix products within one block, all operands in its shared memory (cuda/fused/dqn_layout.h).
//
// A tile of a product is 4 x 4 numbers, which one thread sums in registers: of a chunk of four steps along
// the depth it reads 4 x 4 numbers of either side, eight loads of 16 bytes, for 64 multiply-adds.
//
// Where a product has fewer tiles than there are threads, 2, 4, 8 or 16 neighbouring lanes share a tile:
// each takes every 2nd, 4th, .. chunk, and then they add their sums. In each round a lane gives half of its
// numbers to its partner and gets the partner's share of the other half:
//
//            16 sums each            after round 1             after round 2
//   lane 0   s0  s1  s2  s3  ..      s0+s0'  s1+s1'  ..        (s0+s0') + (s0"+s0'")  ..
//   lane 1   s0' s1' s2' s3' ..      s8+s8'  s9+s9'  ..        ..
//
// So after log2(16) rounds and 15 shuffles every lane has one number to finish and store. The order of every
// sum depends on the shapes alone.
#pragma once

#include "cuda/base/reduce.cuh"
#include "cuda/ops/activation.cuh"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

__device__ __forceinline__ const float4& four(const float* data) {
  return *reinterpret_cast<const float4*>(data);
}
__device__ __forceinline__ float4& four(float* data) { return *reinterpret_cast<float4*>(data); }

/// `i` is a compile-time constant after unrolling.
__device__ __forceinline__ float element(const float4& f, int i) {
  return i == 0 ? f.x : i == 1 ? f.y : i == 2 ? f.z : f.w;
}

/// Adds sum[kCount] over 2^split neighbouring lanes. Afterwards the first kCount >> split of them are the
/// totals of the numbers from the returned index on (with more lanes than numbers: one total, in several
/// lanes). All lanes of the warp call it.
template <int kCount>
__device__ __forceinline__ int spread_sums(float (&sum)[kCount], int split) {
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  int first = 0;
#pragma unroll
  for (int round = 0; round < 5; ++round) {
    if (round >= split) break;
    const int partner = 1 << round, half = (kCount >> round) / 2;
    const bool upper = (lane & partner) != 0;
    if (half == 0) sum[0] += __shfl_xor_sync(kAllLanes, sum[0], partner);
#pragma unroll
    for (int i = 0; i < kCount / 2; ++i) {
      if (i >= half) break;
      const float kept = upper ? sum[half + i] : sum[i], given = upper ? sum[i] : sum[half + i];
      sum[i] = kept + __shfl_xor_sync(kAllLanes, given, partner);
    }
    first += upper ? half : 0;
  }
  return first;
}

/// Assigns the tiles of a phase's products to the block's threads: each product begins at the thread where
/// the one before has ended.
class TileAssignment {
 public:
  /// This thread's index among those that work on a product of `lanes` lanes.
  __device__ __forceinline__ int next(int lanes) {
    const int place = static_cast<int>((threadIdx.x + blockDim.x - begin_) % blockDim.x);
    begin_ = (begin_ + static_cast<unsigned>((lanes + kWarp - 1) / kWarp * kWarp)) % blockDim.x;
    return place;
  }

 private:
  unsigned begin_ = 0;  // whole warps
};

/// A product is a class with
///   tiles(), chunks(), split()
///   begin(tile)                    selects the tile for the calls that follow
///   add(sum, chunk)                adds a chunk of the depth to sum[4 row + column]
///   finish(sum, first, count)      stores sum[0 .. count) as the numbers from 4 row + column = `first` on;
///                                  count is 16, 8, 4, 2 or 1
template <class Product>
__device__ __forceinline__ void run_product(Product product, TileAssignment& assignment) {
  const int split = product.split(), tiles = product.tiles(), chunks = product.chunks();
  const int place = assignment.next(tiles << split), part = place & ((1 << split) - 1);
  const int teams = static_cast<int>(blockDim.x) >> split;
  // A warp stays together, for the shuffles: lanes beyond the last tile compute that one, and store nothing.
  for (int warp = (place & ~(kWarp - 1)) >> split; warp < tiles; warp += teams) {
    const int tile = warp + ((place % kWarp) >> split);
    product.begin(min(tile, tiles - 1));
    float sum[16];
#pragma unroll
    for (float& s : sum) s = 0.0F;
    for (int chunk = part; chunk < chunks; chunk += 1 << split) product.add(sum, chunk);
    const int first = spread_sums(sum, split);
    if (tile < tiles) product.finish(sum, first, 16 >> split);
  }
}

/// y(B,O) = f(x(B,I) w(O,I)^T + b(O)), f being nothing, relu or tanh. Rows and columns of a tile are a
/// quarter of the matrix apart, so that neighbouring lanes read neighbouring rows of w, or of x: see the
/// strides in cuda/fused/dqn_layout.h.
struct ForwardProduct {
  float* y;
  const float *x, *w, *b;
  int rows, outputs, inputs, y_stride, x_stride;
  int split_log2;
  Activation::Kind activation;
  int n = 0, o = 0;

  __device__ int tiles() const { return rows / 4 * (outputs / 4); }
  __device__ int chunks() const { return inputs / 4; }
  __device__ int split() const { return split_log2; }
  __device__ __forceinline__ void begin(int tile) {
    n = tile / (outputs / 4);
    o = tile - n * (outputs / 4);
  }
  __device__ __forceinline__ void add(float (&sum)[16], int chunk) const {
    float4 xs[4], ws[4];
#pragma unroll
    for (int r = 0; r < 4; ++r) xs[r] = four(x + (n + r * (rows / 4)) * x_stride + 4 * chunk);
#pragma unroll
    for (int c = 0; c < 4; ++c) ws[c] = four(w + (o + c * (outputs / 4)) * x_stride + 4 * chunk);
#pragma unroll
    for (int k = 0; k < 4; ++k)
#pragma unroll
      for (int i = 0; i < 16; ++i) sum[i] += element(xs[i / 4], k) * element(ws[i % 4], k);
  }
  __device__ __forceinline__ void finish(const float (&sum)[16], int first, int count) const {
    const bool relu = activation == Activation::kRelu;
#pragma unroll
    for (int i = 0; i < 16; ++i) {
      if (i >= count) break;
      const float value = sum[i] + b[column(first + i)];
      y[place(first + i)] = relu && !(value > 0.0F) ? 0.0F : value;
    }
    if (activation != Activation::kTanh) return;
#pragma unroll 1  // tanh is long: its code is here once, not for each number
    for (int i = first; i < first + count; ++i) y[place(i)] = tanhf(y[place(i)]);
  }
  __device__ __forceinline__ int column(int number) const { return o + number % 4 * (outputs / 4); }
  __device__ __forceinline__ int place(int number) const {
    return (n + number / 4 * (rows / 4)) * y_stride + column(number);
  }
};

/// dx(B,I) = (dy(B,O) w(O,I)) f'(x), x being f's value.
struct InputGradientProduct {
  float* dx;
  const float *dy, *w, *x;
  int rows, outputs, inputs, dy_stride, x_stride;
  int split_log2;
  Activation::Kind before;
  int n = 0, i0 = 0;

  __device__ int tiles() const { return rows / 4 * (inputs / 4); }
  __device__ int chunks() const { return outputs / 4; }
  __device__ int split() const { return split_log2; }
  __device__ __forceinline__ void begin(int tile) {
    n = tile / (inputs / 4);
    i0 = 4 * (tile - n * (inputs / 4));
  }
  __device__ __forceinline__ void add(float (&sum)[16], int chunk) const {
    float4 dys[4], ws[4];
#pragma unroll
    for (int r = 0; r < 4; ++r) dys[r] = four(dy + (n + r * (rows / 4)) * dy_stride + 4 * chunk);
#pragma unroll
    for (int k = 0; k < 4; ++k) ws[k] = four(w + (4 * chunk + k) * x_stride + i0);
#pragma unroll
    for (int k = 0; k < 4; ++k)
#pragma unroll
      for (int i = 0; i < 16; ++i) sum[i] += element(dys[i / 4], k) * element(ws[k], i % 4);
  }
  __device__ __forceinline__ int place(int number) const {
    return (n + number / 4 * (rows / 4)) * x_stride + i0 + number % 4;
  }
  __device__ __forceinline__ void finish(const float (&sum)[16], int first, int count) const {
    if (count < 4) {
#pragma unroll
      for (int i = 0; i < 2; ++i)
        if (i < count) dx[place(first + i)] = slope(before, sum[i], x[place(first + i)]);
      return;
    }
#pragma unroll
    for (int i = 0; i < 16; i += 4) {
      if (i >= count) break;
      const float4 y = four(x + place(first + i));
      four(dx + place(first + i)) = float4{slope(before, sum[i], y.x), slope(before, sum[i + 1], y.y),
                                           slope(before, sum[i + 2], y.z), slope(before, sum[i + 3], y.w)};
    }
  }
};

/// dw(O,I) = dy(B,O)^T x(B,I), or added to dw; `squares` grows by the squares of the new dw.
struct WeightGradientProduct {
  float* dw;
  const float *dy, *x;
  int rows, outputs, inputs, dy_stride, x_stride;
  int split_log2;
  int value_columns;  // dw has two blocks on the diagonal, the first one (4, value_columns); 0: one block
  bool accumulate;
  double& squares;
  int o = 0, i0 = 0;

  __device__ int tiles() const { return outputs / 4 * (inputs / 4); }
  __device__ int chunks() const { return rows / 4; }
  __device__ int split() const { return split_log2; }
  __device__ __forceinline__ void begin(int tile) {
    const int i = tile / (outputs / 4);
    o = 4 * (tile - i * (outputs / 4));
    i0 = 4 * i;
  }
  /// A chunk's samples are a quarter of the rows apart, for the same reason as in ForwardProduct.
  __device__ __forceinline__ void add(float (&sum)[16], int chunk) const {
    float4 dys[4], xs[4];
#pragma unroll
    for (int k = 0; k < 4; ++k) {
      const int sample = chunk + k * (rows / 4);
      dys[k] = four(dy + sample * dy_stride + o);
      xs[k] = four(x + sample * x_stride + i0);
    }
#pragma unroll
    for (int k = 0; k < 4; ++k)
#pragma unroll
      for (int i = 0; i < 16; ++i) sum[i] += element(dys[k], i / 4) * element(xs[k], i % 4);
  }
  __device__ __forceinline__ void finish(const float (&sum)[16], int first, int count) const {
    const bool beside = value_columns > 0 && (o == 0) != (i0 < value_columns);
    if (count < 4) {
#pragma unroll
      for (int i = 0; i < 2; ++i)
        if (i < count) put(dw[place(first + i)], sum[i], beside);
      return;
    }
#pragma unroll
    for (int i = 0; i < 16; i += 4) {
      if (i >= count) break;
      float4 values = accumulate ? four(dw + place(first + i)) : float4{};
      put(values.x, sum[i], beside);
      put(values.y, sum[i + 1], beside);
      put(values.z, sum[i + 2], beside);
      put(values.w, sum[i + 3], beside);
      four(dw + place(first + i)) = values;
    }
  }
  __device__ __forceinline__ int place(int number) const {
    return (o + number / 4) * x_stride + i0 + number % 4;
  }
  __device__ __forceinline__ void put(float& number, float sum, bool beside) const {
    const float value = accumulate ? number + sum : sum;
    number = beside ? 0.0F : value;
    squares += static_cast<double>(number) * static_cast<double>(number);
  }
};

/// db(O) = sum of dy(rows,O) over its rows, or added to db: four columns a warp, its lanes every 32nd row.
__device__ __forceinline__ void bias_gradient(float* db, const float* dy, int rows, int outputs,
                                              int dy_stride, bool accumulate, double& squares) {
  const int warp = static_cast<int>(threadIdx.x) / kWarp, lane = static_cast<int>(threadIdx.x) % kWarp;
  for (int column = 4 * warp; column < outputs; column += 4 * (static_cast<int>(blockDim.x) / kWarp)) {
    float sum[4] = {0.0F, 0.0F, 0.0F, 0.0F};
    for (int n = lane; n < rows; n += kWarp) {
      const float4 d = four(dy + n * dy_stride + column);
#pragma unroll
      for (int i = 0; i < 4; ++i) sum[i] += element(d, i);
    }
    const int first = spread_sums(sum, 5);
    if (lane >= 4) continue;  // has the same total as one of the first four lanes
    float& place = db[column + first];
    place = accumulate ? place + sum[0] : sum[0];
    squares += static_cast<double>(place) * static_cast<double>(place);
  }
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
