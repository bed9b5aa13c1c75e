#include "apps/settings/settings.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <type_traits>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>

#include "apps/base/numbers.h"
#include "core/base/check.h"
#include "core/base/text.h"

namespace bellman {
namespace {

// The names of each choice, in the order of its enumeration.
constexpr std::string_view kInitialisers[] = {"pytorch", "he", "xavier", "orthogonal"};
constexpr std::string_view kOptimizers[] = {"adam", "adamw", "rmsprop", "sgd"};
constexpr std::string_view kLearners[] = {"auto", "fused", "op-by-op"};
constexpr std::string_view kLosses[] = {"mse", "huber"};
constexpr std::string_view kSchedules[] = {"linear", "exponential"};
constexpr std::string_view kOnNan[] = {"stop", "skip"};
constexpr std::string_view kDiagnosticsKinds[] = {"basic", "full"};
std::span<const std::string_view> names(Initialiser) { return kInitialisers; }
std::span<const std::string_view> names(OptimizerKind) { return kOptimizers; }
std::span<const std::string_view> names(LearnerKind) { return kLearners; }
std::span<const std::string_view> names(LossKind) { return kLosses; }
std::span<const std::string_view> names(ExplorationSchedule) { return kSchedules; }
std::span<const std::string_view> names(OnNan) { return kOnNan; }
std::span<const std::string_view> names(Diagnostics) { return kDiagnosticsKinds; }

/// "[0, 1]", "(0, 1]"; ">= 1" where the maximum only keeps nonsense out.
std::string range_text(const Range& range) {
  constexpr double kNonsense = 1e12;
  if (range.maximum >= kNonsense)
    return range.minimum <= -kNonsense ? ""
                                       : (range.above_minimum ? "> " : ">= ") + number_text(range.minimum);
  return (range.above_minimum ? "(" : "[") + number_text(range.minimum) + ", " + number_text(range.maximum) +
         "]";
}

/// A text is written into config.toml and must read back from there.
void check_text(std::string_view label, std::string_view text) {
  unsigned char before = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool second_set = before == 0xc2 && byte >= 0x80 && byte < 0xa0;  // U+0080 to U+009F
    if (byte < 0x20 || byte == 0x7f || second_set)
      fail(label, ": a text holds no line ends or control characters");
    before = byte;
  }
  if (!is_utf8(text)) fail(label, ": a text must be UTF-8");
}

/// Calls `visitor` with a reference to the setting's member.
template <class Visitor>
auto visit(TrainConfig& config, const Setting& setting, Visitor visitor) {
  return std::visit([&](auto* member) { return visitor(*member); }, setting.place(config));
}

/// The same with a const reference.
template <class Visitor>
auto visit(const TrainConfig& config, const Setting& setting, Visitor visitor) {
  // `place` computes an address and changes nothing.
  return std::visit([&](const auto* member) { return visitor(*member); },
                    setting.place(const_cast<TrainConfig&>(config)));
}

struct Assign {
  const Setting& setting;
  std::string_view label, text;

  void operator()(bool& value) const {
    if (text != "true" && text != "false")
      fail(label, ": \"", printable(text), "\" is neither true nor false");
    value = text == "true";
  }
  void operator()(int& value) const { value = static_cast<int>(integer()); }
  void operator()(Index& value) const { value = integer(); }
  void operator()(std::uint64_t& value) const { value = parse_seed(label, text); }
  void operator()(std::string& value) const {
    check_text(label, text);
    value = text;
  }
  void operator()(MapSource& value) const {
    check_text(label, text);
    value = std::string(text);
  }
  void operator()(double& value) const {
    if (!setting.nan_word.empty() && text == setting.nan_word) {
      value = std::numeric_limits<double>::quiet_NaN();
      return;
    }
    const double real = parse_real(label, text, setting.range.minimum, setting.range.maximum);
    if (setting.range.above_minimum && real == setting.range.minimum)
      fail(label, ": ", printable(text), " is out of range, it must be above ", setting.range.minimum,
           " and at most ", setting.range.maximum);
    value = real;
  }
  template <class Choice>
  void operator()(Choice& value) const {
    const std::span<const std::string_view> known = names(value);
    const auto found = std::find(known.begin(), known.end(), text);
    if (found == known.end()) fail(label, ": unknown \"", printable(text), "\"", suggestion(text, known));
    value = static_cast<Choice>(found - known.begin());
  }

