#include "core/io/weights.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/nn/initialisers.h"
#include "core/reference/reference_backend.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_data.h"

namespace bellman::test {
namespace {

const std::filesystem::path kWeightFiles = test_data();

/// A network with parameters that are not zero.
struct Weighted {
  explicit Weighted(const char* text, const Shape& input = {3}, std::uint64_t seed = 1)
      : network(text, input), parameters(backend, network.layout()) {
    initialise(backend, parameters, network, Initialiser::kPytorch, seed);
  }
  std::vector<float> values() const {
    const std::span<const float> flat = parameters.flat().host();
    return {flat.begin(), flat.end()};
  }

  ReferenceBackend<float> backend;
  Network network;
  Arena parameters;
};

TEST_CASE("weights: a torch.nn.Sequential's file gives the same outputs here") {
  Weighted model("dense 5, relu, dense 2");
  load_parameters(read_safetensors(kWeightFiles / "torch_sequential.safetensors"), "file", model.backend,
                  model.parameters);
  const TensorFile outputs = read_safetensors(kWeightFiles / "torch_sequential_outputs.safetensors");
  const std::span<const float> x = outputs.find("x")->f32(), expected = outputs.find("y")->f32();
  Workspace workspace(model.backend, model.network, 2, false);
  std::copy(x.begin(), x.end(), workspace.activation(0, 2).data());
  const ConstTensor y = model.network.forward(model.backend, workspace, model.parameters, 2);
  // Weights and inputs are small multiples of powers of two: nothing is rounded, so the bits are the same.
  REQUIRE(expected.size() == 4);
  for (std::size_t i = 0; i < 4; ++i) CHECK(y.host()[i] == expected[i]);
}

TEST_CASE("weights: what is saved is loaded, under any prefix, gaps zero") {
  const TemporaryDirectory directory;
  Weighted saved("conv 2 3x3, flatten, dense 3, layer_norm, dueling 2 hidden 4", {1, 5, 5}, 7);
  Weighted other("conv 2 3x3, flatten, dense 3, layer_norm, dueling 2 hidden 4", {1, 5, 5}, 8);
  TensorFile file;
  append_parameters(file, saved.backend, saved.parameters, "online.");
  append_parameters(file, other.backend, other.parameters, "target.");
  write_safetensors(directory / "file", file);
  const TensorFile back = read_safetensors(directory / "file");
  CHECK(back.find("online.4.advantage.2.weight") != nullptr);

  Weighted loaded("conv 2 3x3, flatten, dense 3, layer_norm, dueling 2 hidden 4", {1, 5, 5}, 9);
  load_parameters(back, directory / "file", loaded.backend, loaded.parameters, "online.");
  CHECK(loaded.values() == saved.values());
  load_parameters(back, directory / "file", loaded.backend, loaded.parameters, "target.");
  CHECK(loaded.values() == other.values());
}

TEST_CASE("weights: what does not fit is refused with file and tensor, and nothing is changed") {
  Weighted model("dense 2, relu, dense 3");
  TensorFile good;
  append_parameters(good, model.backend, model.parameters);
  const auto named = [](TensorFile& file, const std::string& name) -> FileTensor& {
    return const_cast<FileTensor&>(*file.find(name));
  };
  // Refused by a model whose numbers are others: any change would be seen.
  Weighted target("dense 2, relu, dense 3", {3}, 2);
  const std::vector<float> before = target.values();
  const auto error_of = [&](const TensorFile& file, const std::string& prefix = "") -> std::string {
    try {
      load_parameters(file, "model.safetensors", target.backend, target.parameters, prefix);
    } catch (const Error& error) {
      CHECK(target.values() == before);
      return error.what();
    }
    return "no error";
  };

  TensorFile missing = good;
  missing.tensors.pop_back();
  CHECK(error_of(missing) == "model.safetensors: tensor \"2.bias\" is missing");
  TensorFile more = good;
  more.add("4.weight", {1}, std::vector<float>{1});
  CHECK(error_of(more) == "model.safetensors: tensor \"4.weight\" is none of the network's");
  CHECK(error_of(good, "online.") == "model.safetensors: tensor \"online.0.weight\" is missing");

  TensorFile transposed = good;
  named(transposed, "2.weight").shape = {2, 3};
  CHECK(error_of(transposed) ==
        "model.safetensors: tensor \"2.weight\" has the shape (2,3) but the network expects (3,2)");
  TensorFile flat = good;
  named(flat, "2.weight").shape = {6};
  CHECK(error_of(flat) ==
        "model.safetensors: tensor \"2.weight\" has the shape (6) but the network expects (3,2)");
  TensorFile doubles = good;
  named(doubles, "2.bias").dtype = DType::kF64;
  CHECK(error_of(doubles) == "model.safetensors: tensor \"2.bias\" holds F64, not F32");

  const float bad[] = {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                       -std::numeric_limits<float>::infinity()};
  const char* const shown[] = {"nan", "inf", "-inf"};
  for (std::size_t i = 0; i < 3; ++i) {
    TensorFile damaged = good;
    std::memcpy(named(damaged, "2.bias").bytes.data() + 2 * sizeof(float), &bad[i], sizeof(float));
    CHECK(error_of(damaged) ==
          std::string("model.safetensors: tensor \"2.bias\" holds ") + shown[i] + " at element 2");
  }
  CHECK(error_of(good) == "no error");
  CHECK(target.values() == model.values());
}

TEST_CASE("weights: with a prefix, other tensors of the file are no concern") {
  Weighted model("dense 2");
  TensorFile file;
  append_parameters(file, model.backend, model.parameters, "online.");
  file.add("optimizer.m", {1}, std::vector<float>{std::numeric_limits<float>::quiet_NaN()});
  CHECK_NOTHROW(load_parameters(file, "file", model.backend, model.parameters, "online."));
  file.add("online.extra", {1}, std::vector<float>{1});
  CHECK_THROWS_AS(load_parameters(file, "file", model.backend, model.parameters, "online."), Error);
}

}  // namespace
}  // namespace bellman::test
