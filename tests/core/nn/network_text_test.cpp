#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/base/rng.h"
#include "core/nn/network.h"

namespace bellman {
namespace {

std::string error_of(const std::string& text, const Shape& input) {
  try {
    const Network network(text, input);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST_CASE("network text: shapes follow from layer to layer") {
  const Network network(
      "conv 16 3x3 stride 2 padding 1, relu, max_pool 2x2, conv 8 1x2 stride 1x2 padding 0x1, flatten, dense "
      "5, "
      "dueling 3 hidden 4",
      {3, 9, 12});
  const std::vector<Shape> expected = {{16, 5, 6}, {16, 5, 6}, {16, 2, 3}, {8, 2, 2}, {32}, {5}, {3}};
  REQUIRE(network.layers() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) CHECK(network.layer(i).output_shape() == expected[i]);
  for (std::size_t i = 1; i < expected.size(); ++i) CHECK(network.layer(i).input_shape() == expected[i - 1]);
  CHECK(network.input_shape() == Shape{3, 9, 12});
  CHECK(network.output_shape() == Shape{3});
}

TEST_CASE("network text: tensors are named as torch.nn.Sequential names them") {
  const Network network("conv 2 3x3, flatten, dense 4, layer_norm, dueling 3, relu, dueling 2 hidden 5",
                        {1, 4, 4});
  const std::vector<std::pair<std::string, Shape>> expected = {{"0.weight", {2, 1, 3, 3}},
                                                               {"0.bias", {2}},
                                                               {"2.weight", {4, 8}},
                                                               {"2.bias", {4}},
                                                               {"3.weight", {4}},
                                                               {"3.bias", {4}},
                                                               {"4.value.weight", {1, 4}},
                                                               {"4.value.bias", {1}},
                                                               {"4.advantage.weight", {3, 4}},
                                                               {"4.advantage.bias", {3}},
                                                               {"6.value.0.weight", {5, 3}},
                                                               {"6.value.0.bias", {5}},
                                                               {"6.value.2.weight", {1, 5}},
                                                               {"6.value.2.bias", {1}},
                                                               {"6.advantage.0.weight", {5, 3}},
                                                               {"6.advantage.0.bias", {5}},
                                                               {"6.advantage.2.weight", {2, 5}},
                                                               {"6.advantage.2.bias", {2}}};
  REQUIRE(network.layout().entries().size() == expected.size());
  REQUIRE(network.parameters().size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CHECK(network.layout().entries()[i].name == expected[i].first);
    CHECK(network.layout().entries()[i].shape == expected[i].second);
    CHECK(network.parameters()[i].name == expected[i].first);
    CHECK(network.parameters()[i].shape == expected[i].second);
  }
}

TEST_CASE("network text: what makes the outputs is known") {
  const auto output_tensors = [](const char* text) {
    std::string names;
    const Network network(text, {4});
    for (const ParameterInfo& parameter : network.parameters())
      if (parameter.makes_output) names += parameter.name + " ";
    return names;
  };
  CHECK(output_tensors("dense 8, relu, dense 2") == "2.weight 2.bias ");
  CHECK(output_tensors("dense 8, relu, dense 2, tanh") == "2.weight 2.bias ");
  CHECK(output_tensors("dense 8, dueling 2") ==
        "1.value.weight 1.value.bias 1.advantage.weight 1.advantage.bias ");
  CHECK(output_tensors("dense 8, dueling 2 hidden 3") ==
        "1.value.2.weight 1.value.2.bias 1.advantage.2.weight 1.advantage.2.bias ");
}

TEST_CASE("network text: the canonical form gives the same network") {
  const auto canonical = [](const char* text, const Shape& input) {
    const std::string once = Network(text, input).text();
    CHECK(Network(once, input).text() == once);
    return once;
  };
  CHECK(canonical("dense 64", {4}) == "dense 64");
  CHECK(canonical("  dense\t64 ,relu,\n tanh , sigmoid,layer_norm,leaky_relu ", {4}) ==
        "dense 64, relu, tanh, sigmoid, layer_norm, leaky_relu");
  CHECK(canonical("leaky_relu 0.01, leaky_relu 2e-1, leaky_relu 0.30000000000000004, leaky_relu 0", {4}) ==
        "leaky_relu, leaky_relu 0.2, leaky_relu 0.30000000000000004, leaky_relu 0");
  CHECK(canonical("conv 2 3x3 stride 1 padding 0, conv 2 3x2 stride 2x2 padding 1x1, conv 1 1x1 stride 2x1",
                  {1, 9, 9}) == "conv 2 3x3, conv 2 3x2 stride 2 padding 1, conv 1 1x1 stride 2x1");
  CHECK(canonical("max_pool 2x2, max_pool 2x3 stride 2x3, max_pool 3x3 stride 1 padding 1x0", {1, 20, 20}) ==
        "max_pool 2x2, max_pool 2x3, max_pool 3x3 stride 1 padding 1x0");
  CHECK(canonical("dueling 7", {4}) == "dueling 7");
  CHECK(canonical("dueling 7 hidden 9", {4}) == "dueling 7 hidden 9");
}

TEST_CASE("network text: errors count layers from 0, as the names of tensors do") {
  const Network network("flatten, dense 4, relu, dense 2", {1, 2, 2});
  CHECK(network.layout().entries().back().name == "3.bias");
  CHECK(error_of("flatten, dense 4, relu, dense 0", {1, 2, 2}).starts_with("layer 3 (dense 0) "));
  CHECK(error_of("flatten, dense 4, relu, dens 2", {1, 2, 2}).starts_with("layer 3 is an unknown \"dens\""));
  CHECK(error_of("flatten, dense 4, relu,", {1, 2, 2}).starts_with("layer 3 of the network "));
}

TEST_CASE("network text: an unknown layer is named with its number and the nearest known one") {
  CHECK(error_of("relu, dens 4", {4}) == "layer 1 is an unknown \"dens\" (did you mean \"dense\"?)");
  CHECK(error_of("maxpool 2x2", {1, 4, 4}) ==
        "layer 0 is an unknown \"maxpool\" (did you mean \"max_pool\"?)");
  std::string activations;
  for (const ActivationInfo& info : kActivations) activations += info.name + std::string(", ");
  CHECK(activations.starts_with("relu, leaky_relu, tanh, sigmoid, "));
  CHECK(error_of("convolution 2", {4}) ==
        "layer 0 is an unknown \"convolution\" (known: dense, conv, max_pool, " + activations +
            "layer_norm, flatten, dueling)");
  CHECK(error_of("\x1b[31mdense 4", {4}).find('\x1b') == std::string::npos);
}

TEST_CASE("network text: what does not fit names the layer and both shapes") {
  CHECK(error_of("conv 16 3x3 stride 2, relu, dense 64", {3, 11, 11}) ==
        "layer 2 (dense 64) expects features (I) but gets (16,5,5): put flatten before it");
  CHECK(error_of("flatten, conv 2 3x3", {3, 4, 4}) ==
        "layer 1 (conv 2 3x3) expects an image (C,H,W) but gets (48)");
  CHECK(error_of("max_pool 2x2", {4}) == "layer 0 (max_pool 2x2) expects an image (C,H,W) but gets (4)");
  CHECK(error_of("layer_norm", {1, 2, 3}) ==
        "layer 0 (layer_norm) expects features (I) but gets (1,2,3): put flatten before it");
  CHECK(error_of("dueling 2", {1, 2, 3}) ==
        "layer 0 (dueling 2) expects features (I) but gets (1,2,3): put flatten before it");
  CHECK(error_of("conv 2 5x3 padding 1x0", {1, 2, 9}) ==
        "layer 0 (conv 2 5x3 padding 1x0) has a window of 5x3, which does not fit an image (1,2,9) with "
        "padding 1x0");
  CHECK(error_of("max_pool 3x3 padding 2", {1, 9, 9}) ==
        "layer 0 (max_pool 3x3 padding 2) has a padding of 2x2, more than half its window");
}

TEST_CASE("network text: bad numbers") {
  CHECK(error_of("dense 0", {4}) ==
        "layer 0 (dense 0) needs outputs, a whole number from 1 to 16777216, not \"0\"");
  for (const std::string text : {"dense -1",
                                 "dense 16777217",
                                 "dense 99999999999999999999999999",
                                 "dense 1.5",
                                 "dense 1e3",
                                 "dense +4",
                                 "dense 0x10",
                                 "dense four",
                                 "conv 0 3x3",
                                 "conv 2 0x3",
                                 "conv 2 3x0",
                                 "conv 2 3x-1",
                                 "conv 2 3",
                                 "conv 2 3x3x3",
                                 "conv 2 x",
                                 "conv 2 3x",
                                 "conv 2 x3",
                                 "conv 2 3x3 stride 0",
                                 "conv 2 3x3 stride 1x0",
                                 "conv 2 3x3 padding -1",
                                 "conv 2 3x3 stride 99999999999999999999",
                                 "max_pool 0x0",
                                 "max_pool 2",
                                 "leaky_relu nan",
                                 "leaky_relu inf",
                                 "leaky_relu -0.1",
                                 "leaky_relu 1.5",
                                 "leaky_relu 1e999",
                                 "leaky_relu 0.1x",
                                 "dueling 0",
                                 "dueling 2 hidden 0"}) {
    CAPTURE(text);
    CHECK(error_of(text, {1, 8, 8}).starts_with("layer 0 (" + text + ") "));
    CHECK(error_of(text, {1, 8, 8}).find("flatten") == std::string::npos);
  }
}

TEST_CASE("network text: missing and superfluous words") {
  CHECK(error_of("dense", {4}) == "layer 0 (dense) needs outputs after \"dense\"");
  CHECK(error_of("conv 2", {1, 4, 4}) == "layer 0 (conv 2) needs a kernel after \"2\"");
  CHECK(error_of("conv 2 3x3 stride", {1, 4, 4}) ==
        "layer 0 (conv 2 3x3 stride) needs a stride after \"stride\"");
  CHECK(error_of("dueling 2 hidden", {4}) ==
        "layer 0 (dueling 2 hidden) needs hidden features after \"hidden\"");
  CHECK(error_of("dense 4 5", {4}) == "layer 0 (dense 4 5) does not know what \"5\" means");
  CHECK(error_of("relu 5", {4}) == "layer 0 (relu 5) does not know what \"5\" means");
  CHECK(error_of("conv 2 3x3 padding 1 stride 2", {1, 4, 4}) ==
        "layer 0 (conv 2 3x3 padding 1 stride 2) does not know what \"stride\" means");
  CHECK(error_of("", {4}) == "layer 0 of the network \"\" is empty");
  CHECK(error_of("dense 4,", {4}) == "layer 1 of the network \"dense 4,\" is empty");
  CHECK(error_of("dense 4,, relu", {4}) == "layer 1 of the network \"dense 4,, relu\" is empty");
}

TEST_CASE("network text: sizes are capped, and none overflows") {
  CHECK(error_of("dense 16777216", {4}) == "no error");
  CHECK(error_of("dense 16777216, dense 129", {4}) ==
        "layer 1 (dense 129) brings the network to more than 2147483648 parameters");
  CHECK(error_of("dense 16777216, dense 16777216", {16777216}) ==
        "layer 0 (dense 16777216) brings the network to more than 2147483648 parameters");
  CHECK(error_of("conv 2 16777216x16777216 padding 16777216", {16777216, 1, 1}).starts_with("layer 0 "));
  CHECK(error_of("conv 1 1x1 padding 16777216", {1, 1, 1}) ==
        "layer 0 (conv 1 1x1 padding 16777216) has an output of shape (1,33554433,33554433), more than "
        "16777216 "
        "numbers");
  CHECK(error_of("conv 16777216 1x1", {1, 2, 1}).find("more than 16777216 numbers") != std::string::npos);
  CHECK(error_of("relu", {16777217}).find("more than 16777216 numbers") != std::string::npos);
  CHECK(error_of("flatten", {Index{1} << 40, Index{1} << 40, Index{1} << 40})
            .starts_with("layer 0 (flatten) "));
  CHECK(error_of(std::string(20'000, 'x'), {4}) ==
        "a network's text has 20000 characters, at most 16384 are possible");
  std::string many = "relu";
  for (int i = 0; i < 512; ++i) many += ",relu";
  CHECK(error_of(many, {4}) == "a network has more than 512 layers");
}

TEST_CASE("network text: inputs that no network takes") {
  CHECK(error_of("relu", {}) == "a network's input has the shape (), must be (I) or (C,H,W)");
  CHECK(error_of("relu", {2, 3}) == "a network's input has the shape (2,3), must be (I) or (C,H,W)");
  CHECK(error_of("relu", {1, 2, 3, 4}) ==
        "a network's input has the shape (1,2,3,4), must be (I) or (C,H,W)");
  CHECK(error_of("relu", {0}) == "a network's input has the shape (0), which is empty");
}

// Whatever the text, there is a network or an Error, and a network's canonical text gives it again.
TEST_CASE("network text: thousands of damaged texts") {
  const std::string good =
      "conv 4 3x3 stride 2 padding 1, leaky_relu 0.1, max_pool 2x2, flatten, dense 8, dueling 2 hidden 3";
  const std::string letters = " ,x0123456789.-edconvrelupadingst\t\xff";
  RandomSequence random({7, Purpose::kTest, 0});
  const auto below = [&](std::size_t n) {
    return uniform_index(random.word(), static_cast<std::uint32_t>(n));
  };
  int networks = 0;
  for (int trial = 0; trial < 5000; ++trial) {
    std::string text = good;
    for (std::uint32_t edits = 1 + below(2); edits > 0; --edits) {
      const std::size_t place = below(text.size());
      const char letter = letters[below(letters.size())];
      switch (below(4)) {
        case 0:
          text[place] = letter;
          break;
        case 1:
          text.insert(place, 1, letter);
          break;
        case 2:
          text.erase(place, 1 + below(3));
          break;
        default:
          text = text.substr(0, place) + text.substr(below(text.size()));
          break;
      }
      if (text.empty()) text = good;
    }
    CAPTURE(text);
    try {
      const Network network(text, {2, 9, 9});
      ++networks;
      CHECK(Network(network.text(), {2, 9, 9}).text() == network.text());
    } catch (const Error& error) {
      CHECK(std::string(error.what()).size() < 400);
    }
  }
  CHECK(networks > 100);
}

}  // namespace
}  // namespace bellman
