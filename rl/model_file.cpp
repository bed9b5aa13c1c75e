#include "rl/model_file.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <set>
#include <string>
#include <system_error>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/check.h"

namespace bellman {
namespace {

using Json = nlohmann::json;

constexpr const char* kFormat = "bellman model 1";

/// As JSON writes it; bytes that are not UTF-8 (a map's path may have them) become U+FFFD.
std::string text_of(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

Json env_to_json(const EnvOptions& env) {
  return {{"id", env.id},
          {"map", env.map},
          {"observation", env.observation},
          {"slippery", env.slippery},
          {"success_rate", env.success_rate},
          {"slip", env.slip},
          {"sutton_barto_reward", env.sutton_barto_reward},
          {"max_episode_steps", env.max_episode_steps}};
}

/// Reads the metadata of one file: each message names the file and the key.
class MetadataReader {
 public:
  MetadataReader(const std::filesystem::path& path, const std::map<std::string, std::string>& metadata)
      : path_(path), metadata_(metadata) {}

  /// Null when the key is not there.
  const std::string* find(const std::string& key) const {
    const auto entry = metadata_.find(key);
    return entry == metadata_.end() ? nullptr : &entry->second;
  }
  const std::string& text(const std::string& key) const {
    const std::string* value = find(key);
    if (!value) fail(path_.string(), ": the metadata lacks \"", key, "\"");
    return *value;
  }
  Json json(const std::string& key) const {
    Json value = Json::parse(text(key), nullptr, false);
    if (value.is_discarded()) refuse(key, "is not JSON");
    return value;
  }
  template <class T>
  T integer(const std::string& key) const {
    const std::string& digits = text(key);
    T value = 0;
    const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc() || stop != digits.data() + digits.size() || value < 0)
      refuse(key, "is \"" + digits + "\", not a whole number of 0 or more");
    return value;
  }
  [[noreturn]] void refuse(const std::string& key, const std::string& what) const {
    fail(path_.string(), ": metadata \"", key, "\" ", what);
  }

 private:
  const std::filesystem::path& path_;
  const std::map<std::string, std::string>& metadata_;
};

Shape read_shape(const MetadataReader& reader) {
  const Json json = reader.json("input_shape");
  if (!json.is_array() || json.empty() || json.size() > Shape::kMaxRank - 1)
    reader.refuse("input_shape", "is not an array of 1 to 3 extents");
  Shape shape;
  Index elements = 1;
  for (const Json& extent : json) {
    constexpr Index kMaxElements = Index{1} << 31;
    if (!extent.is_number_integer() || extent < 1 || extent > kMaxElements / elements)
      reader.refuse("input_shape", "has the impossible extent " + text_of(extent));
    shape.append(extent.get<Index>());
    elements *= extent.get<Index>();
  }
  return shape;
}

EnvOptions read_env(const MetadataReader& reader) {
  const Json json = reader.json("env");
  if (!json.is_object()) reader.refuse("env", "is not an object");
  EnvOptions env;
  const Json known = env_to_json(env);
  for (const auto& [key, value] : json.items()) {
    if (!known.contains(key)) reader.refuse("env", "has the unknown key \"" + key + "\"");
    const Json& example = known[key];
    const bool fits = example.is_string()           ? value.is_string()
                      : example.is_boolean()        ? value.is_boolean()
                      : example.is_number_integer() ? value.is_number_integer()
                                                    : value.is_number();
    if (!fits) reader.refuse("env", "has a value of the wrong type for \"" + key + "\": " + text_of(value));
  }
  env.id = json.value("id", env.id);
  env.map = json.value("map", env.map);
  env.observation = json.value("observation", env.observation);
  env.slippery = json.value("slippery", env.slippery);
  env.success_rate = json.value("success_rate", env.success_rate);
  env.slip = json.value("slip", env.slip);
  env.sutton_barto_reward = json.value("sutton_barto_reward", env.sutton_barto_reward);
  env.max_episode_steps = json.value("max_episode_steps", env.max_episode_steps);
  return env;
}

/// One finite number an element of the observation.
std::vector<double> read_statistics(const MetadataReader& reader, const std::string& key, Index elements,
                                    double minimum) {
  if (!reader.find(key)) return {};
  const Json json = reader.json(key);
  if (!json.is_array() || json.size() != static_cast<std::size_t>(elements))
    reader.refuse(key, "is not an array of " + std::to_string(elements) + " numbers");
  std::vector<double> values;
  for (const Json& value : json) {
    if (!value.is_number() || !std::isfinite(value.get<double>()) || value.get<double>() < minimum)
      reader.refuse(key, "holds the impossible value " + text_of(value));
    values.push_back(value.get<double>());
  }
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

void save_model(const std::filesystem::path& path, const Model& model) {
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
  write_safetensors(path, file);
}

Model load_model(const std::filesystem::path& path) {
  Model model;
  model.parameters = read_safetensors(path);
  const MetadataReader reader(path, model.parameters.metadata);
  const std::string* format = reader.find("format");
  // PyTorch's own writers set format to "pt".
  if (!format || !format->starts_with("bellman")) return model;
  if (*format != kFormat)
    reader.refuse("format", "is \"" + *format + "\"; this program reads \"" + kFormat +
                                "\" here, which a run writes to model.safetensors");
  model.network = reader.text("network");
  model.input_shape = read_shape(reader);
  if (reader.find("env")) model.env = read_env(reader);
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
