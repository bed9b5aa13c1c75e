#include "envs/process/atari_options.h"

#include <sstream>

#include "core/base/check.h"

namespace bellman {

void check_atari(const EnvOptions& options, bool can_be_atari) {
  if (options.atari && !can_be_atari)
    fail(options.id,
         " has no option atari (it is true): it is for gymnasium:ALE/ID, and EnvPool's games have their own");
  const auto check = [&](const char* option, Index value, Index own, Index least, Index most) {
    if (!options.atari && value != own)
      fail(options.id, ": ", option, " is ", value, ", but without atari it has no effect");
    if (value < least || value > most)
      fail(options.id, ": ", option, " is ", value, ", must be from ", least, " to ", most);
  };
  const EnvOptions own;
  check("noop_max", options.noop_max, own.noop_max, 0, 1'000'000);
  check("frame_skip", options.frame_skip, own.frame_skip, 1, 1'000);
  check("screen_size", options.screen_size, own.screen_size, 1, 160);  // a game's picture has 160 columns
  check("terminal_on_life_loss", options.terminal_on_life_loss ? 1 : 0, 0, 0, 1);
}

EnvOptions evaluation_options(EnvOptions options) {
  options.terminal_on_life_loss = false;
  return options;
}

std::string atari_arguments(const EnvOptions& options) {
  if (!options.atari) return "";
  std::ostringstream json;
  json << R"({"noop_max": )" << options.noop_max << R"(, "frame_skip": )" << options.frame_skip
       << R"(, "screen_size": )" << options.screen_size << R"(, "terminal_on_life_loss": )"
       << (options.terminal_on_life_loss ? "true" : "false") << "}";
  return json.str();
}

}  // namespace bellman
