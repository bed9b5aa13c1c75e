// `bellman gradcheck`: passes for what is right, and fails where something is wrong.

#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "apps/network_gradient_check.h"
#include "core/reference/reference_backend.h"
#include "tests/apps/refusal.h"
#include "tests/apps/text_file.h"
#include "tests/support/parse_json.h"
#include "tests/support/run_command.h"

namespace bellman::test {
namespace {

using Json = nlohmann::json;

/// tanh' = 1 - y^2, here without the square.
class WrongTanh final : public ReferenceBackend<double> {
 public:
  void tanh_backward(Out dx, In dy, In y) override {
    for (std::size_t i = 0; i < dx.host().size(); ++i) dx.host()[i] = dy.host()[i] * (1 - y.host()[i]);
  }
};

/// Overwrites the biases' gradients by zero instead of adding to them.
class ForgottenBias final : public ReferenceBackend<double> {
 public:
  void dense_backward(Out dx, Out dw, Out db, In dy, In x, In w) override {
    ReferenceBackend<double>::dense_backward(dx, dw, db, dy, x, w);
    fill(db, 0.0);
  }
};

std::set<std::string> failing(BasicBackend<double>& backend, const std::string& text) {
  const BasicNetwork<double> network(text, {4});
  std::set<std::string> names;
  for (const TensorGradientCheck& t : check_network_gradients(backend, network, {}).tensors)
    if (!t.passed) names.insert(std::to_string(t.layer) + "." + t.name);
  return names;
}

TEST_CASE("a wrong derivative fails in every layer that it flows back to, and in no other") {
  const std::string text = "dense 8, tanh, dense 8, relu, dense 2";
  ReferenceBackend<double> right;
  CHECK(failing(right, text).empty());
  WrongTanh wrong_tanh;
  CHECK(failing(wrong_tanh, text) == std::set<std::string>{"0.input", "0.weight", "0.bias", "1.input"});
  ForgottenBias forgotten_bias;
  CHECK(failing(forgotten_bias, text) == std::set<std::string>{"0.bias", "2.bias", "4.bias"});
}

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
  for (const char* word :
       {"dense 5, relu, dense 2", "(5,4)", "0 dense 5", "1 relu", "weight", "PASS: 7 tensors"})
    CHECK(finished.out.find(word) != std::string::npos);
  CHECK(run_bellman({"gradcheck"}).exit_code == 0);
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
