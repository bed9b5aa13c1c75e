#include "apps/settings/settings.h"

#include <cmath>
#include <set>
#include <string>
#include <type_traits>
#include <utility>

#include <doctest/doctest.h>

#include "core/base/check.h"
#include "tests/support/error_message.h"

namespace bellman::test {
namespace {

// How many members an aggregate has: the most initialisers it takes. Each is an Anything, which converts to
// whatever the member is.
struct Anything {
  template <class T>
  operator T() const;  // NOLINT: never defined, only asked about
};
template <class T, std::size_t... I>
constexpr bool takes(std::index_sequence<I...>) {
  return requires { T{(static_cast<void>(I), Anything())...}; };
}
template <class T, std::size_t N = 0>
constexpr std::size_t members() {
  if constexpr (takes<T>(std::make_index_sequence<N + 1>())) {
    return members<T, N + 1>();
  } else {
    return N;
  }
}

struct Three {
  std::string a;
  double b;
  LossKind c;
};
static_assert(members<Three>() == 3);

std::string message(std::string_view key, std::string_view text) {
  TrainConfig config;
  return error_message([&] { assign(config, *find_setting(key), "--" + std::string(key), text); });
}

TEST_CASE("every member of TrainConfig has one setting") {
  // Two of what TrainConfig is made of are structs of settings: its base, the DqnOptions, and the
  // EnvOptions.
  CHECK(settings().size() == members<TrainConfig>() - 2 + members<DqnOptions>() + members<EnvOptions>());
  TrainConfig config;
  std::set<const void*> places;
  for (const Setting& setting : settings()) {
    const void* place = std::visit([](const auto* member) { return static_cast<const void*>(member); },
                                   setting.place(config));
    CHECK_MESSAGE(places.insert(place).second, setting.key << " shares its member with another");
    CHECK(place >= static_cast<const void*>(&config));
    CHECK(place < static_cast<const void*>(&config + 1));
  }
}

TEST_CASE("no two settings share a name, and '-' and '_' are the same") {
  std::set<std::string> names;
  for (const Setting& setting : settings()) {
    CHECK(names.insert(file_key(setting)).second);
    for (const std::string_view alias : setting.aliases) CHECK(names.insert(std::string(alias)).second);
    CHECK(find_setting(setting.key) == &setting);
    CHECK(find_setting(file_key(setting)) == &setting);
    CHECK(!setting.help.empty());
    CHECK(!setting.section.empty());
  }
  CHECK(find_setting("learning_rat") == nullptr);
}

TEST_CASE("what a setting needs is said of another setting") {
  for (const Setting& setting : settings())
    for (const Condition& condition : setting.conditions) {
      const Setting* const decides = find_setting(condition.key);
      REQUIRE_MESSAGE(decides != nullptr, setting.key << " needs " << condition.key);
      CHECK(file_key(*decides) == condition.key);
      CHECK(decides != &setting);
      CHECK(!condition.values.empty());
    }
}

TEST_CASE("names of earlier versions are known") {
  CHECK(find_setting("adam-epsilon") == find_setting("optimizer-epsilon"));
}

TEST_CASE("Stable-Baselines3's names are known") {
  CHECK(find_setting("train_freq") == find_setting("train-frequency"));
  CHECK(find_setting("target_update_interval") == find_setting("target-network-frequency"));
  CHECK(find_setting("exploration_initial_eps") == find_setting("start-e"));
  CHECK(find_setting("exploration_final_eps") == find_setting("end-e"));
  CHECK(find_setting("gradient_steps") != nullptr);
  CHECK(find_setting("max_grad_norm") != nullptr);
  CHECK(find_setting("exploration_fraction") != nullptr);
}

TEST_CASE("every default is a value that its setting accepts, and reads back as itself") {
  for (const Setting& setting : settings()) {
    const std::string text = value_text(TrainConfig(), setting);
    TrainConfig config;
    assign(config, setting, setting.key, text);
    CHECK(value_text(config, setting) == text);
  }
}

TEST_CASE("a value goes where it belongs") {
  TrainConfig config;
  const auto set = [&](std::string_view key, std::string_view text) {
    assign(config, *find_setting(key), key, text);
  };
  set("total-timesteps", "5e5");
  set("buffer-size", "12_345");
  set("success-rate", "2/3");
  set("env-id", "FrozenLake-v1");
  set("slippery", "false");
  set("optimizer", "rmsprop");
  set("initialiser", "orthogonal");
  set("loss", "huber");
  set("exploration-schedule", "exponential");
  set("seed", "18446744073709551615");
  set("solved-return", "auto");
  set("threads", "4");
  set("double", "true");
  CHECK(config.total_timesteps == 500'000);
  CHECK(config.buffer_size == 12'345);
  CHECK(config.env.success_rate == 2.0 / 3.0);
  CHECK(config.env.id == "FrozenLake-v1");
  CHECK(!config.env.slippery);
  CHECK(config.optimizer == OptimizerKind::kRmsProp);
  CHECK(config.initialiser == Initialiser::kOrthogonal);
  CHECK(config.loss == LossKind::kHuber);
  CHECK(config.exploration_schedule == ExplorationSchedule::kExponential);
  CHECK(config.seed == 18446744073709551615U);
  CHECK(std::isnan(config.solved_return));
  CHECK(config.threads == 4);
  CHECK(config.double_dqn);
}

TEST_CASE("a bad value is refused with key, value and what is possible") {
  struct Bad {
    std::string_view key, text, expected;
  };
  constexpr Bad kBad[] = {
      {"gamma", "1.5", "--gamma: 1.5 is out of range, it must be within 0 .. 1"},
      {"gamma", "-0.1", "out of range"},
      {"gamma", "nan", "\"nan\" is not a finite number"},
      {"gamma", "-nan", "not a finite number"},
      {"gamma", "inf", "not a finite number"},
      {"gamma", "1e400", "beyond what a double can hold"},
      {"gamma", "0.9x", "not a number"},
      {"gamma", "", "not a number"},
      {"gamma", " 0.9", "not a number"},
      {"gamma", "0,9", "not a number"},
      {"gamma", "1/0", "division by zero"},
      {"learning-rate", "0", "must be above 0"},
      {"learning-rate", "-1e-3", "out of range"},
      {"batch-size", "0", "must be within 1 .."},
      {"batch-size", "-5", "out of range"},
      {"batch-size", "1.5", "\"1.5\" is not a whole number"},
      {"batch-size", "abc", "not a whole number"},
      {"batch-size", "0x10", "not a whole number"},
      {"batch-size", "99999999999999999999", "too large"},
      {"batch-size", "1e300", "not a whole number"},
      {"total-timesteps", "1e13", "out of range"},
      {"threads", "4294967297", "out of range"},
      {"seed", "-1", "2^64-1"},
      {"seed", "18446744073709551616", "above 2^64-1"},
      {"seed", "1.5", "\"1.5\" is not a whole number"},
      {"seed", "-1e3", "2^64-1"},
      {"seed", "1e19", "not a whole number"},
      {"double", "yes", "neither true nor false"},
      {"loss", "huberr", "did you mean"},
      {"optimizer", "lion", "adam, adamw, rmsprop, sgd"},
      {"network", "dense 4\nrelu", "no line ends"},
      {"map", "a\x1b[2J", "control characters"},
      {"map",
       "a\xc2\x9b"
       "2J",
       "control characters"},
      {"map", "caf\xe9", "must be UTF-8"},
      {"map", "caf\xc3", "must be UTF-8"},
      {"map", "\xa9", "must be UTF-8"},
      {"map", "a\xff", "must be UTF-8"},
      {"map", "a\xed\xa0\x80.txt", "must be UTF-8"},  // a surrogate
      {"network", "\xc0\xaf", "must be UTF-8"},       // '/' in two bytes
      {"env-id", "\xe0\x80\xaf", "must be UTF-8"},    // and in three
      {"map", "\xf4\x90\x80\x80", "must be UTF-8"},   // above U+10FFFF
      {"map", "a\x7f", "no line ends"},
      {"solved-return", "nan", "not a finite number"},
  };
  for (const Bad& bad : kBad) {
    const std::string text = message(bad.key, bad.text);
    CHECK_MESSAGE(text.find(bad.expected) != std::string::npos, bad.key << " = " << bad.text << ": " << text);
    CHECK(text.find("--" + std::string(bad.key)) == 0);
  }
}

TEST_CASE("a seed is written as a count is") {
  TrainConfig config;
  for (const auto& [text, seed] : {std::pair<const char*, std::uint64_t>{"1e3", 1000},
                                   {"7.0", 7},
                                   {"1_000", 1000},
                                   {"+3", 3},
                                   {"-0.0", 0},
                                   {"18446744073709551615", 18446744073709551615U}}) {
    assign(config, *find_setting("seed"), "seed", text);
    CHECK(config.seed == seed);
  }
}

/// A run to which the setting applies.
TrainConfig run_with(const Setting& setting) {
  TrainConfig config;
  const auto set = [&](const char* key, const char* value) {
    assign(config, *find_setting(key), key, value);
  };
  for (const auto& [key, value] :
       {std::pair("env-id", "FrozenLake-v1"), std::pair("env-id", "GridWorld-v0"),
        std::pair("optimizer", "rmsprop"), std::pair("loss", "huber"), std::pair("prioritized", "true"),
        std::pair("exploration-schedule", "exponential"), std::pair("munchausen", "true")}) {
    if (!missing_condition(setting, config)) break;
    set(key, value);
  }
  REQUIRE_MESSAGE(missing_condition(setting, config) == nullptr, setting.key);
  return config;
}

TEST_CASE("no real setting takes a number that a float makes 0, a denormal or infinite") {
  int settings_tried = 0;
  for (const Setting& setting : settings()) {
    if (!is_real(setting)) continue;
    ++settings_tried;
    const TrainConfig config = run_with(setting);
    CHECK(error_message([&] { config.validate(); }) == "no error");
    for (const std::string text : {"1e-46", "1e-300", "5e-324", "1e-39", "1.1754942e-38", "3.5e38", "1e300",
                                   "-1e-46", "-1e-39", "-3.5e38"}) {
      CAPTURE(setting.key);
      CAPTURE(text);
      const std::string refusal = error_message([&] {
        TrainConfig changed = config;
        assign(changed, setting, file_key(setting), text);
        changed.validate();
      });
      CHECK(refusal.starts_with(file_key(setting)));
    }
    // The smallest that a float holds as what it is.
    TrainConfig changed = config;
    const std::string least = error_message([&] {
      assign(changed, setting, file_key(setting), "1.1754944e-38");
      changed.validate();
    });
    const bool in_range = setting.range.minimum <= 1.1754944e-38 && setting.range.maximum >= 1.1754944e-38;
    CHECK_MESSAGE((least == "no error") == in_range, setting.key << ": " << least);
  }
  CHECK(settings_tried >= 20);
}

TEST_CASE("a refused value leaves the setting as it was") {
  TrainConfig config;
  config.gamma = 0.5;
  CHECK_THROWS_AS(assign(config, *find_setting("gamma"), "gamma", "2"), Error);
  CHECK(config.gamma == 0.5);
}

}  // namespace
}  // namespace bellman::test
