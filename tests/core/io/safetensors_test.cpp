#include "core/io/safetensors.h"

#include <cstring>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/base/check.h"
#include "core/io/files.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_data.h"

namespace bellman::test {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostBytes = 1 << 20;
const fs::path kData = test_data();

template <class N>
FileTensor tensor(const std::string& name, DType dtype, std::vector<std::uint64_t> shape,
                  const std::vector<N>& values) {
  FileTensor result{name, dtype, std::move(shape), {}};
  const std::span<const std::byte> bytes = std::as_bytes(std::span(values));
  result.bytes.assign(bytes.begin(), bytes.end());
  return result;
}

template <class N>
std::vector<N> values_of(const TensorFile& file, const std::string& name) {
  const FileTensor* found = file.find(name);
  REQUIRE(found != nullptr);
  std::vector<N> values(found->bytes.size() / sizeof(N));
  std::memcpy(values.data(), found->bytes.data(), found->bytes.size());
  return values;
}

void check_same(const TensorFile& a, const TensorFile& b) {
  CHECK(a.metadata == b.metadata);
  REQUIRE(a.tensors.size() == b.tensors.size());
  for (std::size_t i = 0; i < a.tensors.size(); ++i) {
    CHECK(a.tensors[i].name == b.tensors[i].name);
    CHECK(a.tensors[i].dtype == b.tensors[i].dtype);
    CHECK(a.tensors[i].shape == b.tensors[i].shape);
    CHECK(a.tensors[i].bytes == b.tensors[i].bytes);
  }
}

TEST_CASE("safetensors: every type, as Python's package wrote it") {
  const TensorFile file = read_safetensors(kData / "every_dtype.safetensors");
  CHECK(file.metadata == std::map<std::string, std::string>{{"purpose", "every type of numbers"}});
  CHECK(file.tensors.size() == 9);
  CHECK(values_of<float>(file, "f32") == std::vector<float>{1.5F, -2, 3.25F, 0, 1e-40F, 3e38F});
  CHECK(file.find("f32")->shape == std::vector<std::uint64_t>{2, 3});
  CHECK(values_of<double>(file, "f64") == std::vector<double>{0.1, -1e300});
  CHECK(values_of<std::int32_t>(file, "i32") == std::vector<std::int32_t>{INT32_MIN, INT32_MAX});
  CHECK(values_of<std::int64_t>(file, "i64") == std::vector<std::int64_t>{INT64_MIN, INT64_MAX});
  CHECK(file.find("i64")->shape == std::vector<std::uint64_t>{2, 1});
  CHECK(values_of<std::uint8_t>(file, "u8") == std::vector<std::uint8_t>{0, 1, 255});
  CHECK(values_of<std::uint64_t>(file, "u64") == std::vector<std::uint64_t>{UINT64_MAX});
  CHECK(values_of<float>(file, "scalar") == std::vector<float>{7});
  CHECK(file.find("scalar")->shape.empty());
  CHECK(file.find("empty")->shape == std::vector<std::uint64_t>{0, 3});
  CHECK(file.find("empty")->bytes.empty());
  CHECK(values_of<float>(file, "name with \"quotes\" and \u00fc") == std::vector<float>{1});
  CHECK(file.find("f3") == nullptr);
}

TEST_CASE("safetensors: what Python's package wrote is written again byte by byte") {
  const TemporaryDirectory directory;
  for (const char* name :
       {"every_dtype.safetensors", "torch_sequential.safetensors", "torch_sequential_outputs.safetensors"}) {
    CAPTURE(name);
    write_safetensors(directory / name, read_safetensors(kData / name));
    CHECK(read_file(directory / name, kMostBytes) == read_file(kData / name, kMostBytes));
  }
}

TEST_CASE("safetensors: the bytes of a file are known") {
  const TemporaryDirectory directory;
  TensorFile file;
  file.metadata = {{"b", "2"}, {"a", "line\nbreak"}};
  file.add("w", {1, 2}, std::vector<float>{1, -2});
  write_safetensors(directory / "file", file);
  const std::string header =
      R"({"__metadata__":{"a":"line\nbreak","b":"2"},"w":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}})";
  REQUIRE(header.size() == 99);
  const std::string expected = std::string("\x68\0\0\0\0\0\0\0", 8) + header + "     " +  // to 104 = 0x68
                               std::string("\0\0\x80\x3f\0\0\0\xc0", 8);
  CHECK(read_file(directory / "file", kMostBytes) == expected);
  const std::vector<std::byte> bytes = safetensors_bytes(file, "memory");
  CHECK(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()) == expected);
}

TEST_CASE("safetensors: a round trip keeps everything") {
  const TemporaryDirectory directory;
  TensorFile file;
  file.metadata = {{"", ""}, {"key with \"quotes\"", "\u00e9\t\\"}};
  file.tensors.push_back(tensor<double>("d", DType::kF64, {3}, {1, 2, 3}));
  file.tensors.push_back(tensor<std::int64_t>("l", DType::kI64, {}, {-7}));
  file.add("a.0.weight", {2, 1, 2, 1}, std::vector<float>{1, 2, 3, 4});
  file.tensors.push_back(tensor<float>("five", DType::kF32, {1, 1, 2, 1, 1}, {5, 6}));
  file.tensors.push_back(tensor<float>("none", DType::kF32, {4, 0}, {}));
  file.tensors.push_back(tensor<std::int32_t>("i", DType::kI32, {1}, {9}));
  file.tensors.push_back(tensor<std::uint8_t>("u", DType::kU8, {3}, {1, 2, 3}));
  write_safetensors(directory / "file", file);
  const TensorFile back = read_safetensors(directory / "file");
  check_same(file, back);

  const SafetensorsHead head = read_safetensors_head(directory / "file");
  CHECK(head.metadata == file.metadata);
  REQUIRE(head.tensors.size() == back.tensors.size());
  for (std::size_t i = 0; i < head.tensors.size(); ++i) {
    CHECK(head.tensors[i].name == back.tensors[i].name);
    CHECK(head.tensors[i].dtype == back.tensors[i].dtype);
    CHECK(head.tensors[i].shape == back.tensors[i].shape);
  }

  const TensorFile nothing;
  write_safetensors(directory / "nothing", nothing);
  check_same(nothing, read_safetensors(directory / "nothing"));
}

