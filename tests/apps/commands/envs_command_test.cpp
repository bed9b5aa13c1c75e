// `bellman envs`: which environments there are, and what they look like.

#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "envs/env.h"
#include "rl/log/metric_sink.h"
#include "tests/apps/refusal.h"
#include "tests/apps/text_file.h"
#include "tests/support/parse_json.h"
#include "tests/support/run_command.h"
#include "tests/support/temporary_directory.h"

namespace bellman::test {
namespace {

using Json = nlohmann::json;

TEST_CASE("envs lists every environment and bundled map") {
  const CommandResult table = run_bellman({"envs"});
  REQUIRE_MESSAGE(table.exit_code == 0, table.err);
  const CommandResult finished = run_bellman({"envs", "--json"});
  REQUIRE_MESSAGE(finished.exit_code == 0, finished.err);
  const Json json = parse_json(finished.out);
  REQUIRE(json["environments"].size() == env_entries().size());
  for (std::size_t i = 0; i < env_entries().size(); ++i) {
    CHECK(json["environments"][i]["env_id"] == env_entries()[i].id);
    CHECK(table.out.find(env_entries()[i].id) != std::string::npos);
    CHECK(table.out.find(env_entries()[i].summary) != std::string::npos);
  }
  CHECK(json["environments"][0]["observation_shape"] == Json::array({4}));
  CHECK(json["environments"][0]["reward_threshold"] == 475);
  for (const Json& map : json["bundled_maps"]) {
    const std::string name = map["name"];
    CHECK(table.out.find(name) != std::string::npos);
  }
}

TEST_CASE("envs draws a map, bundled or from a file, and tells of one environment") {
  const TemporaryDirectory folder;
  const std::string path = written(folder / "small.txt", "#####\n#S.G#\n#####\n");
  const CommandResult file = run_bellman({"envs", "--map", path});
  REQUIRE_MESSAGE(file.exit_code == 0, file.err);
  CHECK(file.out.find("#S.G#") != std::string::npos);
  CHECK(run_bellman({"envs", "--map", "four_rooms"}).exit_code == 0);

  const CommandResult cartpole = run_bellman({"envs", "--env-id", "CartPole-v1"});
  REQUIRE_MESSAGE(cartpole.exit_code == 0, cartpole.err);
  CHECK(cartpole.out.find("500") != std::string::npos);

  const CommandResult startless =
      run_bellman({"envs", "--map", written(folder / "bad.txt", "#####\n#..G#\n#####\n")});
  CHECK(refused(startless));
  CHECK(startless.err.find("bad.txt") != std::string::npos);
  CHECK(refused(run_bellman({"envs", "--env-id", "CartPole-v7"})));
}

TEST_CASE("envs says what each element of an observation is, and what the columns of a run's files are") {
  const auto output = [](const std::vector<std::string>& words) {
    const CommandResult result = run_bellman(words);
    REQUIRE_MESSAGE(result.exit_code == 0, result.err);
    return result.out;
  };
  const std::string cartpole = output({"envs", "--env-id", "CartPole-v1"});
  for (const char* const part :
       {"cart position, m", "cart velocity, m/s", "pole angle, rad", "angular velocity, rad/s"})
    CHECK(cartpole.find(part) != std::string::npos);
  CHECK(output({"envs", "--env-id", "FrozenLake-v1"}).find("row * 4 + column") != std::string::npos);
  CHECK(output({"envs", "--env-id", "CliffWalking-v1", "--observation", "coordinates"})
            .find("the agent's column, from 0") != std::string::npos);
  const std::string planes = output({"envs", "--env-id", "FourRooms-v0", "--observation", "planes"});
  for (int plane = 0; plane < 5; ++plane)
    CHECK(planes.find("plane " + std::to_string(plane)) != std::string::npos);
  CHECK(planes.find("plane 5") == std::string::npos);
  for (const EnvEntry& entry : env_entries()) {
    EnvOptions options;
    options.id = entry.id;
    CHECK_FALSE(observation_parts(options).empty());
  }
  const std::string columns = output({"envs", "--columns"});
  for (std::size_t i = 0; i < kScalarNames.size(); ++i) {
    CHECK(columns.find(kScalarNames[i]) != std::string::npos);
    CHECK(columns.find(kScalarMeanings[i]) != std::string::npos);
  }
  CHECK(refused(run_bellman({"envs", "--columns", "--json"})));
}

}  // namespace
}  // namespace bellman::test
