#include "rl/train/model_file.h"

#include <fstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/error_message.h"
#include "tests/support/temporary_directory.h"

namespace bellman::test {
namespace {

Model example() {
  Model model;
  model.network = "dense 3, relu, dense 2";
  model.input_shape = {2};
  model.env = EnvOptions();
  model.env->id = "FrozenLake-v1";
  model.env->map = "my map.txt";
  model.env->map.text = "SF\nFG\n";
  model.env->observation = "coordinates";
  model.env->slippery = false;
  model.env->success_rate = 0.1;
  model.env->slip = 0.25;
  model.env->sutton_barto_reward = true;
  model.env->max_episode_steps = 77;
  model.env->frame_stack = 3;
  model.observation_mean = {0.1, -1e-300};
  model.observation_variance = {1.0 / 3.0, 0};
  model.seed = 18446744073709551615U;
  model.timestep = 123456789012;
  const std::vector<float> weight = {1, 2, 3, 4, 5, 6};
  model.parameters.add("0.weight", {3, 2}, weight);
  return model;
}

TEST_CASE("a model reads back as it was written") {
  const TemporaryDirectory directory;
  const Model written = example();
  save_model(directory / "model.safetensors", written);
  const Model read = load_model(directory / "model.safetensors");
  CHECK(read.network == written.network);
  CHECK(read.input_shape == written.input_shape);
  REQUIRE(read.env);
  CHECK(read.env->id == written.env->id);
  CHECK(read.env->map == written.env->map);
  CHECK(read.env->observation == written.env->observation);
  CHECK(read.env->slippery == written.env->slippery);
  CHECK(read.env->success_rate == written.env->success_rate);
  CHECK(read.env->slip == written.env->slip);
  CHECK(read.env->sutton_barto_reward == written.env->sutton_barto_reward);
  CHECK(read.env->max_episode_steps == written.env->max_episode_steps);
  CHECK(read.env->frame_stack == written.env->frame_stack);
  CHECK(read.observation_mean == written.observation_mean);
  CHECK(read.observation_variance == written.observation_variance);
  CHECK(read.seed == written.seed);
  CHECK(read.timestep == written.timestep);
  REQUIRE(read.parameters.tensors.size() == 1);
  CHECK(read.parameters.tensors[0].name == "0.weight");
  CHECK(read.parameters.tensors[0].f32()[5] == 6);
}

TEST_CASE("the tensors are the parameters alone, as torch.nn.Sequential wants them") {
  const TemporaryDirectory directory;
  save_model(directory / "model.safetensors", example());
  CHECK(read_safetensors(directory / "model.safetensors").tensors.size() == 1);
}

TEST_CASE("the gaps of an arena do not reach the file") {
  ArenaLayout layout;
  layout.add("0.weight", {1, 2});
  layout.add("0.bias", {1});
  std::vector<float> values(static_cast<std::size_t>(layout.size()), -1);
  values[0] = 1;
  values[1] = 2;
  values[ArenaLayout::kAlignment] = 3;
  TensorFile file;
  append_host_parameters(file, layout, values);
  REQUIRE(file.tensors.size() == 2);
  CHECK(std::vector<float>(file.find("0.weight")->f32().begin(), file.find("0.weight")->f32().end()) ==
        std::vector<float>{1, 2});
  CHECK(file.find("0.bias")->f32()[0] == 3);
}

TEST_CASE("a file from elsewhere is a model that says nothing about its network") {
  const TemporaryDirectory directory;
  TensorFile file;
  const std::vector<float> bias = {1, 2};
  file.add("0.bias", {2}, bias);
  file.metadata["format"] = "pt";
  write_safetensors(directory / "torch.safetensors", file);
  const Model model = load_model(directory / "torch.safetensors");
  CHECK(model.network.empty());
  CHECK(model.input_shape.rank() == 0);
  CHECK(!model.env);
  CHECK(model.parameters.tensors.size() == 1);
}

TEST_CASE("a name that is not UTF-8 does not spoil the file") {
  const TemporaryDirectory directory;
  Model model = example();
  model.env->map = "caf\xe9";
  save_model(directory / "model.safetensors", model);
  CHECK(load_model(directory / "model.safetensors").env->map == "caf\xef\xbf\xbd");
}

TEST_CASE("a model of a map that the program has, or of an earlier version, has no map's text") {
  const TemporaryDirectory directory;
  Model model = example();
  model.env->map = "4x4";
  save_model(directory / "model.safetensors", model);
  const TensorFile file = read_safetensors(directory / "model.safetensors");
  CHECK_FALSE(contains(file.metadata.at("env"), "map_text"));
  CHECK(load_model(directory / "model.safetensors").env->map == MapSource("4x4"));
}

TEST_CASE("damaged metadata is refused with the file and the key") {
  struct Bad {
    const char* key;
    const char* value;  // null: the key is taken away
    const char* expected;
  };
  const Bad kBad[] = {
      {"format", "bellman model 99",
       "\"format\" is \"bellman model 99\"; this program reads \"bellman model 1\""},
      {"network", nullptr, "the metadata lacks \"network\""},
      {"input_shape", nullptr, "the metadata lacks \"input_shape\""},
      {"input_shape", "[2", "\"input_shape\" is not JSON"},
      {"input_shape", "[]", "\"input_shape\" is not an array of 1 to 3 extents"},
      {"input_shape", "[1,1,1,1]", "\"input_shape\" is not an array"},
      {"input_shape", "[0]", "\"input_shape\" has the impossible extent 0"},
      {"input_shape", "[-2]", "impossible extent -2"},
      {"input_shape", "[2.5]", "impossible extent 2.5"},
      {"input_shape", "[65536,65536,65536]", "impossible extent 65536"},
      {"input_shape", "[18446744073709551616]", "impossible extent"},
      {"env", "3", "\"env\" is not an object"},
      {"env", "{\"colour\":1}", "\"env\" has the unknown key \"colour\""},
      {"env", "{\"id\":1}", "\"env\" has a value of the wrong type for \"id\": 1"},
      {"env", "{\"map_text\":7}", "wrong type for \"map_text\""},
      {"env", "{\"id\":\"FrozenLake-v1\",\"map\":\"m\",\"map_text\":\"S\\u001b[2J\"}",
       "has a \"map_text\" that cannot be: map m: unknown character byte 0x1b in row 1, column 2"},
      {"env", "{\"id\":\"CartPole-v1\",\"map_text\":\"SG\"}", "belongs to no map"},
      {"env", "{\"slippery\":\"no\"}", "wrong type for \"slippery\""},
      {"env", "{\"max_episode_steps\":1.5}", "wrong type for \"max_episode_steps\""},
      {"observation_mean", "[1]", "\"observation_mean\" is not an array of 2 numbers"},
      {"observation_mean", "[1,null]", "\"observation_mean\" holds the impossible value null"},
      {"observation_mean", "[1,1e999]", "\"observation_mean\" is not JSON"},
      {"observation_mean", nullptr, "one of \"observation_mean\" and \"observation_variance\" only"},
      {"observation_variance", "[1,-1]", "\"observation_variance\" holds the impossible value -1"},
      {"seed", "-1", "\"seed\" is \"-1\", not a whole number of 0 or more"},
      {"seed", "18446744073709551616", "not a whole number"},
      {"timestep", "12x", "\"timestep\" is \"12x\""},
      {"timestep", "-5", "\"timestep\" is \"-5\""},
  };
  const TemporaryDirectory directory;
  const std::filesystem::path path = directory / "model.safetensors";
  for (const Bad& bad : kBad) {
    save_model(path, example());
    TensorFile file = read_safetensors(path);
    if (bad.value) {
      file.metadata[bad.key] = bad.value;
    } else {
      file.metadata.erase(bad.key);
    }
    write_safetensors(path, file);
    const std::string message = error_message([&] { load_model(path); });
    CHECK_MESSAGE(message.starts_with(path.string() + ": "), message);
    CHECK_MESSAGE(message.find(bad.expected) != std::string::npos, message);
  }
}

TEST_CASE("a model that cannot be written is an error that names the file") {
  CHECK(error_message([] { save_model("/proc/none/model.safetensors", example()); }).find("/proc/none") !=
        std::string::npos);
}

}  // namespace
}  // namespace bellman::test
