// `bellman envs`: which environments there are, and what they look like.

#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "envs/env.h"
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

}  // namespace
}  // namespace bellman::test
