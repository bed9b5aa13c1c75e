// `bellman infer`: what PyTorch computes for the models that it wrote, and clear refusals of all other
// input.

#include <cmath>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include "core/io/files.h"
#include "tests/apps/commands/test_models.h"
#include "tests/apps/refusal.h"
#include "tests/apps/text_file.h"
#include "tests/support/parse_json.h"
#include "tests/support/run_command.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_data.h"

namespace bellman::test {
namespace {

using Json = nlohmann::json;

const std::string kData = (test_data() / "infer").string() + "/";
const std::string kMlp = kData + "mlp.safetensors";
const std::string kConv = kData + "conv.safetensors";
const std::string kMlpNetwork = "dense 16, relu, dense 8, tanh, dense 2";
const std::string kConvNetwork = "conv 4 3x3 padding 1, relu, max_pool 2x2, flatten, dense 3";

Json expected() { return parse_json(read_file(kData + "expected.json", 1 << 20)); }

/// float32 inference against float64: a few hundred roundings of 6e-8 each at most.
void check_rows_close(const Json& actual, const Json& wanted, double bound = 5e-6) {
  REQUIRE(actual.size() == wanted.size());
  for (std::size_t row = 0; row < wanted.size(); ++row) {
    REQUIRE(actual[row].size() == wanted[row].size());
    for (std::size_t i = 0; i < wanted[row].size(); ++i) {
      CAPTURE(row);
      CAPTURE(i);
      CHECK(std::abs(actual[row][i].get<double>() - wanted[row][i].get<double>()) <= bound);
    }
  }
}

TEST_CASE("infer gives the Q-values that PyTorch gives for its own file") {
  const Json golden = expected();
  CHECK(golden["mlp"]["network"] == kMlpNetwork);
  const CommandResult mlp = run_bellman({"infer", "--checkpoint", kMlp, "--network", kMlpNetwork, "--obs",
                                         golden["mlp"]["observations"].dump()});
  REQUIRE_MESSAGE(mlp.exit_code == 0, mlp.err);
  CHECK(mlp.err.empty());
  check_rows_close(parse_json(mlp.out), golden["mlp"]["q_values"]);

  const CommandResult conv =
      run_bellman({"infer", "--checkpoint", kConv, "--network", kConvNetwork, "--input-shape", "2,4,6",
                   "--obs", golden["conv"]["observations"].dump()});
  REQUIRE_MESSAGE(conv.exit_code == 0, conv.err);
  check_rows_close(parse_json(conv.out), golden["conv"]["q_values"]);
}

TEST_CASE("infer takes PyTorch's weights of half precision") {
  const Json golden = expected();
  const CommandResult half = run_bellman({"infer", "--checkpoint", kData + "half.safetensors", "--network",
                                          kMlpNetwork, "--obs", golden["mlp"]["observations"].dump()});
  REQUIRE_MESSAGE(half.exit_code == 0, half.err);
  CHECK(half.err.find("numbers of type F16 are read as F32") != std::string::npos);
  // Each weight is rounded by at most 2^-11 of itself; three layers of at most 16 terms of magnitude 1.
  check_rows_close(parse_json(half.out), golden["mlp"]["q_values"], 48 * 0x1p-11);
}

TEST_CASE("infer reads observations from a file and from standard input, flat or nested") {
  const TemporaryDirectory folder;
  const Json golden = expected();
  Json nested = Json::array();
  for (const Json& flat : golden["conv"]["observations"]) {
    Json image = Json::array();
    for (std::size_t c = 0; c < 2; ++c) {
      image.push_back(Json::array());
      for (std::size_t h = 0; h < 4; ++h) {
        image[c].push_back(Json::array());
        for (std::size_t w = 0; w < 6; ++w) image[c][h].push_back(flat[(c * 4 + h) * 6 + w]);
      }
    }
    nested.push_back(image);
  }
  const std::vector<std::string> command = {"infer",      "--checkpoint",  kConv,   "--network",
                                            kConvNetwork, "--input-shape", "2,4,6", "--obs"};
  auto from_file = command, from_input = command;
  from_file.push_back("@" + written(folder / "obs.json", nested.dump(2)));
  from_input.push_back("-");
  const CommandResult a = run_bellman(from_file);
  const CommandResult b = run_bellman(from_input, {.input = golden["conv"]["observations"].dump()});
  REQUIRE_MESSAGE(a.exit_code == 0, a.err);
  REQUIRE_MESSAGE(b.exit_code == 0, b.err);
  CHECK(a.out == b.out);
  check_rows_close(parse_json(a.out), golden["conv"]["q_values"]);
}

TEST_CASE("infer of a model of our own needs no network and normalises as in training") {
  const TemporaryDirectory folder;
  Model model = linear_model("CartPole-v1", 4, 2, {1, 0, 0, 0, 0, 1, 0, 0}, {0.5F, 0});
  const std::string plain = saved(model, folder / "plain.safetensors");
  model.observation_mean = {1, 0, 0, 0};
  model.observation_variance = {4, 1, 1, 1};
  const std::string normalised = saved(model, folder / "normalised.safetensors");

  const CommandResult raw =
      run_bellman({"infer", "--checkpoint", plain, "--obs", "[[0.1,0.3,0,0],[3,-2,1,1]]"});
  CHECK(raw.out == "[[0.6,0.3],[3.5,-2]]\n");
  const CommandResult scaled =
      run_bellman({"infer", "--checkpoint", normalised, "--obs", "[[3,-2,0,0]]", "--json"});
  REQUIRE_MESSAGE(scaled.exit_code == 0, scaled.err);
  const Json json = parse_json(scaled.out);
  CHECK(json["q_values"][0][0].get<double>() == doctest::Approx(1.5).epsilon(1e-6));
  CHECK(json["q_values"][0][1].get<double>() == doctest::Approx(-2.0).epsilon(1e-6));
  CHECK(json["actions"] == Json::array({0}));
  CHECK(json["network"] == "dense 2");
}

TEST_CASE("more rows than one pass takes are answered in parts") {
  const TemporaryDirectory folder;
  const std::string path =
      saved(linear_model("CartPole-v1", 4, 2, {1, 0, 0, 0, 0, 1, 0, 0}, {0, 0}), folder / "m.safetensors");
  Json rows = Json::array();
  for (int i = 0; i < 2500; ++i) rows.push_back({i, -i, 0, 0});
  const CommandResult finished =
      run_bellman({"infer", "--checkpoint", path, "--obs", "@" + written(folder / "rows.json", rows.dump())});
  REQUIRE_MESSAGE(finished.exit_code == 0, finished.err);
  const Json q = parse_json(finished.out);
  REQUIRE(q.size() == 2500);
  for (int i = 0; i < 2500; ++i) CHECK(q[static_cast<std::size_t>(i)] == Json::array({i, -i}));
}

TEST_CASE("infer refuses hostile observations, naming the row") {
  const auto refused = [](const std::string& observations, const std::vector<std::string>& words) {
    CAPTURE(observations.substr(0, 60));
    check_refused({"infer", "--checkpoint", kMlp, "--network", kMlpNetwork, "--obs", observations}, words);
  };
  refused("[[0,0,0,0],[0,0,0]]", {"row 1", "3 numbers", "4", "(4)"});
  refused("[[0,0,0,0,0]]", {"row 0", "more than 4 numbers"});
  refused("[[0,0,0,0],[]]", {"row 1", "0 numbers"});
  refused("[[0,0,NaN,0]]", {"row 0", "JSON"});
  refused("[[0,0,0,0],[0,0,0,1e999]]", {"row 1", "1e999"});
  refused("[[0,0,0,0],[0,1e39,0,0]]", {"row 1", "1e39", "element 1"});
  refused("[[0,\"1\",0,0]]", {"row 0", "element 1", "no number"});
  refused("[[0,null,0,0]]", {"row 0", "null"});
  refused("[[0,0,0,true]]", {"row 0", "true"});
  refused("[[0,0,{\"a\":1},0]]", {"row 0", "object"});
  refused("[[0,0,[0],0]]", {"row 0", "mixes"});
  refused("[[[0,0,0,0]]]", {"row 0", "deeper"});
  refused("[0,0,0,0]", {"row 0", "expected an array"});
  refused("0", {"expected an array of rows"});
  refused("[]", {"no rows"});
  refused("", {"--obs"});
  refused("[[0,0,0,0]", {"JSON"});
  refused("[[0,0,0,0]] 1", {"JSON"});
  refused(std::string(100000, '['), {"row 0", "deeper"});
  refused("@" + kData + "missing.json", {"missing.json", "No such file"});
}

TEST_CASE("infer reads no more of a device, a pipe or an endless text than it needs to refuse it") {
  const TemporaryDirectory folder;
  const std::string pipe = (folder / "pipe").string();
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  const Words command = {"infer", "--checkpoint", kMlp, "--network", kMlpNetwork, "--obs"};
  check_refused(command + Words{"@/dev/zero"}, {"/dev/zero: is a device"});
  check_refused(command + Words{"@" + pipe}, {"pipe: is a pipe to which nobody writes"});
  check_refused({"infer", "--checkpoint", pipe, "--obs", "[[0]]"}, {"pipe: is not a regular file"});
  check_refused({"inspect", pipe}, {"pipe: is not a regular file"});
  check_refused({"train", "--config", pipe}, {"pipe: is a pipe to which nobody writes"});
  check_refused({"train", "--env-id", "GridWorld-v0", "--map", pipe}, {pipe});
  for (const char* endless : {"cat /dev/zero", "yes", "yes 0,"}) {
    CAPTURE(endless);
    const std::string line = std::string("(printf '[['; ") + endless + ") | '" + BELLMAN_COMMAND +
                             "' infer --checkpoint '" + kMlp + "' --network '" + kMlpNetwork + "' --obs -";
    const CommandResult finished = run_program("/bin/sh", {"-c", line});
    CHECK(finished.exit_code == 2);
    CHECK(finished.err.find("standard input: ") != std::string::npos);
  }
}

TEST_CASE("infer skips a byte-order mark, and names UTF-16") {
  const TemporaryDirectory folder;
  const Words command = {"infer", "--checkpoint", kMlp, "--network", kMlpNetwork, "--obs"};
  const CommandResult plain = run_bellman(command + Words{"[[1,2,3,4]]"});
  const CommandResult marked =
      run_bellman(command + Words{"@" + written(folder / "marked.json", "\xef\xbb\xbf[[1,2,3,4]]")});
  REQUIRE_MESSAGE(marked.exit_code == 0, marked.err);
  CHECK(marked.out == plain.out);
  check_refused(command + Words{"@" + written(folder / "wide.json", std::string("\xff\xfe[\0[\0", 6))},
                {"wide.json", "UTF-16"});
}

TEST_CASE("infer refuses files that are no model of that network, naming file and tensor") {
  const TemporaryDirectory folder;
  std::ifstream in(kMlp, std::ios::binary);
  const std::string whole{std::istreambuf_iterator<char>(in), {}};
  const std::string cut = written(folder / "cut.safetensors", whole.substr(0, whole.size() - 40));
  const std::string text = written(folder / "text.safetensors", "this is no model");
  const std::string row = "[[0,0,0,0]]";

  check_refused({"infer", "--checkpoint", (folder / "none").string(), "--obs", row},
                {"none", "No such file"});
  check_refused({"infer", "--checkpoint", cut, "--network", kMlpNetwork, "--obs", row}, {"cut.safetensors"});
  check_refused({"infer", "--checkpoint", text, "--network", kMlpNetwork, "--obs", row},
                {"text.safetensors"});
  check_refused({"infer", "--checkpoint", kMlp, "--obs", row}, {"mlp.safetensors", "--network"});
  check_refused(
      {"infer", "--checkpoint", kMlp, "--network", "dense 16, relu, dense 9, tanh, dense 2", "--obs", row},
      {"mlp.safetensors", "2.weight"});
  check_refused({"infer", "--checkpoint", kMlp, "--network", "dense 16, rleu, dense 2", "--obs", row},
                {"rleu", "relu"});
  check_refused({"infer", "--checkpoint", kConv, "--network", kConvNetwork, "--obs", row},
                {"--input-shape 2,H,W"});
  check_refused(
      {"infer", "--checkpoint", kConv, "--network", kConvNetwork, "--input-shape", "2,4", "--obs", row},
      {"--input-shape", "2,4"});
  check_refused({"infer", "--checkpoint", kMlp}, {"--obs"});
  check_refused({"infer", "--checkpoin", kMlp, "--obs", row}, {"--checkpoin", "did you mean"});
}

TEST_CASE("weights that are not finite are refused") {
  const TemporaryDirectory folder;
  const std::string path =
      saved(linear_model("CartPole-v1", 4, 2, {1, 0, 0, std::nanf(""), 0, 1, 0, 0}, {0, 0}),
            folder / "nan.safetensors");
  check_refused({"infer", "--checkpoint", path, "--obs", "[[0,0,0,0]]"}, {"nan.safetensors", "0.weight"});
}

TEST_CASE("a network in a file that cannot be built is an error that names the file") {
  const TemporaryDirectory folder;
  Model model = linear_model("CartPole-v1", 4, 2, {1, 1, 0, 0, 0, 1, 0, 0}, {0, 0});
  model.network = "dense 2, rleu";
  const std::string path = saved(model, folder / "m.safetensors");
  check_refused({"infer", "--checkpoint", path, "--obs", "[[0,0,0,0]]"}, {"m.safetensors", "rleu"});
}

TEST_CASE("a small file that claims a huge network costs no memory") {
  const TemporaryDirectory folder;
  Model model = linear_model("CartPole-v1", 4, 2, {1, 1, 0, 0, 0, 1, 0, 0}, {0, 0});
  model.network = "dense 16000, dense 100000, dense 2";
  const std::string path = saved(model, folder / "m.safetensors");
  check_refused({"infer", "--checkpoint", path, "--obs", "[[0,0,0,0]]"},
                {"m.safetensors", "10 numbers", "1600380002"});
}

TEST_CASE("Q-values beyond what a float holds are an error, not a null") {
  const TemporaryDirectory folder;
  const std::string path =
      saved(linear_model("CartPole-v1", 4, 2, {1, 1, 0, 0, 0, 1, 0, 0}, {0, 0}), folder / "m.safetensors");
  CHECK(run_bellman({"infer", "--checkpoint", path, "--obs", "[[3e38,-3e38,0,0]]"}).exit_code == 0);
  check_refused({"infer", "--checkpoint", path, "--obs", "[[0,0,0,0],[3e38,3e38,0,0]]"},
                {"m.safetensors", "row 1", "inf"});
}

}  // namespace
}  // namespace bellman::test
