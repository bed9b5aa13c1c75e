#include "rl/ranks/rank_states.h"

#include <array>
#include <utility>

#include "core/base/check.h"
#include "core/base/text.h"

namespace bellman {
namespace {

// Their rows are in the order of environments, and each rank has consecutive environments.
constexpr std::array kByRows = {"replay.observations", "envs.observations"};
constexpr std::string_view kEnvironment = "env.";  // "env.17"

bool has_rows(std::string_view tensor) {
  for (const std::string_view name : kByRows)
    if (tensor == name) return true;
  return false;
}

}  // namespace

bool is_dealt_out(std::string_view tensor) { return tensor.starts_with(kEnvironment) || has_rows(tensor); }

bool DealtOut::begin(const std::string& name, DType dtype, std::size_t count) {
  passes_ = is_dealt_out(name) && inner_.begin(name, dtype, count);
  return passes_;
}

void DealtOut::piece(std::span<const std::byte> bytes) {
  if (passes_) inner_.piece(bytes);
}

void append_part(TensorFile& state, TensorFile&& part, const std::string& source) {
  for (FileTensor& tensor : part.tensors) {
    if (!is_dealt_out(tensor.name))
      fail(source, ": ", printable(tensor.name), " is no tensor of a part of a checkpoint");
    FileTensor* whole = nullptr;
    for (FileTensor& known : state.tensors)
      if (known.name == tensor.name) whole = &known;
    if (!has_rows(tensor.name)) {
      if (whole) fail(source, ": ", printable(tensor.name), " is in another part, too");
      state.tensors.push_back(std::move(tensor));
      continue;
    }
    if (!whole || whole->dtype != tensor.dtype || whole->shape.size() != 1 || tensor.shape.size() != 1)
      fail(source, ": ", printable(tensor.name), " does not continue the parts before it");
    whole->shape[0] += tensor.shape[0];
    whole->bytes.insert(whole->bytes.end(), tensor.bytes.begin(), tensor.bytes.end());
  }
}

}  // namespace bellman
