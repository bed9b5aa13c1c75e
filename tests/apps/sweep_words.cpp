#include "tests/apps/sweep_words.h"

#include <cstddef>
#include <string_view>

#include <nlohmann/json.hpp>

#include "tests/support/parse_json.h"

namespace bellman::test {

std::string without_times(const std::string& text) {
  nlohmann::json sweep = parse_json(text);
  sweep.erase("wall_seconds");
  for (nlohmann::json& variant : sweep["variants"]) {
    variant["config"].erase("device");  // which may change seconds alone
    variant["summary"].erase("median_seconds_to_solve");
    for (nlohmann::json& run : variant["runs"]) {
      run.erase("wall_seconds");
      run.erase("seconds_to_solve");
      std::string command = run["command"];
      constexpr std::string_view kDevice = " --device simt";
      if (const std::size_t at = command.find(kDevice); at != std::string::npos)
        command.erase(at, kDevice.size());
      run["command"] = command;
    }
  }
  return sweep.dump();
}

}  // namespace bellman::test
