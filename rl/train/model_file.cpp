#include "rl/train/model_file.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <set>
#include <string>
#include <system_error>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/base/check.h"
#include "core/base/text.h"
#include "core/io/flat_json.h"

namespace bellman {
namespace {

using Json = nlohmann::json;

constexpr const char* kFormat = "bellman model 1";

/// As JSON writes it; bytes that are not UTF-8 (a map's path may have them) become U+FFFD.
std::string text_of(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

/// use(key, option) for each of the environment's options.
template <class Options, class Use>
void each_option(Options& env, const Use& use) {
  use("id", env.id);
  use("map", env.map.name);
  use("map_text", env.map.text);
  use("observation", env.observation);
  use("slippery", env.slippery);
  use("success_rate", env.success_rate);
  use("slip", env.slip);
  use("sutton_barto_reward", env.sutton_barto_reward);
  use("max_episode_steps", env.max_episode_steps);
  use("frame_stack", env.frame_stack);
  use("env_kwargs", env.env_kwargs);
  use("atari", env.atari);
  use("noop_max", env.noop_max);
  use("frame_skip", env.frame_skip);
  use("screen_size", env.screen_size);
  use("terminal_on_life_loss", env.terminal_on_life_loss);
}

Json env_to_json(const EnvOptions& env) {
  Json json = Json::object();
  each_option(env, [&](const char* key, const auto& option) { json[key] = option; });
  if (env.map.text.empty()) json.erase("map_text");
  if (env.env_kwargs.empty()) json.erase("env_kwargs");
  if (env.frame_stack == 1) json.erase("frame_stack");
  if (env.atari) return json;
  for (const char* const key : {"atari", "noop_max", "frame_skip", "screen_size", "terminal_on_life_loss"})
    json.erase(key);
  return json;
}

/// Reads the metadata of one file: each message names the file and the key.
class MetadataReader {
 public:
  MetadataReader(const std::filesystem::path& path, const std::map<std::string, std::string>& metadata)
      : path_(path), metadata_(metadata) {}

  bool has(const std::string& key) const { return metadata_.contains(key); }
  const std::string& text(const std::string& key) const {
    const auto entry = metadata_.find(key);
    if (entry == metadata_.end()) fail(path_.string(), ": the metadata lacks \"", key, "\"");
    return entry->second;
  }
  /// What read_json_... put at the begin of their messages.
  std::string name_of(const std::string& key) const { return path_.string() + ": metadata \"" + key + "\""; }
  template <class T>
  T integer(const std::string& key) const {
    const std::string& digits = text(key);
    T value = 0;
    const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc() || stop != digits.data() + digits.size() || value < 0)
      refuse(key, "is \"", printable(digits), "\", not a whole number of 0 or more");
    return value;
  }
  template <class... Parts>
  [[noreturn]] void refuse(const std::string& key, const Parts&... parts) const {
    fail(name_of(key), " ", parts...);
  }

 private:
  const std::filesystem::path& path_;
  const std::map<std::string, std::string>& metadata_;
};

Shape read_shape(const MetadataReader& reader) {
  const std::string key = "input_shape";
  const auto wrong_rank = [&] { reader.refuse(key, "is not an array of 1 to 3 extents"); };
  Shape shape;
  Index elements = 1;
  read_json_array(reader.name_of(key), reader.text(key), [&](const JsonValue& value) {
    constexpr Index kMaxElements = Index{1} << 31;
    if (shape.rank() == Shape::kMaxRank - 1) wrong_rank();
    const std::optional<Index> extent = value.integer();
    if (!extent || *extent < 1 || *extent > kMaxElements / elements)
      reader.refuse(key, "has the impossible extent ", value.shown());
    shape.append(*extent);
    elements *= *extent;
  });
  if (shape.rank() == 0) wrong_rank();
  return shape;
}

bool assign(std::string& to, const JsonValue& value) {
  if (value.string()) to = *value.string();
  return value.string();
}
bool assign(bool& to, const JsonValue& value) {
  if (value.boolean()) to = *value.boolean();
  return value.boolean();
}
bool assign(double& to, const JsonValue& value) {
  to = value.number().value_or(to);
  return value.number().has_value();
}
bool assign(Index& to, const JsonValue& value) {
  to = value.integer().value_or(to);
  return value.integer().has_value();
}

EnvOptions read_env(const MetadataReader& reader) {
  const std::string name = "env";
  EnvOptions env;
  std::set<std::string> seen;
  read_json_object(
      reader.name_of(name), reader.text(name), [&](const std::string& key, const JsonValue& value) {
        bool known = false, fits = false;
        each_option(env, [&](const char* option_key, auto& option) {
          if (key != option_key) return;
          known = true;
          fits = assign(option, value);
        });
        if (!known) reader.refuse(name, "has the unknown key \"", printable(key), "\"");
        if (!fits) reader.refuse(name, "has a value of the wrong type for \"", key, "\": ", value.shown());
        if (!seen.insert(key).second) reader.refuse(name, "has \"", key, "\" twice");
      });
  try {
    if (!env.map.text.empty()) read_map(env);
  } catch (const Error& error) {
    reader.refuse(name, "has a \"map_text\" that cannot be: ", error.what());
  }
  return env;
}

/// One finite number an element of the observation.
std::vector<double> read_statistics(const MetadataReader& reader, const std::string& key, Index elements,
                                    double minimum) {
  if (!reader.has(key)) return {};
  const auto expected = static_cast<std::size_t>(elements);
  const auto wrong_length = [&] { reader.refuse(key, "is not an array of ", expected, " numbers"); };
  const std::string& text = reader.text(key);
  std::vector<double> values;
  values.reserve(std::min(expected, text.size() / 2));
  read_json_array(reader.name_of(key), text, [&](const JsonValue& value) {
    if (values.size() == expected) wrong_length();
    const std::optional<double> number = value.number();
    if (!number || *number < minimum) reader.refuse(key, "holds the impossible value ", value.shown());
    values.push_back(*number);
  });
  if (values.size() != expected) wrong_length();
  return values;
}

}  // namespace

void append_host_parameters(TensorFile& file, const ArenaLayout& layout, std::span<const float> values) {
  BELLMAN_CHECK(values.size() == static_cast<std::size_t>(layout.size()));
  for (const ArenaLayout::Entry& entry : layout.entries())
    file.add(entry.name, entry.shape,
             values.subspan(static_cast<std::size_t>(entry.offset),
                            static_cast<std::size_t>(entry.shape.elements())));
}

TensorFile file_of(const Model& model) {
  TensorFile file = model.parameters;
  Json shape = Json::array();
  for (int i = 0; i < model.input_shape.rank(); ++i) shape.push_back(model.input_shape[i]);
  file.metadata["format"] = kFormat;
  file.metadata["network"] = model.network;
  file.metadata["input_shape"] = text_of(shape);
  if (model.env) file.metadata["env"] = text_of(env_to_json(*model.env));
  if (!model.observation_mean.empty()) {
    file.metadata["observation_mean"] = text_of(Json(model.observation_mean));
    file.metadata["observation_variance"] = text_of(Json(model.observation_variance));
  }
  file.metadata["seed"] = std::to_string(model.seed);
  file.metadata["timestep"] = std::to_string(model.timestep);
  return file;
}

void save_model(const std::filesystem::path& path, const Model& model) {
  write_safetensors(path, file_of(model));
}

Model load_model(const std::filesystem::path& path) { return model_of(read_safetensors(path), path); }

Model model_of(TensorFile file, const std::filesystem::path& path) {
  Model model;
  model.parameters = std::move(file);
  const MetadataReader reader(path, model.parameters.metadata);
  // PyTorch's own writers set format to "pt".
  if (!reader.has("format") || !reader.text("format").starts_with("bellman")) return model;
  if (const std::string& format = reader.text("format"); format != kFormat)
    reader.refuse("format", "is \"", printable(format), "\"; this program reads \"", kFormat,
                  "\" here, which a run writes to model.safetensors");
  model.network = reader.text("network");
  model.input_shape = read_shape(reader);
  if (reader.has("env")) model.env = read_env(reader);
  const Index elements = model.input_shape.elements();
  model.observation_mean =
      read_statistics(reader, "observation_mean", elements, std::numeric_limits<double>::lowest());
  model.observation_variance = read_statistics(reader, "observation_variance", elements, 0.0);
  if (model.observation_mean.empty() != model.observation_variance.empty())
    fail(path.string(), ": the metadata has one of \"observation_mean\" and \"observation_variance\" only");
  model.seed = reader.integer<std::uint64_t>("seed");
  model.timestep = reader.integer<Index>("timestep");
  return model;
}

}  // namespace bellman
