// The types of tensors in a file, and their elements as numbers.
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "core/base/check.h"
#include "core/base/text.h"
#include "core/io/safetensors.h"

namespace bellman {
namespace {

template <class T>
T loaded(const std::byte* element) {
  T value;
  std::memcpy(&value, element, sizeof(T));
  return value;
}

template <class T>
double number(const std::byte* element) {
  return static_cast<double>(loaded<T>(element));
}

/// A binary floating-point number: a sign, kExponent bits of an exponent e with the bias 2^(kExponent-1) - 1,
/// and kMantissa bits of a fraction f < 1:
///   e > 0: 2^(e - bias) (1 + f)      e = 0: 2^(1 - bias) f
/// The largest e means infinity (f = 0) or NaN.
template <class Bits, int kExponent, int kMantissa>
double binary_float(const std::byte* element) {
  const auto bits = static_cast<std::uint32_t>(loaded<Bits>(element));
  constexpr int kBias = (1 << (kExponent - 1)) - 1, kLargest = (1 << kExponent) - 1;
  const int exponent = static_cast<int>(bits >> kMantissa) & kLargest;
  const auto fraction = std::ldexp(static_cast<double>(bits & ((1U << kMantissa) - 1)), -kMantissa);
  const double sign = (bits >> (kExponent + kMantissa)) != 0 ? -1 : 1;
  if (exponent == 0) return sign * std::ldexp(fraction, 1 - kBias);
  if (exponent < kLargest) return sign * std::ldexp(1 + fraction, exponent - kBias);
  return fraction == 0 ? sign * std::numeric_limits<double>::infinity()
                       : std::numeric_limits<double>::quiet_NaN();
}

/// F8_E4M3 (Micikevicius et al. 2022, "FP8 formats for deep learning"): no infinities. The largest exponent
/// has ordinary numbers, up to 448, and NaN where all bits of exponent and fraction are 1.
double f8_e4m3(const std::byte* element) {
  const auto bits = loaded<std::uint8_t>(element);
  const bool is_largest_exponent = (bits & 0x78) == 0x78;
  if (!is_largest_exponent) return binary_float<std::uint8_t, 4, 3>(element);
  if ((bits & 7) == 7) return std::numeric_limits<double>::quiet_NaN();
  return ((bits & 0x80) != 0 ? -1 : 1) * std::ldexp(1 + (bits & 7) / 8.0, 15 - 7);
}

/// F8_E8M0 (OCP microscaling formats 1.0): a power of two, 2^(e - 127); 255 is NaN.
double f8_e8m0(const std::byte* element) {
  const int exponent = loaded<std::uint8_t>(element);
  return exponent == 255 ? std::numeric_limits<double>::quiet_NaN() : std::ldexp(1.0, exponent - 127);
}

struct DTypeInfo {
  DType dtype;
  const char* name;
  std::size_t bits;
  ReadNumber read;
};

/// In the order of DType.
constexpr DTypeInfo kDTypes[] = {
    // clang-format off
    {DType::kF32, "F32", 32, number<float>},
    {DType::kF64, "F64", 64, number<double>},
    {DType::kF16, "F16", 16, binary_float<std::uint16_t, 5, 10>},
    {DType::kBF16, "BF16", 16, binary_float<std::uint16_t, 8, 7>},
    {DType::kI8, "I8", 8, number<std::int8_t>},
    {DType::kI16, "I16", 16, number<std::int16_t>},
    {DType::kI32, "I32", 32, number<std::int32_t>},
    {DType::kI64, "I64", 64, number<std::int64_t>},
    {DType::kU8, "U8", 8, number<std::uint8_t>},
    {DType::kU16, "U16", 16, number<std::uint16_t>},
    {DType::kU32, "U32", 32, number<std::uint32_t>},
    {DType::kU64, "U64", 64, number<std::uint64_t>},
    {DType::kBool, "BOOL", 8, number<std::uint8_t>},
    {DType::kC64, "C64", 64, nullptr},
    {DType::kF8E4M3, "F8_E4M3", 8, f8_e4m3},
    {DType::kF8E5M2, "F8_E5M2", 8, binary_float<std::uint8_t, 5, 2>},
    {DType::kF8E8M0, "F8_E8M0", 8, f8_e8m0},
    {DType::kF6E2M3, "F6_E2M3", 6, nullptr},
    {DType::kF6E3M2, "F6_E3M2", 6, nullptr},
    {DType::kF4, "F4", 4, nullptr},
    {DType::kOther, "other", 0, nullptr},
    // clang-format on
};

const DTypeInfo& info_of(DType dtype) {
  const DTypeInfo& info = kDTypes[static_cast<std::size_t>(dtype)];
  BELLMAN_CHECK(info.dtype == dtype);
  return info;
}

}  // namespace

const char* dtype_name(DType dtype) { return info_of(dtype).name; }
std::size_t dtype_bits(DType dtype) { return info_of(dtype).bits; }
ReadNumber number_reader(DType dtype) { return info_of(dtype).read; }

std::vector<float> as_floats(const FileTensor& tensor) {
  const DType dtype = tensor.dtype;
  if (dtype != DType::kF32 && dtype != DType::kF64 && dtype != DType::kF16 && dtype != DType::kBF16)
    fail("tensor \"", printable(tensor.name), "\" holds ", tensor.dtype_text(),
         ", not one of F32, F64, F16 and BF16");
  const ReadNumber read = number_reader(dtype);
  const std::size_t size = dtype_size(dtype);
  std::vector<float> values(tensor.bytes.size() / size);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double value = read(tensor.bytes.data() + i * size);
    values[i] = static_cast<float>(value);
    if (std::isfinite(value) && !std::isfinite(values[i]))
      fail("tensor \"", printable(tensor.name), "\" holds ", value, " at element ", i,
           ", beyond what a float holds");
  }
  return values;
}

}  // namespace bellman
