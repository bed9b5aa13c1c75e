// One table of every setting of a training run. It drives the options of the command line, the keys of
// config files, their checks, the table that --dry-run prints, and config.toml.
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
                 LearnerKind*, OptimizerKind*, LossKind*, ExplorationSchedule*, OnNan*>;

/// The values that are possible.
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

struct Setting {
  std::string_view key;      // as on the command line: "learning-rate"
  std::string_view section;  // what it belongs to: "Exploration"
  std::string_view help;
  SettingPlace (*place)(TrainConfig& config);
  Range range{};  // of a number
  // Other names that it is known by: Stable-Baselines3's, other spellings, and those of earlier versions.
  std::vector<std::string_view> aliases{};
  std::string_view nan_word{};          // the word for NaN, where NaN has a meaning: "auto"
  std::vector<Condition> conditions{};  // all must hold; none: the setting applies to every run
};

/// All of them, in the order in which they are shown. Settings of a section stand together.
std::span<const Setting> settings();

/// The first of the setting's conditions that this run does not fulfil; null: the setting applies to it.
const Condition* missing_condition(const Setting& setting, const TrainConfig& config);

/// The setting with this key or alias ('-' and '_' are the same), or null.
const Setting* find_setting(std::string_view name);

/// What to say to a name that no setting has: the nearest one, `also` among them, or where all are shown.
std::string setting_suggestion(std::string_view name, std::span<const std::string_view> also = {});

/// "learning_rate": the key as files have it.
std::string file_key(const Setting& setting);
/// "--learning-rate": the key as messages about the command line have it.
std::string flag_name(const Setting& setting);

/// What stands behind the option in --help, its type and range: "REAL (0, 1]"; empty for a switch.
std::string value_description(const Setting& setting);
bool is_switch(const Setting& setting);
bool is_seed(const Setting& setting);
bool is_real(const Setting& setting);
/// Whether a file has its value in quotes: texts, and names of a choice.
bool is_text(const Setting& setting);

/// Sets the setting. `label` stands for the setting in messages: "--gamma", "run.toml:3: gamma".
/// Throws: Error that names label, text and what is possible.
void assign(TrainConfig& config, const Setting& setting, std::string_view label, std::string_view text);

/// The value as `assign` reads it back, to the last bit.
std::string value_text(const TrainConfig& config, const Setting& setting);

}  // namespace bellman
