#include "envs/process/frame.h"

#include <cstring>
#include <string>

#include "core/base/check.h"

namespace bellman {

std::optional<EnvOptions> with_frames(const EnvOptions& options) {
  const std::string& given = options.env_kwargs;
  if (!options.id.starts_with("gymnasium:") || given.find("render_mode") != std::string::npos)
    return std::nullopt;
  EnvOptions with = options;
  const std::size_t end = given.find_last_not_of(" \t\n");
  if (end == std::string::npos) {
    with.env_kwargs = "render_mode=rgb_array";
  } else if (given[end] != '}' || given[given.find_first_not_of(" \t\n")] != '{') {
    with.env_kwargs = given + ",render_mode=rgb_array";
  } else {
    const bool is_empty = given[given.find_last_not_of(" \t\n", end - 1)] == '{';
    with.env_kwargs = given.substr(0, end) + (is_empty ? "" : ",") + "\"render_mode\":\"rgb_array\"}";
  }
  return with;
}

Frame frame_of(Env& env) {
  auto* const played = dynamic_cast<DrawsItself*>(&env);
  BELLMAN_CHECK(played != nullptr);
  const std::vector<std::byte> bytes = played->frame();
  std::uint32_t extents[2] = {};
  if (bytes.size() >= sizeof extents) std::memcpy(extents, bytes.data(), sizeof extents);
  Frame frame = {extents[1], extents[0], {}};
  if (bytes.size() != sizeof extents + 3 * frame.width * frame.height)
    fail(env.spec().id, ": a frame of ", bytes.size(), " bytes");
  frame.rgb.resize(bytes.size() - sizeof extents);
  std::memcpy(frame.rgb.data(), bytes.data() + sizeof extents, frame.rgb.size());
  return frame;
}

}  // namespace bellman
