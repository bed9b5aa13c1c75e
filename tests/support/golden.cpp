#include "tests/support/golden.h"

#include <cmath>
#include <fstream>
#include <functional>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/base/check.h"
#include "tests/support/test_data.h"

namespace bellman::test {
namespace {

using Json = nlohmann::json;

bool is_tensor(const Json& value) { return value.is_object() && value.contains("data"); }

HostTensor<double> read_tensor(const Json& value) {
  Shape shape;
  for (const Json& extent : value.at("shape")) shape.append(extent.get<Index>());
  return {shape, value.at("data").get<std::vector<double>>()};
}

template <class V>
const V& find(const std::map<std::string, V>& values, const std::string& path, const std::string& file) {
  const auto found = values.find(path);
  if (found == values.end()) fail(file, ": there is no ", path);
  return found->second;
}

}  // namespace

Golden::Golden(std::string_view name) : file_((test_data() / (std::string(name) + ".json")).string()) {
  std::ifstream stream(file_);
  if (!stream) fail(file_, ": cannot be opened");
  const std::function<void(const std::string&, const Json&)> read = [&](const std::string& path,
                                                                        const Json& value) {
    if (is_tensor(value)) {
      tensors_.emplace(path, read_tensor(value));
    } else if (value.is_object()) {
      std::vector<std::string>& keys = keys_[path];
      for (const auto& [key, child] : value.items()) {
        keys.push_back(key);
        read(path.empty() ? key : path + "." + key, child);
      }
    } else if (value.is_number() || value.is_boolean()) {
      numbers_.emplace(path, value.is_boolean() ? double(value.get<bool>()) : value.get<double>());
    } else if (value.is_string()) {
      texts_.emplace(path, value.get<std::string>());
    } else {
      fail(file_, ": ", path, " is neither a tensor, a number nor a text");
    }
  };
  try {
    read("", Json::parse(stream));
  } catch (const Json::exception& error) {
    fail(file_, ": ", error.what());
  }
}

const HostTensor<double>& Golden::operator[](const std::string& path) const {
  return find(tensors_, path, file_);
}

HostTensor<std::int32_t> Golden::integers(const std::string& path) const {
  const HostTensor<double>& tensor = (*this)[path];
  HostTensor<std::int32_t> whole(tensor.shape());
  for (std::size_t i = 0; i < tensor.size(); ++i) {
    if (tensor[i] != std::round(tensor[i])) fail(file_, ": ", path, "[", i, "] is ", tensor[i]);
    whole[i] = static_cast<std::int32_t>(tensor[i]);
  }
  return whole;
}

double Golden::number(const std::string& path) const { return find(numbers_, path, file_); }

const std::string& Golden::text(const std::string& path) const { return find(texts_, path, file_); }

std::vector<std::string> Golden::keys(const std::string& path) const { return find(keys_, path, file_); }

}  // namespace bellman::test
