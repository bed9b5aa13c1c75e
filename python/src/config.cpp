// The settings of a run, by their names in rl/config/settings_table.h.
#include <optional>
#include <string_view>
#include <utility>
#include <variant>

#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "apps/settings/resolve.h"
#include "apps/settings/settings.h"
#include "core/base/text.h"
#include "python/src/bindings.h"
#include "rl/config/settings_table.h"

namespace bellman::python {
namespace {

/// The value with its Python type; "auto" and the like as a text.
nb::object value_of(const TrainConfig& config, const Setting& setting) {
  const auto convert = [&]<class T>(const T* member) -> nb::object {
    if constexpr (std::is_same_v<T, bool>)
      return nb::bool_(*member);
    else if constexpr (std::is_integral_v<T>)
      return nb::int_(*member);
    else if constexpr (std::is_same_v<T, double>)
      if (*member == *member) return nb::float_(*member);
    return nb::str(value_text(config, setting).c_str());
  };
  // `place` computes an address and changes nothing.
  return std::visit(convert, setting.place(const_cast<TrainConfig&>(config)));
}

/// Throws: TypeError for a name that is no setting, as Python does for an unknown argument.
const Setting& known_setting(const std::string& name) {
  if (const Setting* setting = find_setting(name)) return *setting;
  std::vector<std::string> keys;
  for (const Setting& setting : settings()) {
    keys.push_back(file_key(setting));
    for (const std::string_view alias : setting.aliases) keys.emplace_back(alias);
  }
  const std::vector<std::string_view> views(keys.begin(), keys.end());
  const std::string_view nearest = nearest_name(name, views);
  std::string message = "unknown setting \"" + printable(name) + "\"";
  message += nearest.empty() ? "; bellman.settings() lists the known ones"
                             : " (did you mean \"" + std::string(nearest) + "\"?)";
  throw nb::type_error(message.c_str());
}

/// The run that the command makes of these flags. Throws: Error as resolve() and validate().
Config resolved(const std::map<std::string, std::string>& given, const std::string& preset) {
  std::vector<Assignment> flags;
  for (const auto& [name, text] : given) {
    const Setting& setting = known_setting(name);
    for (const Assignment& other : flags)
      if (other.setting == &setting) fail(file_key(setting), " is given twice, as ", name, ", too");
    flags.push_back({&setting, text, name, "argument"});
  }
  ResolvedConfig run = resolve(flags, std::nullopt, preset);
  validate(run);
  read_map(run);
  return {std::move(run.config), std::move(run.origins)};
}

nb::dict values_of(const Config& config) {
  nb::dict values;
  for (const Setting& setting : settings())
    values[file_key(setting).c_str()] = value_of(config.values, setting);
  return values;
}

nb::dict origins_of(const Config& config) {
  nb::dict origins;
  for (std::size_t i = 0; i < settings().size(); ++i)
    origins[file_key(settings()[i]).c_str()] = nb::str(config.origins[i].c_str());
  return origins;
}

nb::list settings_list() {
  const Config defaults{TrainConfig(), {}};
  nb::list rows;
  for (const Setting& setting : settings()) {
    nb::dict row;
    row["name"] = file_key(setting);
    row["section"] = std::string(setting.section);
    row["help"] = std::string(setting.help);
    row["default"] = value_of(defaults.values, setting);
    nb::list aliases;
    for (const std::string_view alias : setting.aliases) aliases.append(std::string(alias));
    row["aliases"] = aliases;
    rows.append(row);
  }
  return rows;
}

}  // namespace

void bind_config(nb::module_& m) {
  nb::class_<Config>(m, "Config", "Every setting of a run.")
      .def("values", &values_of, "Each setting's value.")
      .def("origins", &origins_of,
           "Where each value comes from: \"argument\", \"preset CartPole\", \"default\".");
  m.def("resolve", &resolved, nb::arg("given"), nb::arg("preset"),
        "The settings of a run from texts, as the command's flags.");
  m.def("settings", &settings_list,
        "All settings as dictionaries: name, section, help, default and aliases, in the order of the "
        "command's --help.");
}

}  // namespace bellman::python