TEST_CASE("safetensors: tensors of larger elements come first, so that each is aligned") {
  const TemporaryDirectory directory;
  TensorFile file;
  file.tensors.push_back(tensor<std::uint8_t>("u", DType::kU8, {3}, {1, 2, 3}));
  file.add("b", {1}, std::vector<float>{4});
  file.tensors.push_back(tensor<double>("d", DType::kF64, {1}, {5}));
  file.add("a", {1}, std::vector<float>{6});
  write_safetensors(directory / "file", file);
  std::string names;
  for (const FileTensor& each : read_safetensors(directory / "file").tensors) names += each.name;
  CHECK(names == "dbau");
}

TEST_CASE("safetensors: what cannot be written leaves the old file whole") {
  const TemporaryDirectory directory;
  const fs::path path = directory / "file";
  TensorFile good;
  good.add("w", {2}, std::vector<float>{1, 2});
  write_safetensors(path, good);
  const std::string before = read_file(path, kMostBytes);

  const auto error_of = [&](const TensorFile& file) -> std::string {
    try {
      write_safetensors(path, file);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  };
  const std::string start = path.string() + ": cannot be written: ";
  TensorFile twice = good;
  twice.tensors.push_back(good.tensors[0]);
  CHECK(error_of(twice) == start + "two tensors are named \"w\"");
  TensorFile shorter = good;
  shorter.tensors[0].bytes.pop_back();
  CHECK(error_of(shorter) == start + "tensor \"w\" has 7 bytes but F32 of shape (2) takes 8");
  TensorFile huge = good;
  huge.tensors[0].shape = {std::uint64_t{1} << 33, std::uint64_t{1} << 33};
  CHECK(error_of(huge).starts_with(start + "tensor \"w\" has the shape (8589934592,8589934592)"));
  TensorFile reserved = good;
  reserved.tensors[0].name = "__metadata__";
  CHECK(error_of(reserved).starts_with(start));
  TensorFile not_utf8 = good;
  not_utf8.tensors[0].name = "\xff";
  CHECK(error_of(not_utf8) == start + "\"?\" is not UTF-8");
  CHECK(read_file(path, kMostBytes) == before);
  CHECK(directory.names() == std::vector<std::string>{"file"});
}

TEST_CASE("safetensors: tensors may come in pieces, those of larger elements first, all of their bytes") {
  const TemporaryDirectory directory;
  const fs::path path = directory / "file";
  const std::vector<TensorHead> heads = {{"bytes", DType::kU8, {3}},
                                         {"a", DType::kF32, {2}},
                                         {"none", DType::kF32, {0}},
                                         {"b", DType::kF32, {1}}};
  const std::vector<float> a = {1, 2}, b = {3};
  std::vector<std::size_t> sizes;
  std::string bytes = "xyz";
  const auto write = [&] {
    sizes.clear();
    write_safetensors(path, {{"key", "value"}}, heads, [&](std::size_t size, const WriteBytes& put) {
      sizes.push_back(size);
      if (size == 1)
        for (const char& byte : bytes) put(std::as_bytes(std::span(&byte, 1)));
      else
        for (const std::vector<float>& values : {a, b}) put(std::as_bytes(std::span(values)));
    });
  };
  write();
  CHECK(sizes == std::vector<std::size_t>{4, 1});
  const TensorFile file = read_safetensors(path);
  CHECK(file.metadata.at("key") == "value");
  CHECK(file.find("a")->f32()[1] == 2);
  CHECK(file.find("b")->f32()[0] == 3);
  CHECK(file.find("none")->f32().empty());
  CHECK(file.find("bytes")->bytes[2] == std::byte{'z'});
  bytes = "xy";
  CHECK_THROWS_WITH_AS(write(), doctest::Contains("its tensors have 14 bytes where their shapes take 15"),
                       Error);
  CHECK(read_safetensors(path).find("bytes")->bytes.size() == 3);  // the older one is whole
}

TEST_CASE("safetensors: tensors in memory are checked too") {
  TensorFile file;
  file.add("scalar", {}, std::vector<float>{1});
  CHECK(file.find("scalar")->f32()[0] == 1);
  CHECK_THROWS_WITH_AS(file.add("w", {2, 2}, std::vector<float>{1, 2, 3}),
                       "tensor \"w\" of shape (2,2) cannot hold 3 values", Error);
  file.tensors.push_back(tensor<double>("d", DType::kF64, {1}, {5}));
  CHECK_THROWS_WITH_AS(file.find("d")->f32(), "tensor \"d\" holds F64, not F32", Error);
}

TEST_CASE("safetensors: files that are not there or not files") {
  const TemporaryDirectory directory;
  const fs::path none = directory / "none";
  CHECK_THROWS_WITH_AS(read_safetensors(none),
                       (none.string() + ": cannot be opened: No such file or directory").c_str(), Error);
  CHECK_THROWS_WITH_AS(read_safetensors(directory.path()),
                       (directory.path().string() + ": is a directory").c_str(), Error);
  CHECK_THROWS_WITH_AS(read_safetensors("/dev/zero"), "/dev/zero: is a device or a socket, not a file",
                       Error);
}

}  // namespace
}  // namespace bellman::test