  Index integer() const {
    return parse_integer(label, text, static_cast<Index>(setting.range.minimum),
                         static_cast<Index>(setting.range.maximum));
  }
};

template <class T>
bool holds(const Setting& setting) {
  TrainConfig config;
  return std::holds_alternative<T*>(setting.place(config));
}

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return (x == '-' ? '_' : x) == (y == '-' ? '_' : y); });
}

}  // namespace

const Setting* find_setting(std::string_view name) {
  for (const Setting& setting : settings()) {
    if (same_name(setting.key, name)) return &setting;
    for (const std::string_view alias : setting.aliases)
      if (same_name(alias, name)) return &setting;
  }
  return nullptr;
}

std::string setting_suggestion(std::string_view name, std::span<const std::string_view> also) {
  std::vector<std::string> known(also.begin(), also.end());
  for (const Setting& setting : settings()) {
    known.push_back(file_key(setting));
    known.insert(known.end(), setting.aliases.begin(), setting.aliases.end());
  }
  const std::vector<std::string_view> views(known.begin(), known.end());
  const std::string_view nearest = nearest_name(name, views);
  return nearest.empty() ? "; `bellman train --dry-run` shows the known ones"
                         : " (did you mean \"" + std::string(nearest) + "\"?)";
}

std::string flag_name(const Setting& setting) { return "--" + std::string(setting.key); }

std::string value_description(const Setting& setting) {
  return visit(TrainConfig(), setting, [&]<class T>(const T& value) -> std::string {
    if constexpr (std::is_same_v<T, bool>) {
      return "";
    } else if constexpr (std::is_same_v<T, std::uint64_t>) {
      return "INTEGER [0, 2^64-1]";
    } else if constexpr (std::is_integral_v<T>) {
      return "INTEGER " + range_text(setting.range);
    } else if constexpr (std::is_same_v<T, double>) {
      return "REAL " + range_text(setting.range);
    } else if constexpr (std::is_same_v<T, std::string> || std::is_same_v<T, MapSource>) {
      return "TEXT";
    } else {
      std::string choices;
      for (const std::string_view name : names(value))
        choices.append(choices.empty() ? "" : "|").append(name);
      return choices;
    }
  });
}

bool is_switch(const Setting& setting) { return holds<bool>(setting); }
bool is_seed(const Setting& setting) { return holds<std::uint64_t>(setting); }
bool is_real(const Setting& setting) { return holds<double>(setting); }

bool is_text(const Setting& setting) {
  return visit(TrainConfig(), setting, []<class T>(const T&) { return !std::is_arithmetic_v<T>; });
}

void assign(TrainConfig& config, const Setting& setting, std::string_view label, std::string_view text) {
  visit(config, setting, Assign{setting, label, text});
}

void apply(TrainConfig& config, const Assignment& assignment) {
  assign(config, *assignment.setting, assignment.label, assignment.text);
  if (!assignment.map_text.empty()) config.env.map.text = assignment.map_text;
}

std::string value_text(const TrainConfig& config, const Setting& setting) {
  return visit(config, setting, [&]<class T>(const T& value) -> std::string {
    if constexpr (std::is_same_v<T, bool>) {
      return value ? "true" : "false";
    } else if constexpr (std::is_integral_v<T>) {
      return std::to_string(value);
    } else if constexpr (std::is_same_v<T, double>) {
      return std::isnan(value) ? std::string(setting.nan_word) : number_text(value);
    } else if constexpr (std::is_same_v<T, std::string>) {
      return value;
    } else if constexpr (std::is_same_v<T, MapSource>) {
      return value.name;
    } else {
      return std::string(names(value)[static_cast<std::size_t>(value)]);
    }
  });
}

nlohmann::ordered_json setting_json(const TrainConfig& config, const Setting& setting) {
  return visit(config, setting, [&]<class T>(const T& value) -> nlohmann::ordered_json {
    if constexpr (std::is_arithmetic_v<T>) {
      if (std::isfinite(static_cast<double>(value))) return value;
    }
    return value_text(config, setting);
  });
}

}  // namespace bellman
