// `bellman gradcheck`: what it prints. What it checks: network_gradient_check_test.cpp.

#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/apps/refusal.h"
#include "tests/apps/text_file.h"
#include "tests/support/parse_json.h"
#include "tests/support/run_command.h"

namespace bellman::test {
namespace {

using Json = nlohmann::json;

TEST_CASE("gradcheck passes for every kind of layer") {
  struct Case {
    std::string network, shape;
  };
  for (const Case& c : std::vector<Case>{
           {"dense 6, leaky_relu, layer_norm, dense 6, sigmoid, dueling 3", "5"},
           {"conv 3 3x3 stride 2 padding 1, tanh, max_pool 2x2, flatten, dense 4, relu, dueling 2 hidden 3",
            "2,6,7"},
           {"tanh", "3"}}) {
    CAPTURE(c.network);
    const CommandResult finished = run_bellman(
        {"gradcheck", "--network", c.network, "--input-shape", c.shape, "--samples", "30", "--json"});
    REQUIRE_MESSAGE(finished.exit_code == 0, finished.err);
    const Json json = parse_json(finished.out);
    CHECK(json["passed"] == true);
    for (const Json& tensor : json["tensors"]) {
      CHECK(tensor["relative_error"].get<double>() <= 1e-6);
      CHECK(tensor["compared"].get<int>() > 0);
    }
  }
}

TEST_CASE("gradcheck's table has a row for every layer's input and parameter") {
  const CommandResult finished =
      run_bellman({"gradcheck", "--network", "dense 5, relu, dense 2", "--seed", "9"});
  REQUIRE_MESSAGE(finished.exit_code == 0, finished.err);
  CHECK(finished.err.empty());
  int rows = 0;
  for (const std::string& line : lines_of(finished.out)) rows += line.ends_with("PASS");
  CHECK(rows == 7);  // input of three layers; weight and bias of two
  for (const char* word : {"dense 5, relu, dense 2", "0 dense 5: input (4,4), weight (5,4), bias (5)",
                           "1 relu", "PASS: 7 tensors"})
    CHECK(finished.out.find(word) != std::string::npos);
  CHECK(run_bellman({"gradcheck"}).exit_code == 0);
}

/// The README's networks, and what has the longest names.
const std::vector<std::vector<std::string>> kShown = {
    {},
    {"--network", "dense 120, relu, dense 84, relu"},
    {"--network", "conv 16 3x3 stride 1 padding 1, relu, max_pool 2x2, flatten, dense 64, relu, dense 4",
     "--input-shape", "1,8,8"},
    {"--network", "dense 64, layer_norm, tanh, dueling hidden 32"},
    {"--network", "dense 64, layer_norm, tanh, dueling hidden 32", "--actions", "6"},
    {"--network", "conv 4 3x3, relu, flatten, dueling 2", "--input-shape", "1,6,6"},
    {"--network", "conv 32 8x8 stride 4, relu, conv 64 4x4 stride 2, relu, flatten, dueling 18 hidden 512",
     "--input-shape", "4,44,44", "--samples", "2", "--batch", "1"}};

TEST_CASE("what gradcheck prints of README's networks passes and fits 80 columns") {
  for (const std::vector<std::string>& arguments : kShown) {
    CAPTURE((arguments.empty() ? "" : arguments[1]));
    const CommandResult finished = run_bellman(Words{"gradcheck"} + arguments);
    REQUIRE_MESSAGE(finished.exit_code == 0, finished.out);
    CHECK(finished.out.find("\nPASS: ") != std::string::npos);
    for (const std::string& line : lines_of(finished.out)) {
      CAPTURE(line);
      CHECK(line.size() <= 80);
    }
  }
}

TEST_CASE("gradcheck's dueling head has the actions that --actions says where the network does not") {
  const auto network_of = [](const Words& arguments) {
    const CommandResult finished = run_bellman(Words{"gradcheck", "--json"} + arguments);
    REQUIRE_MESSAGE(finished.exit_code == 0, finished.err);
    return parse_json(finished.out)["network"].get<std::string>();
  };
  CHECK(network_of({"--network", "tanh, dueling hidden 3"}) == "tanh, dueling 2 hidden 3");
  CHECK(network_of({"--network", "dueling", "--actions", "5"}) == "dueling 5");
  CHECK(network_of({"--network", "dueling 3 hidden 2", "--actions", "5"}) == "dueling 3 hidden 2");
  CHECK(network_of({"--network", "dense 3", "--actions", "5"}) == "dense 3");
}

TEST_CASE("gradcheck counts corners, and calls a vacuous pass by its name") {
  const CommandResult tied = run_bellman({"gradcheck", "--network", "relu, relu, dense 1"});
  CHECK(tied.exit_code == 0);
  CHECK(tied.out.find(" at kinks.") != std::string::npos);
  CHECK(tied.out.find(" 0 at kinks.") == std::string::npos);
  CHECK(tied.out.find("vacuously") == std::string::npos);
  const CommandResult one = run_bellman({"gradcheck", "--network", "dense 1, layer_norm"});
  CHECK(one.exit_code == 0);
  CHECK(one.out.find("5 tensors pass vacuously") != std::string::npos);
  CHECK(one.out.find("VACUOUS PASS") == std::string::npos);
  const Words nothing = {"gradcheck", "--network", "dense 1, layer_norm, relu, relu", "--batch", "1"};
  bool found = false;
  for (int seed = 1; seed <= 8; ++seed) {
    const CommandResult text = run_bellman(nothing + Words{"--seed", std::to_string(seed)});
    const CommandResult json = run_bellman(nothing + Words{"--seed", std::to_string(seed), "--json"});
    CHECK(text.exit_code == 0);
    const bool vacuous = text.out.find("VACUOUS PASS") != std::string::npos;
    CHECK(parse_json(json.out)["vacuous"] == vacuous);
    found = found || vacuous;
  }
  CHECK(found);
}

TEST_CASE("gradcheck refuses bad input") {
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"gradcheck", "--network", "dense 4, rleu"},
                                             {"gradcheck", "--network", "conv 4 3x3"},
                                             {"gradcheck", "--network", ""},
                                             {"gradcheck", "--input-shape", "4,0,4"},
                                             {"gradcheck", "--input-shape", "4,4"},
                                             {"gradcheck", "--input-shape", "1048576,1048576,1048576"},
                                             {"gradcheck", "--batch", "0"},
                                             {"gradcheck", "--samples", "none"},
                                             {"gradcheck", "--seed", "1.5"}}) {
    CAPTURE(arguments.back());
    const CommandResult finished = run_bellman(arguments);
    CAPTURE(finished.err);
    CHECK(refused(finished));
  }
}

}  // namespace
}  // namespace bellman::test
