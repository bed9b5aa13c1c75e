#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/io/safetensors.h"
#include "tests/support/error_message.h"
#include "tests/support/not_finite.h"

namespace bellman::test {
namespace {

template <class Bits>
double read(DType dtype, Bits bits) {
  CHECK(dtype_size(dtype) == sizeof(Bits));
  return number_reader(dtype)(reinterpret_cast<const std::byte*>(&bits));
}

bool same(double a, double b) {
  return std::isnan(a) ? std::isnan(b) : std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}

template <class T>
FileTensor tensor_of(DType dtype, const std::vector<T>& values) {
  FileTensor tensor{"w", dtype, {values.size()}, std::vector<std::byte>(values.size() * sizeof(T))};
  std::memcpy(tensor.bytes.data(), values.data(), tensor.bytes.size());
  return tensor;
}

TEST_CASE("F16: the numbers of IEEE 754's binary16") {
  struct Known {
    std::uint16_t bits;
    double value;
  };
  for (const Known& known : std::vector<Known>{{0x0000, 0.0},
                                               {0x8000, -0.0},
                                               {0x3c00, 1},
                                               {0xc000, -2},
                                               {0x3555, 0.333251953125},
                                               {0x7bff, 65504},
                                               {0x0400, 0x1p-14},
                                               {0x03ff, 0x1p-14 - 0x1p-24},
                                               {0x0001, 0x1p-24},
                                               {0x7c00, kInfinity},
                                               {0xfc00, -kInfinity}})
    CHECK(same(read(DType::kF16, known.bits), known.value));
  CHECK(std::isnan(read(DType::kF16, std::uint16_t{0x7e00})));
  CHECK(std::isnan(read(DType::kF16, std::uint16_t{0xfc01})));
}

TEST_CASE("BF16: every number is the upper half of a float") {
  for (std::uint32_t bits = 0; bits <= 0xffff; ++bits) {
    const auto expected = static_cast<double>(std::bit_cast<float>(bits << 16));
    if (!same(read(DType::kBF16, static_cast<std::uint16_t>(bits)), expected)) {
      CAPTURE(bits);
      REQUIRE(read(DType::kBF16, static_cast<std::uint16_t>(bits)) == expected);
    }
  }
}

TEST_CASE("F8: E5M2 is the upper half of an F16, E4M3 ends at 448, E8M0 has powers of two") {
  for (std::uint32_t bits = 0; bits <= 0xff; ++bits)
    CHECK(same(read(DType::kF8E5M2, static_cast<std::uint8_t>(bits)),
               read(DType::kF16, static_cast<std::uint16_t>(bits << 8))));
  const auto e4m3 = [](int bits) { return read(DType::kF8E4M3, static_cast<std::uint8_t>(bits)); };
  CHECK(same(e4m3(0x80), -0.0));
  CHECK(e4m3(0x01) == 0x1p-9);
  CHECK(e4m3(0x08) == 0x1p-6);
  CHECK(e4m3(0x38) == 1);
  CHECK(e4m3(0xb9) == -1.125);
  CHECK(e4m3(0x77) == 240);
  CHECK(e4m3(0x78) == 256);
  CHECK(e4m3(0x7e) == 448);
  CHECK(e4m3(0xfe) == -448);
  CHECK(std::isnan(e4m3(0x7f)));
  CHECK(std::isnan(e4m3(0xff)));
  CHECK(read(DType::kF8E8M0, std::uint8_t{127}) == 1);
  CHECK(read(DType::kF8E8M0, std::uint8_t{0}) == 0x1p-127);
  CHECK(read(DType::kF8E8M0, std::uint8_t{254}) == 0x1p127);
  CHECK(std::isnan(read(DType::kF8E8M0, std::uint8_t{255})));
}

TEST_CASE("integers and truth values") {
  CHECK(read(DType::kI8, std::int8_t{-128}) == -128);
  CHECK(read(DType::kI16, std::int16_t{-32768}) == -32768);
  CHECK(read(DType::kI32, std::int32_t{-7}) == -7);
  CHECK(read(DType::kI64, std::int64_t{-1} << 40) == -0x1p40);
  CHECK(read(DType::kU8, std::uint8_t{255}) == 255);
  CHECK(read(DType::kU16, std::uint16_t{65535}) == 65535);
  CHECK(read(DType::kU32, std::uint32_t{1} << 31) == 0x1p31);
  CHECK(read(DType::kU64, std::uint64_t{1} << 63) == 0x1p63);
  CHECK(read(DType::kBool, std::uint8_t{1}) == 1);
  for (const DType dtype : {DType::kC64, DType::kF6E2M3, DType::kF6E3M2, DType::kF4, DType::kOther})
    CHECK(!number_reader(dtype));
}

TEST_CASE(
    "weights of every floating-point type become floats; others are refused, and what is beyond a float") {
  CHECK(as_floats(tensor_of<float>(DType::kF32, {1.5F, -2})) == std::vector<float>{1.5F, -2});
  CHECK(as_floats(tensor_of<double>(DType::kF64, {0.1, -1e30, 1e-60})) ==
        std::vector<float>{0.1F, -1e30F, 0});
  CHECK(as_floats(tensor_of<std::uint16_t>(DType::kF16, {0x3c00, 0xc000})) == std::vector<float>{1, -2});
  CHECK(as_floats(tensor_of<std::uint16_t>(DType::kBF16, {0x3f80, 0xc000})) == std::vector<float>{1, -2});
  CHECK(std::isinf(as_floats(tensor_of<double>(DType::kF64, {kInfinity}))[0]));
  CHECK(error_message([] {
          as_floats(tensor_of<double>(DType::kF64, {0, 1e39}));
        }) == "tensor \"w\" holds 1e+39 at element 1, beyond what a float holds");
  CHECK(error_message([] { as_floats(tensor_of<std::int64_t>(DType::kI64, {1})); }) ==
        "tensor \"w\" holds I64, not one of F32, F64, F16 and BF16");
  FileTensor other = tensor_of<std::uint8_t>(DType::kOther, {1});
  other.other_dtype = "Q5_K";
  CHECK(error_message([&] { as_floats(other); }) ==
        "tensor \"w\" holds Q5_K, not one of F32, F64, F16 and BF16");
}

}  // namespace
}  // namespace bellman::test
