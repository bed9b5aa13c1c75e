// For any text: a configuration is read from it, or Error is thrown. What was read is written as
// config.toml and read back to the same.
#include <cstddef>
#include <cstdint>
#include <string>

#include "apps/settings/config_file.h"
#include "apps/settings/settings.h"
#include "core/base/check.h"

namespace {

bellman::TrainConfig config_of(const std::string& text) {
  bellman::TrainConfig config;
  for (const bellman::Assignment& a : bellman::parse_config(text, "fuzz.toml").assignments) apply(config, a);
  return config;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bellman;
  TrainConfig config;
  try {
    config = config_of(std::string(reinterpret_cast<const char*>(data), size));
  } catch (const Error&) {
    return 0;
  }
  // Once read back, what does not apply to the run has the default's comment.
  const std::string text = config_file_text(config_of(config_file_text(config)));
  BELLMAN_CHECK(config_file_text(config_of(text)) == text);
  try {
    config.validate();
  } catch (const Error&) {
  }
  return 0;
}
