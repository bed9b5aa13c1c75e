// Weights as other programs write them, and the commands that read them.

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "apps/run/trained_network.h"
#include "tests/apps/commands/test_models.h"
#include "tests/apps/refusal.h"
#include "tests/apps/text_file.h"
#include "tests/support/error_message.h"
#include "tests/support/run_command.h"
#include "tests/support/temporary_directory.h"

namespace bellman::test {
namespace {

// All of them numbers that F16 and BF16 hold exactly.
const std::vector<float> kWeights = {0, 0, 0, 0, 0.125F, 0.5F, 4, 1};
const std::vector<float> kBiases = {0.5F, -0.25F};

template <class T, class Convert>
FileTensor tensor_of(const std::string& name, DType dtype, std::vector<std::uint64_t> shape,
                     const std::vector<float>& values, Convert convert) {
  FileTensor tensor{name, dtype, std::move(shape), std::vector<std::byte>(values.size() * sizeof(T))};
  for (std::size_t i = 0; i < values.size(); ++i) {
    const T value = convert(values[i]);
    std::memcpy(tensor.bytes.data() + i * sizeof(T), &value, sizeof(T));
  }
  return tensor;
}

/// Exact for normal numbers within F16's range.
std::uint16_t as_f16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if (value == 0) return 0;
  const std::uint32_t exponent = ((bits >> 23) & 0xff) - 127 + 15;
  return static_cast<std::uint16_t>((bits >> 16 & 0x8000) | exponent << 10 | (bits >> 13 & 0x3ff));
}

FileTensor of_type(DType dtype, const std::string& name, const std::vector<std::uint64_t>& shape,
                   const std::vector<float>& values) {
  switch (dtype) {
    case DType::kF64:
      return tensor_of<double>(name, dtype, shape, values, [](float v) { return double{v}; });
    case DType::kF16:
      return tensor_of<std::uint16_t>(name, dtype, shape, values, as_f16);
    case DType::kBF16:
      return tensor_of<std::uint16_t>(name, dtype, shape, values, [](float v) {
        return static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(v) >> 16);
      });
    default:
      return tensor_of<float>(name, DType::kF32, shape, values, [](float v) { return v; });
  }
}

TensorFile linear_file(const std::string& prefix, DType dtype) {
  TensorFile file;
  file.tensors.push_back(of_type(dtype, prefix + "0.weight", {2, 4}, kWeights));
  file.tensors.push_back(of_type(dtype, prefix + "0.bias", {2}, kBiases));
  return file;
}

std::string written_file(const TensorFile& file, const std::filesystem::path& path) {
  write_safetensors(path, file);
  return path.string();
}

TEST_CASE(
    "infer, eval and rollout take weights of every floating-point type and prefix, and say what they did") {
  const TemporaryDirectory folder;
  const Words network = {"--network", "dense 2"};
  const auto infer = [&](const std::string& path, const Words& more = {}) {
    return run_bellman(Words{"infer", "--obs", "[[1,2,0.5,-3]]", "--checkpoint", path} + network + more);
  };
  const std::string plain = written_file(linear_file("", DType::kF32), folder / "plain.safetensors");
  const CommandResult expected = infer(plain);
  CHECK(expected.out == "[[0.5,-0.125]]\n");
  CHECK(expected.err.empty());
  for (const DType dtype : {DType::kF32, DType::kF64, DType::kF16, DType::kBF16})
    for (const char* chain :
         {"", "network.", "q_network.", "policy_net.", "module.", "_orig_mod.", "_orig_mod.module.q_net."}) {
      const std::string prefix = chain;
      CAPTURE(prefix);
      const std::string path = written_file(linear_file(prefix, dtype), folder / "w.safetensors");
      const CommandResult found = infer(path);
      CHECK(found.exit_code == 0);
      CHECK(found.out == expected.out);
      CHECK((found.err.find("\"" + prefix + "\"") != std::string::npos) == !prefix.empty());
      CHECK((found.err.find(std::string("type ") + dtype_name(dtype)) != std::string::npos) ==
            (dtype != DType::kF32));
      for (const std::string& line : lines_of(found.err)) CHECK(line.starts_with(path + ": "));
    }
  // Other commands, and an unknown prefix.
  const std::string own = written_file(linear_file("agent.head.", DType::kF16), folder / "own.safetensors");
  for (const char* prefix : {"agent.head.", "agent.head"})
    CHECK(infer(own, {"--prefix", prefix}).out == expected.out);
  const Words play = Words{"--env-id", "CartPole-v1"} + network + Words{"--prefix", "agent.head"};
  const CommandResult eval = run_bellman(Words{"eval", "--checkpoint", own, "--episodes", "3"} + play);
  const CommandResult eval_plain = run_bellman(Words{"eval", "--checkpoint", plain, "--episodes", "3"} +
                                               Words{"--env-id", "CartPole-v1"} + network);
  CHECK(eval.exit_code == 0);
  CHECK(eval.out == eval_plain.out);
  CHECK(eval.err.find("F16") != std::string::npos);
  const CommandResult rollout = run_bellman(Words{"rollout", "--policy", own, "--steps", "5"} + play);
  CHECK(rollout.exit_code == 0);
  CHECK(rollout.err.find("agent.head.") != std::string::npos);
  check_refused(Words{"infer", "--obs", "[[1,2,0.5,-3]]", "--checkpoint", own} + network,
                {"own.safetensors"});
  check_refused(Words{"infer", "--obs", "[[0]]", "--checkpoint", own, "--prefix", "actor"} + network,
                {"own.safetensors", "\"actor\"", "\"agent.\""});
}

