#include "apps/settings/config_file.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <string>
#include <type_traits>

#include <doctest/doctest.h>

#include "core/base/rng.h"
#include "core/base/text.h"
#include "tests/support/error_message.h"
#include "tests/support/temporary_directory.h"

namespace bellman::test {
namespace {

/// Reads `text` as the file "run.toml" and applies it to the defaults.
class File {
 public:
  explicit File(const std::string& text) { std::ofstream(path()) << text; }
  std::filesystem::path path() const { return directory_ / "run.toml"; }
  TrainConfig config() const {
    TrainConfig config;
    for (const Assignment& a : read_config_file(path()).assignments) apply(config, a);
    return config;
  }
  /// The message, with the directory cut off its front.
  std::string complaint() const {
    const std::string message = error_message([&] { config(); });
    const std::string front = path().parent_path().string() + "/";
    CHECK_MESSAGE(message.starts_with(front), message);
    return message.substr(std::min(front.size(), message.size()));
  }

 private:
  TemporaryDirectory directory_;
};

/// A value at random, as extreme as the setting allows.
std::string random_value(const Setting& setting, const TrainConfig& defaults, RandomSequence& random) {
  TrainConfig config = defaults;
  return std::visit(
      [&]<class T>(const T* /*member*/) -> std::string {
        if constexpr (std::is_same_v<T, bool>) {
          return random.word() % 2 == 0 ? "true" : "false";
        } else if constexpr (std::is_same_v<T, std::uint64_t>) {
          return std::to_string(static_cast<std::uint64_t>(random.word()) << 32 | random.word());
        } else if constexpr (std::is_same_v<T, std::string>) {
          constexpr const char* kPieces[] = {"a",
                                             " ",
                                             "\"",
                                             "'",
                                             "\\",
                                             "#",
                                             "=",
                                             "[",
                                             "]",
                                             "{",
                                             "}",
                                             ",",
                                             ".",
                                             "\xc3\xa9",
                                             "\xe2\x82\xac",
                                             "\xf0\x9f\x90\x98",
                                             "1"};
          std::string text;
          for (std::uint32_t n = random.word() % 20; n > 0; --n)
            text += kPieces[random.word() % std::size(kPieces)];
          return text;
        } else if constexpr (std::is_floating_point_v<T>) {
          if (!setting.nan_word.empty() && random.word() % 4 == 0) return std::string(setting.nan_word);
          const double uniform = random.uniform(setting.range.minimum, setting.range.maximum);
          const double tiny = std::ldexp(random.uniform(0.5, 1.0), -static_cast<int>(random.word() % 300));
          // Among those of a range up to 10^30: such as are written without a point, and no integer of TOML.
          const double smaller = std::ldexp(uniform, -static_cast<int>(random.word() % 64));
          const std::array<double, 3> values = {
              uniform, smaller, std::clamp(tiny, setting.range.minimum, setting.range.maximum)};
          return number_text(values[random.word() % values.size()]);
        } else if constexpr (std::is_integral_v<T>) {
          return std::to_string(
              static_cast<Index>(random.uniform(setting.range.minimum, setting.range.maximum)));
        } else {
          return value_text(config, setting);  // choices: all of them below
        }
      },
      setting.place(config));
}

bool same_bits(const TrainConfig& a, const TrainConfig& b, const Setting& setting) {
  TrainConfig x = a, y = b;
  return std::visit(
      [&]<class T>(const T* left) {
        const T* right = std::get<T*>(setting.place(y));
        if constexpr (std::is_same_v<T, double>) {
          if (std::isnan(*left)) return std::isnan(*right);
          return std::bit_cast<std::uint64_t>(*left) == std::bit_cast<std::uint64_t>(*right);
        } else {
          return *left == *right;
        }
      },
      SettingPlace(setting.place(x)));
}

TEST_CASE("config.toml reads back to the same run, to the last bit") {
  RandomSequence random({1, Purpose::kTest, 0});
  for (int run = 0; run < 200; ++run) {
    TrainConfig written;
    for (const Setting& setting : settings())
      assign(written, setting, setting.key, random_value(setting, TrainConfig(), random));
    written.initialiser = static_cast<Initialiser>(run % 4);
    written.optimizer = static_cast<OptimizerKind>(run / 4 % 4);
    written.loss = static_cast<LossKind>(run % 2);
    written.exploration_schedule = static_cast<ExplorationSchedule>(run / 2 % 2);
    const TrainConfig read = File(config_file_text(written)).config();
    for (const Setting& setting : settings())
      CHECK_MESSAGE(
          (missing_condition(setting, written) || same_bits(written, read, setting)),
          setting.key << ": " << value_text(written, setting) << " became " << value_text(read, setting));
  }
}

TEST_CASE(
    "a real number is written with a point or a power of ten: as a whole one TOML may have none for it") {
  const auto line_of = [](double value) {
    TrainConfig written;
    written.solved_return = value;
    const std::string text = config_file_text(written);
    const double read = File(text).config().solved_return;
    CHECK(std::bit_cast<std::uint64_t>(read) == std::bit_cast<std::uint64_t>(value));
    const std::size_t at = text.find("solved_return");
    return text.substr(at, text.find('\n', at) - at);
  };
  CHECK(line_of(475) == "solved_return = 475.0");
  CHECK(line_of(-0.0) == "solved_return = -0.0");
  CHECK(line_of(47563378519247563369.23) == "solved_return = 47563378519247560704.0");
  CHECK(line_of(-1e25) == "solved_return = -1e+25");
}

TEST_CASE("config.toml has what does not apply to the run as a comment, with the reason") {
  const std::string text = config_file_text(TrainConfig());
  CHECK(text.find("\n# momentum = 0.0  # only with optimizer rmsprop or sgd\n") != std::string::npos);
  CHECK(text.find("\n# slippery = true  # only with env_id FrozenLake\n") != std::string::npos);
  CHECK(text.find("\noptimizer_epsilon = 1e-08\n") != std::string::npos);
  for (const Setting& setting : settings())
    CHECK(text.find("\n" + std::string(missing_condition(setting, TrainConfig()) ? "# " : "") +
                    file_key(setting) + " = ") != std::string::npos);
}

TEST_CASE("config.toml takes no values from presets when it is read back") {
  CHECK(read_config_file(File(config_file_text(TrainConfig())).path()).preset == "none");
}

TEST_CASE("a file of Stable-Baselines3's names") {
  const TrainConfig config = File(R"(
    # rl-zoo3's CartPole
    n_timesteps = 5e4
    train_freq = 256
    gradient_steps = 128
    target_update_interval = 10
    exploration_final_eps = 0.04
    exploration_fraction = 0.16
    learning_rate = 2.3e-3
    gamma = 1
    double = true
    solved_return = "auto"
    network = 'dense 256, relu, dense 256, relu'
  )")
                                 .config();
  CHECK(config.total_timesteps == 50'000);
  CHECK(config.train_frequency == 256);
  CHECK(config.gradient_steps == 128);
  CHECK(config.target_network_frequency == 10);
  CHECK(config.end_e == 0.04);
  CHECK(config.exploration_fraction == 0.16);
  CHECK(config.learning_rate == 2.3e-3);
  CHECK(config.gamma == 1.0);
  CHECK(config.double_dqn);
  CHECK(config.network == "dense 256, relu, dense 256, relu");
}

TEST_CASE("what is wrong with a file is named with its line and key") {
  struct Bad {
    const char* text;
    const char* expected;
  };
  const Bad kBad[] = {
      {"gamma = 0.9\nlerning_rate = 1\n",
       "run.toml:2: unknown key \"lerning_rate\" (did you mean \"learning_rate\"?)"},
      {"completely_different = 1\n", "run.toml:1: unknown key \"completely_different\"; "},
      {"gamma = \"0.9\"\n", "run.toml:1: gamma: a number is expected, and this is a text"},
      {"\n\nbatch_size = 0\n", "run.toml:3: batch_size: 0 is out of range"},
      {"batch_size = 1.5\n", "run.toml:1: batch_size: \"1.5\" is not a whole number"},
      {"batch_size = [1]\n", "batch_size: a number is expected, and this is an array"},
      {"gamma = nan\n", "run.toml:1: gamma: \"nan\" is not a finite number"},
      {"gamma = inf\n", "run.toml:1: gamma: \"inf\" is not a finite number"},
      {"double = 1\n", "run.toml:1: double: true or false is expected, and this is a whole number"},
      {"network = 64\n", "run.toml:1: network: a text in quotes is expected, and this is a whole number"},
      {"loss = \"l2\"\n", "run.toml:1: loss: unknown \"l2\""},
      {"loss = true\n", "loss: a text in quotes is expected, and this is a truth value"},
      {"network = \"a\\u0007b\"\n", "run.toml:1: network: a text holds no line ends or control characters"},
      {"train_frequency = 1\ntrain_freq = 2\n", "\"train_freq"},
      {"[exploration]\nstart_e = 1\n", "run.toml:1: \"[exploration]\": settings are flat lines"},
      {"gamma = \n", "run.toml:1: "},
      {"gamma = 0.9\ngamma = 0.8\n", "run.toml:2: "},
      {"seed = 99999999999999999999\n", "run.toml:1: "},
      {"preset = 3\n", "run.toml:1: preset: a text in quotes is expected"},
      {"gamma = 1979-05-27\n", "gamma: a number is expected, and this is a date or time"},
      {"\xff\xfe", "run.toml: is UTF-16"},
  };
  for (const Bad& bad : kBad) {
    const std::string complaint = File(bad.text).complaint();
    CHECK_MESSAGE(complaint.find(bad.expected) != std::string::npos, complaint);
  }
}

TEST_CASE("a file that is not there, or no file, or too long") {
  const TemporaryDirectory directory;
  const auto complaint = [](const std::filesystem::path& path) {
    return error_message([&] { read_config_file(path); });
  };
  CHECK(complaint(directory / "none.toml").find("none.toml") != std::string::npos);
  CHECK(complaint(directory.path()).find(directory.path().string()) != std::string::npos);
  std::ofstream(directory / "long.toml") << std::string((1 << 20) + 1, '#');
  CHECK(complaint(directory / "long.toml").find("long.toml") != std::string::npos);
}

TEST_CASE("a byte-order mark is skipped, UTF-16 is named") {
  CHECK(File("\xef\xbb\xbfgamma = 0.5\n").config().gamma == 0.5);
  CHECK(File("\xef\xbb\xbf\ngama = 0.5\n").complaint().starts_with("run.toml:2: unknown key \"gama\""));
  CHECK(File(std::string("\xff\xfeg\0=\0", 6)).complaint() ==
        "run.toml: is UTF-16 by its byte-order mark: save it as UTF-8");
  CHECK(File(std::string("gamma = 0.5\n\0", 13)).complaint() ==
        "run.toml: byte 13 is NUL, which no text has");
}

TEST_CASE("deep nesting ends in a message, not in a crash") {
  const std::string complaint = File("gamma = " + std::string(500'000, '[')).complaint();
  CHECK(complaint.starts_with("run.toml:1: "));
}

TEST_CASE("a damaged file is read or refused with its name, whatever the damage") {
  const std::string whole = config_file_text(TrainConfig());
  const TemporaryDirectory directory;
  const std::filesystem::path path = directory / "run.toml";
  RandomSequence random({2, Purpose::kTest, 0});
  for (int run = 0; run < 1000; ++run) {
    std::string text = whole;
    for (std::uint32_t n = 1 + random.word() % 4; n > 0; --n) {
      const std::size_t at = random.word() % text.size();
      const std::uint32_t kind = random.word() % 3;
      if (kind == 0) text[at] = static_cast<char>(random.word());
      if (kind == 1) text.erase(at, 1 + random.word() % 40);
      if (kind == 2) text.insert(at, text.substr(random.word() % text.size(), 30));
    }
    std::ofstream(path, std::ios::binary) << text;
    const std::string message = error_message([&] {
      TrainConfig config;
      for (const Assignment& a : read_config_file(path).assignments) apply(config, a);
    });
    CHECK((message == "no error" || message.starts_with(path.string() + ":")));
  }
}

TEST_CASE(
    "characters that are not ASCII stand in strings and comments alone: toml++ takes others for impossible") {
  const std::string nu = "\xce\x9d";
  const std::string complaint = ": a character that is not ASCII stands outside quotation marks";
  CHECK(File("# one\n" + nu + "u = 1\n").complaint() == "run.toml:2" + complaint);
  CHECK(File("seed" + nu + " = 1\n").complaint() == "run.toml:1" + complaint);
  CHECK(File("map = \"a\\\"\"" + nu + "\n").complaint() == "run.toml:1" + complaint);
  CHECK(File("# " + nu + "\nmap = \"" + nu + "\"\n").config().env.map == nu);
  CHECK(File("map = '" + nu + "' # \"" + nu + "\n").config().env.map == nu);
  CHECK(File("map = \"\"\"" + nu + "\"\"\"\n").config().env.map == nu);
}

TEST_CASE("a map's text stands beside its name and reads back to the last byte") {
  TrainConfig config;
  config.env.id = "GridWorld-v0";
  config.env.map = "dir/my \"map\".txt";
  for (const std::string& text :
       {std::string("slip: 0.1\na:\treward=1\nS #\na.G\n"), std::string("\"\"\"\n\\\"\r\x01\x7f\n")}) {
    config.env.map.text = text;
    const TrainConfig read = File(config_file_text(config)).config();
    CHECK(read.env.map == config.env.map);
    CHECK(config_file_text(read) == config_file_text(config));
  }
  config.env.map = "other.txt";  // a new name is a new map
  CHECK(config.env.map.text.empty());
  CHECK_FALSE(contains(config_file_text(config), "map_text"));

  CHECK(File("map_text = \"S.G\"\n").complaint() ==
        "run.toml:1: map_text: it needs `map`, the name of the map");
  CHECK(contains(File("map = \"\"\nmap_text = \"S.G\"\n").complaint(),
                 "map_text: it needs `map`, the name of the map"));
  CHECK(contains(File("map = \"m\"\nmap_text = 3\n").complaint(),
                 "run.toml:2: map_text: a text in quotes is expected, and this is a whole number"));
}

}  // namespace
}  // namespace bellman::test
