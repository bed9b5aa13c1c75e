// The command line that repeats a run.
#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "apps/settings/config_file.h"
#include "apps/settings/resolve.h"
#include "apps/settings/settings.h"

namespace bellman::test {
namespace {

using Words = std::vector<std::string>;

/// As a shell reads them: words between spaces, quotes taken away.
Words split(const std::string& text) {
  Words words;
  bool quoted = false, open = false;
  for (const char c : text) {
    if (c == '\'') {
      quoted = !quoted;
    } else if (c == ' ' && !quoted) {
      open = false;
      continue;
    }
    if (!open) words.emplace_back();
    open = true;
    if (c != '\'') words.back() += c;
  }
  return words;
}

/// What `bellman train` makes of the words.
TrainConfig config_of(const std::string& text) {
  const Words words = split(text);
  REQUIRE(words.size() >= 2);
  CHECK(words[0] + " " + words[1] == "bellman train");
  std::vector<Assignment> flags;
  std::optional<std::string> preset;
  for (std::size_t i = 2; i < words.size(); ++i) {
    std::string key = words[i].substr(2), value;
    if (key == "preset") {
      preset = words[++i];
      continue;
    }
    const bool off = key.starts_with("no-") && !find_setting(key);
    if (off) key.erase(0, 3);
    if (const std::size_t equals = key.find('='); equals != std::string::npos) {
      value = key.substr(equals + 1);
      key.erase(equals);
    } else {
      REQUIRE(find_setting(key));
      value = is_switch(*find_setting(key)) ? (off ? "false" : "true") : words[++i];
    }
    flags.push_back({find_setting(key), value, "--" + key, "flag"});
  }
  return resolve(flags, std::nullopt, preset).config;
}

TEST_CASE("the words of a configuration make it again, and are few for a preset") {
  struct Case {
    Words settings;  // "key=value"
    std::string preset;
    std::size_t most;  // words
  };
  for (const Case& c :
       {Case{{}, "auto", 2}, Case{{"env_id=FourRooms-v0", "observation=planes"}, "auto", 6},
        Case{{"env_id=FrozenLake-v1", "slippery=false", "gamma=0.5"}, "auto", 7}, Case{{}, "textbook", 4},
        Case{{"network=dense 8, relu"}, "cleanrl", 6}, Case{{}, "none", 4},
        Case{{"env_id=CliffWalking-v1", "max_episode_steps=-1", "learning_rate=0.003"}, "none", 8},
        Case{{"env_id=GridWorld-v0", "map=a 'b'; $c.txt", "slip=0.25"}, "auto", 10},
        Case{{"prioritized=true", "per_alpha=0.3", "double=true", "n_step=3"}, "auto", 8}}) {
    std::vector<Assignment> flags;
    for (const std::string& text : c.settings) {
      const std::size_t equals = text.find('=');
      flags.push_back({find_setting(text.substr(0, equals)), text.substr(equals + 1), "test", "test"});
    }
    TrainConfig config = resolve(flags, std::nullopt, c.preset).config;
    config.seed = 77;
    const std::string words = train_command(config);
    CAPTURE(words);
    CHECK(words.find("seed") == std::string::npos);
    if (words.find("\\") == std::string::npos) {  // an apostrophe is three words' worth of quotes
      CHECK(split(words).size() <= c.most);
      TrainConfig made = config_of(words);
      made.seed = config.seed;
      CHECK(config_file_text(made) == config_file_text(config));
    } else {
      CHECK(words.find("--map 'a '\\''b'\\''; $c.txt'") != std::string::npos);
    }
  }
}

}  // namespace
}  // namespace bellman::test
