#include "apps/settings/declare_options.h"

#include <algorithm>

#include <CLI/CLI.hpp>

#include "core/base/text.h"

namespace bellman {
namespace {

class OptionFormatter final : public CLI::Formatter {
 public:
  std::string make_option_name(const CLI::Option* option, bool is_positional) const override {
    const std::vector<std::string>& names = option->get_lnames();
    if (names.empty() || !option->get_snames().empty())
      return CLI::Formatter::make_option_name(option, is_positional);
    const bool is_switch = std::find(names.begin(), names.end(), "no-" + names.front()) != names.end();
    return (is_switch ? "--[no-]" : "--") + names.front();  // without the aliases
  }
};

/// `--run-dir --quiet` lacks a value: --quiet is an option. Returns what is wrong, or an empty text.
std::string refuse_options(const std::string& value) {
  if (!value.starts_with("--")) return "";
  return '"' + printable(value) + "\" is an option, not a value (a path of that name is ./" +
         printable(value) + ")";
}

std::string with_default(const std::string& help, const std::string& value) {
  return help + " (default: " + value + ")";
}

/// "--learning-rate,--lr": the key and its aliases, each behind `prefix`.
std::string option_names(const Setting& setting, const std::string& prefix) {
  std::string names = prefix + std::string(setting.key);
  for (std::string alias : std::vector<std::string>(setting.aliases.begin(), setting.aliases.end())) {
    std::replace(alias.begin(), alias.end(), '_', '-');
    names.append(",").append(prefix).append(alias);
  }
  return names;
}

}  // namespace

std::shared_ptr<CLI::FormatterBase> help_formatter() {
  auto formatter = std::make_shared<OptionFormatter>();
  formatter->column_width(34);
  return formatter;
}

CLI::App& declare_command(CLI::App& parent, const char* name, const char* description, const char* notes) {
  CLI::App& command = *parent.add_subcommand(name, description);
  command.footer(notes);
  return command;
}

CLI::Option* declare_text(CLI::App& command, const char* name, std::string& value, const char* type,
                          const char* help, Need need) {
  CLI::Option* option = command.add_option(name, value, help)
                            ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast)
                            ->type_name(type)
                            ->required(need == Need::kRequired)
                            ->check(refuse_options);
  return value.empty() ? option : option->description(with_default(help, value));
}

void declare_flag(CLI::App& command, const char* name, bool& value, const char* help) {
  command.add_flag(name, value, help);
}

CLI::Option* declare_list(CLI::App& command, const char* name, std::vector<std::string>& values,
                          const char* type, const char* help, Values each) {
  return command.add_option(name, values, help)
      ->type_name(type)
      ->expected(1, each == Values::kOne ? 1 : CLI::detail::expected_max_vector_size)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->check(refuse_options);
}

CLI::Option* declare_setting(CLI::App& command, const Setting& setting, DefaultIn default_in) {
  const std::string value = value_text(TrainConfig(), setting);
  const std::string help = default_in == DefaultIn::kHelp && !value.empty()
                               ? with_default(std::string(setting.help), value)
                               : std::string(setting.help);
  CLI::Option* option = nullptr;
  if (is_switch(setting)) {
    option = command.add_flag(option_names(setting, "--") + "," + option_names(setting, "!--no-"), help);
  } else {
    option = command.add_option(option_names(setting, "--"))->description(help);
    option->type_name(value_description(setting));
    option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast)->expected(1)->check(refuse_options);
  }
  return option->group(std::string(setting.section));
}

bool is_given(const CLI::Option& option) { return option.count() > 0; }

const std::string& last_text(const CLI::Option& option) { return option.results().back(); }

std::optional<std::string> given_text(const CLI::Option& option) {
  return is_given(option) ? std::optional(last_text(option)) : std::nullopt;
}

}  // namespace bellman