TEST_CASE("of several networks in a file, the one that is named") {
  TensorFile file = linear_file("q_network.", DType::kF32);
  const Weights one = foreign_weights(file, "");
  CHECK(one.file.tensors.size() == 2);
  file.tensors.push_back(of_type(DType::kF32, "target_network.0.weight", {1}, {7}));
  file.tensors.push_back(of_type(DType::kF32, "steps", {1}, {7}));
  const Weights beside = foreign_weights(file, "");
  CHECK(beside.file.tensors.size() == 2);
  CHECK(beside.notes ==
        std::vector<std::string>{"names are read without their prefix \"q_network.\"; 2 tensors "
                                 "without it left out"});
  const Weights target = foreign_weights(file, "target_network");
  REQUIRE(target.file.tensors.size() == 1);
  CHECK(target.file.tensors[0].name == "0.weight");
  file.tensors.push_back(of_type(DType::kF32, "policy_net.0.weight", {1}, {7}));
  CHECK(error_message([&] { foreign_weights(file, ""); }) ==
        "it holds several networks, under \"policy_net.\", \"q_network.\": choose one with --prefix");
  CHECK(foreign_weights(file, "policy_net.").file.tensors.size() == 1);
}

TEST_CASE("names that are torch.nn.Sequential's stay as they are") {
  TensorFile file = linear_file("", DType::kF32);
  file.tensors.push_back(of_type(DType::kF32, "network.0.weight", {1}, {7}));
  const Weights weights = foreign_weights(file, "");
  CHECK(weights.notes.empty());
  CHECK(weights.file.tensors.size() == 3);
  TensorFile no_layers;
  no_layers.tensors.push_back(of_type(DType::kF32, "network.head.weight", {1}, {7}));
  CHECK(foreign_weights(no_layers, "").file.tensors[0].name == "network.head.weight");
}

TEST_CASE("--network must be the network that the file says") {
  const TemporaryDirectory folder;
  const std::string path =
      saved(linear_model("CartPole-v1", 4, 2, kWeights, kBiases), folder / "m.safetensors");
  const Words infer = {"infer", "--checkpoint", path, "--obs", "[[0,0,0,0]]"};
  const Words eval = {"eval", "--checkpoint", path, "--episodes", "1"};
  const Words rollout = {"rollout", "--policy", path, "--steps", "1"};
  for (const Words& command : {infer, eval, rollout}) {
    CAPTURE(command.front());
    CHECK(run_bellman(command + Words{"--network", " dense  2"}).exit_code == 0);
    for (const char* other : {"dense 2, relu", "dense 2, tanh", "dueling 2", "dense 3"})
      check_refused(command + Words{"--network", other}, {other, "m.safetensors", "\"dense 2\""});
    check_refused(command + Words{"--network", "dense 2, rleu"}, {"rleu"});
  }
}

}  // namespace
}  // namespace bellman::test
