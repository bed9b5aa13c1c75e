// `bellman inspect`: what a file contains, from any writer.

#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "core/io/safetensors.h"
#include "tests/apps/refusal.h"
#include "tests/apps/text_file.h"
#include "tests/support/parse_json.h"
#include "tests/support/run_command.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_data.h"

namespace bellman::test {
namespace {

using Json = nlohmann::json;

TensorFile odd_file() {
  TensorFile file;
  file.metadata = {{"plain", "text"}, {"bell", "\a\x1b[31m"}, {"long", std::string(5000, 'x')}};
  const float nan = std::numeric_limits<float>::quiet_NaN();
  file.add("w", {2, 3}, std::vector<float>{1, 2, nan, -3, 4, nan});
  FileTensor counts{"counts", DType::kI64, {2}, std::vector<std::byte>(16)};
  const std::int64_t values[] = {-5, 7};
  std::memcpy(counts.bytes.data(), values, sizeof(values));
  file.tensors.push_back(counts);
  file.tensors.push_back({"empty", DType::kF64, {0, 4}, {}});
  file.tensors.push_back({"scalar", DType::kU8, {}, {std::byte{200}}});
  return file;
}

TEST_CASE("inspect lists tensors with their statistics, and metadata") {
  const TemporaryDirectory folder;
  const std::string path = (folder / "odd.safetensors").string();
  write_safetensors(path, odd_file());

  const CommandResult finished = run_bellman({"inspect", path, "--json"});
  REQUIRE_MESSAGE(finished.exit_code == 0, finished.err);
  const Json json = parse_json(finished.out);
  REQUIRE(json["tensors"].size() == 4);
  std::map<std::string, Json> tensors;
  for (const Json& tensor : json["tensors"]) tensors[tensor["name"]] = tensor;
  const Json& w = tensors["w"];
  CHECK(w["dtype"] == "F32");
  CHECK(w["shape"] == Json::array({2, 3}));
  CHECK(w["bytes"] == 24);
  CHECK(w["min"] == -3);
  CHECK(w["max"] == 4);
  CHECK(w["mean"] == 1);  // of the four that are numbers
  CHECK(w["rms"].get<double>() == doctest::Approx(std::sqrt(30.0 / 4)));
  CHECK(w["nan"] == 2);
  CHECK(tensors["counts"]["min"] == -5);
  CHECK(tensors["counts"]["mean"] == 1);
  CHECK(tensors["empty"]["mean"].is_null());
  CHECK(tensors["scalar"]["shape"] == Json::array());
  CHECK(tensors["scalar"]["max"] == 200);
  CHECK(json["metadata"]["long"].get<std::string>().size() == 5000);

  const CommandResult table = run_bellman({"inspect", path});
  REQUIRE_MESSAGE(table.exit_code == 0, table.err);
  CHECK(table.out.find("4 tensors") != std::string::npos);
  CHECK(table.out.find('\x1b') == std::string::npos);  // nothing in a file commands the terminal
  CHECK(table.out.find("\\x1b[31m") != std::string::npos);
  CHECK(table.out.find("(5000 bytes)") != std::string::npos);
  for (const std::string& line : lines_of(table.out)) CHECK(line.size() < 300);
}

TEST_CASE("inspect lists tensors of every type, with statistics where it knows their numbers") {
  const TemporaryDirectory folder;
  std::string header, data;
  const auto add = [&](const std::string& dtype, const std::string& shape, const std::string& bytes) {
    header += (header.empty() ? "" : ",") + ("\"" + dtype + "\":{\"dtype\":\"" + dtype) +
              "\",\"shape\":" + shape + ",\"data_offsets\":[" + std::to_string(data.size()) + "," +
              std::to_string(data.size() + bytes.size()) + "]}";
    data += bytes;
  };
  using namespace std::string_literals;
  add("F16", "[2]", "\x00\x3c\x00\xc0"s);   // 1, -2
  add("BF16", "[2]", "\x80\x3f\xc0\x7f"s);  // 1, NaN
  add("I8", "[1]", "\xff"s);
  add("I16", "[1]", "\xfe\xff"s);
  add("U16", "[1]", "\xff\xff"s);
  add("U32", "[1]", "\x02\0\0\0"s);
  add("BOOL", "[4]", "\0\1\1\1"s);
  add("F8_E4M3", "[1]", "\x7e"s);  // 448
  add("F8_E5M2", "[1]", "\x3c"s);  // 1
  add("F8_E8M0", "[1]", "\x80"s);  // 2
  add("C64", "[1]", std::string(8, '\0'));
  add("F4", "[2,3]", "abc");
  add("F6_E2M3", "[4]", "abc");
  add("F6_E3M2", "[4]", "abc");
  add("NEW_TYPE", "[5]", "abcd");
  header = "{" + header + "}";
  std::string file(8, '\0');
  const std::uint64_t length = header.size();
  std::memcpy(file.data(), &length, 8);
  const std::string path = written(folder / "types.safetensors", file + header + data);

  const CommandResult finished = run_bellman({"inspect", path, "--json"});
  REQUIRE_MESSAGE(finished.exit_code == 0, finished.err);
  const std::map<std::string, double> maxima = {{"F16", 1},     {"BF16", 1},   {"I8", -1},  {"I16", -2},
                                                {"U16", 65535}, {"U32", 2},    {"BOOL", 1}, {"F8_E4M3", 448},
                                                {"F8_E5M2", 1}, {"F8_E8M0", 2}};
  const Json json = parse_json(finished.out);
  CHECK(json["tensors"].size() == 15);
  for (const Json& tensor : json["tensors"]) {
    CAPTURE(tensor["name"]);
    CHECK(tensor["dtype"] == tensor["name"]);
    const auto known = maxima.find(tensor["name"].get<std::string>());
    CHECK(tensor["max"].is_null() == (known == maxima.end()));
    CHECK(tensor["nan"].is_null() == (known == maxima.end()));
    if (known != maxima.end()) CHECK(tensor["max"] == known->second);
    if (tensor["name"] == "BF16") CHECK(tensor["nan"] == 1);
    if (tensor["name"] == "BOOL") CHECK(tensor["mean"] == 0.75);
    if (tensor["name"] == "F4") CHECK(tensor["shape"] == Json::array({2, 3}));
  }
  const CommandResult table = run_bellman({"inspect", path});
  REQUIRE_MESSAGE(table.exit_code == 0, table.err);
  for (const char* word : {"15 tensors", "NEW_TYPE", "F8_E4M3", "448"})
    CHECK(table.out.find(word) != std::string::npos);
}

TEST_CASE("inspect reads what PyTorch wrote") {
  const CommandResult finished =
      run_bellman({"inspect", (test_data() / "infer" / "mlp.safetensors").string()});
  REQUIRE_MESSAGE(finished.exit_code == 0, finished.err);
  for (const char* word : {"6 tensors", "0.weight", "(16,4)", "4.bias", "format", "pt"})
    CHECK(finished.out.find(word) != std::string::npos);
}

TEST_CASE("inspect refuses damaged and missing files, naming them") {
  const TemporaryDirectory folder;
  const auto refuses = [](const std::string& path) { check_refused({"inspect", path}, {path}); };
  refuses((folder / "missing").string());
  refuses((folder / ".").string());
  refuses(written(folder / "empty", ""));
  refuses(written(folder / "text", "twelve bytes"));
  refuses(written(folder / "huge", std::string("\xff\xff\xff\xff\xff\xff\xff\xff{}", 10)));
  CHECK(refused(run_bellman({"inspect"})));
}

}  // namespace
}  // namespace bellman::test
