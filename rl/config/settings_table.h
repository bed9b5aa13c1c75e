// One table of every setting of a training run. A row holds all that the program knows about a setting: its
// name, the member of TrainConfig that stores it (whose initialiser is the default), its range, its help, the
// runs it applies to, and what `train --resume --override` of it does. The table drives
// TrainConfig::validate, the options of the command line and their --help, config files, --dry-run and
// overrides. A new setting is a member of TrainConfig and a row here; tests/apps/every_setting_test.cpp and
// override_test.cpp then ask for a run that it changes.
//
// A setting has one name: `learning-rate` on the command line, `learning_rate` in files. Names are CleanRL's
// where CleanRL has one.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "rl/config/train_config.h"

namespace bellman {

/// The member of a TrainConfig that a setting stands for.
using SettingPlace =
    std::variant<bool*, int*, Index*, std::uint64_t*, double*, std::string*, MapSource*, Initialiser*,
                 LearnerKind*, OptimizerKind*, LossKind*, ExplorationSchedule*, OnNan*, Diagnostics*>;

/// The possible values of a number. TrainConfig::validate enforces the minimum, and a maximum of at most 1;
/// larger maxima only keep nonsense off the command line.
struct Range {
  double minimum = 0, maximum = 0;
  bool above_minimum = false;  // `minimum` itself is not possible
};

/// What a run must be like for a setting to have an effect on it.
struct Condition {
  std::string_view key;     // the setting that decides, as in files: "optimizer"
  std::string_view values;  // what it must be, in words: "rmsprop or sgd"
  bool (*holds)(const TrainConfig& config);
};

enum class OverrideKind : std::uint8_t {
  kFromNextStep,  // applies from the next environment step on; nothing else happens
  kDecidesAgain,  // what the old value decided is decided again (rl/train/settings_change.h)
  kOnlyAtStart,   // fixed when a run starts: an override is refused
};

/// What `--override KEY=VALUE` means for a run that is resumed. docs/reliability.md shows the last two kinds.
struct OverrideRule {
  OverrideKind kind = OverrideKind::kFromNextStep;
  std::string_view words = {};  // what is decided again, or why it is refused
};

struct Setting {
  std::string_view key;      // as on the command line: "learning-rate"
  std::string_view section;  // of --help and config.toml: "Exploration"
  SettingPlace (*place)(TrainConfig& config);
  OverrideRule override_rule;
  std::string_view help;
  Range range{};  // of a number
  // Other accepted names: Stable-Baselines3's, other spellings, and those of earlier versions.
  std::vector<std::string_view> aliases{};
  std::string_view nan_word{};          // the word for NaN, where NaN has a meaning: "auto"
  std::vector<Condition> conditions{};  // all must hold; none: the setting applies to every run
};

/// All of them, in the order in which they are shown. Settings of a section stand together.
std::span<const Setting> settings();

/// The first of the setting's conditions that this run does not fulfil; null: the setting applies to it.
const Condition* missing_condition(const Setting& setting, const TrainConfig& config);

/// "learning_rate": the key as files have it.
std::string file_key(const Setting& setting);

}  // namespace bellman
