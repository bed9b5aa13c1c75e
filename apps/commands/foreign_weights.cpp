#include "apps/commands/foreign_weights.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <span>
#include <system_error>
#include <utility>

#include "core/base/check.h"
#include "core/base/text.h"
#include "core/io/safetensors.h"

namespace bellman {
namespace {

constexpr std::array<std::string_view, 6> kCommonPrefixes = {"network.",    "q_network.", "q_net.",
                                                             "policy_net.", "module.",    "_orig_mod."};

/// The chain of common prefixes at the front of "_orig_mod.network.0.weight"; empty where no layer follows.
std::string_view common_prefix(std::string_view name) {
  std::string_view rest = name;
  for (bool found = true; found;) {
    found = false;
    for (const std::string_view prefix : kCommonPrefixes)
      if (rest.starts_with(prefix)) {
        rest.remove_prefix(prefix.size());
        found = true;
      }
  }
  return layer_number(rest) ? name.substr(0, name.size() - rest.size()) : std::string_view();
}

/// "a", "b" and "c": at most five.
std::string listed(const std::set<std::string>& names) {
  constexpr std::size_t kMost = 5;
  std::string text;
  std::size_t count = 0;
  for (const std::string& name : names) {
    if (++count > kMost) return text + ", ...";
    text += (text.empty() ? "\"" : ", \"") + printable(name) + '"';
  }
  return text;
}

/// What names begin with, up to their first dot.
std::set<std::string> beginnings(const TensorFile& file) {
  std::set<std::string> all;
  for (const FileTensor& tensor : file.tensors)
    all.insert(tensor.name.substr(0, std::min(tensor.name.find('.'), tensor.name.size() - 1) + 1));
  return all;
}

bool any_begins_with(const TensorFile& file, const std::string& prefix) {
  return std::any_of(file.tensors.begin(), file.tensors.end(),
                     [&](const FileTensor& tensor) { return tensor.name.starts_with(prefix); });
}

std::string given_prefix(const TensorFile& file, const std::string& prefix) {
  const std::string with_dot = prefix.ends_with('.') ? prefix : prefix + '.';
  if (any_begins_with(file, with_dot)) return with_dot;
  if (any_begins_with(file, prefix)) return prefix;
  fail("no tensor's name begins with the prefix \"", printable(prefix), "\"; they begin with ",
       listed(beginnings(file)));
}

std::string found_prefix(const TensorFile& file) {
  std::set<std::string> prefixes;
  for (const FileTensor& tensor : file.tensors) {
    if (layer_number(tensor.name)) return "";
    if (const std::string_view prefix = common_prefix(tensor.name); !prefix.empty()) prefixes.emplace(prefix);
  }
  if (prefixes.size() > 1)
    fail("it holds several networks, under ", listed(prefixes), ": say with --prefix which one");
  return prefixes.empty() ? "" : *prefixes.begin();
}

void take_prefix(Weights& weights, const std::string& prefix) {
  if (prefix.empty()) return;
  std::vector<FileTensor>& tensors = weights.file.tensors;
  const std::size_t before = tensors.size();
  std::erase_if(tensors, [&](const FileTensor& tensor) { return !tensor.name.starts_with(prefix); });
  for (FileTensor& tensor : tensors) tensor.name.erase(0, prefix.size());
  std::string note = "names are read without their prefix \"" + printable(prefix) + "\"";
  if (const std::size_t others = before - tensors.size(); others > 0)
    note += "; " + std::to_string(others) + (others == 1 ? " tensor" : " tensors") + " without it left out";
  weights.notes.push_back(std::move(note));
}

void convert(Weights& weights) {
  std::set<std::string> converted;
  for (FileTensor& tensor : weights.file.tensors) {
    if (tensor.dtype == DType::kF32) continue;
    converted.insert(tensor.dtype_text());
    const std::vector<float> values = as_floats(tensor);
    const std::span<const std::byte> bytes = std::as_bytes(std::span(values));
    tensor.bytes.assign(bytes.begin(), bytes.end());
    tensor.dtype = DType::kF32;
  }
  if (!converted.empty()) {
    std::string types;
    for (const std::string& type : converted) types += (types.empty() ? "" : ", ") + type;
    weights.notes.push_back("numbers of type " + types + " are read as F32");
  }
}

}  // namespace

std::optional<Index> layer_number(std::string_view name) {
  Index number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  const bool whole = error == std::errc() && end != name.data() + name.size() && *end == '.' && number >= 0;
  return whole ? std::optional(number) : std::nullopt;
}

Weights foreign_weights(TensorFile file, const std::string& prefix) {
  Weights weights{std::move(file), {}};
  take_prefix(weights, prefix.empty() ? found_prefix(weights.file) : given_prefix(weights.file, prefix));
  convert(weights);
  return weights;
}

}  // namespace bellman
