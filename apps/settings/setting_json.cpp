#include "apps/settings/setting_json.h"

#include <cmath>
#include <type_traits>
#include <variant>

#include <nlohmann/json.hpp>

namespace bellman {

nlohmann::ordered_json setting_json(const TrainConfig& config, const Setting& setting) {
  TrainConfig copy = config;
  return std::visit(
      [&]<class T>(const T* value) -> nlohmann::ordered_json {
        if constexpr (std::is_arithmetic_v<T>) {
          if (std::isfinite(static_cast<double>(*value))) return *value;
        }
        return value_text(config, setting);
      },
      setting.place(copy));
}

}  // namespace bellman
