#include "core/io/weights.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "core/base/text.h"
#include "core/io/safetensors_header.h"

namespace bellman {
namespace {

/// The tensor of `file` for one parameter. Throws: Error when it is missing or does not fit.
const FileTensor& matching_tensor(const TensorFile& file, const std::string& name, const Shape& shape) {
  const FileTensor* tensor = file.find(name);
  if (!tensor) fail("tensor \"", printable(name), "\" is missing");
  bool same = tensor->shape.size() == static_cast<std::size_t>(shape.rank());
  for (int i = 0; same && i < shape.rank(); ++i)
    same = tensor->shape[static_cast<std::size_t>(i)] == static_cast<std::uint64_t>(shape[i]);
  if (!same)
    fail("tensor \"", printable(name), "\" has the shape ", shape_text(tensor->shape),
         " but the network expects ", shape);
  const std::span<const float> values = tensor->f32();
  for (std::size_t i = 0; i < values.size(); ++i)
    if (!std::isfinite(values[i]))
      fail("tensor \"", printable(name), "\" holds ", values[i], " at element ", i);
  return *tensor;
}

}  // namespace

void append_parameters(TensorFile& file, Backend& backend, const Arena& parameters,
                       const std::string& prefix) {
  const std::vector<ArenaLayout::Entry>& entries = parameters.layout().entries();
  std::vector<float> values;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    values.resize(static_cast<std::size_t>(entries[i].shape.elements()));
    backend.download(values.data(), parameters[i].data(), values.size() * sizeof(float));
    file.add(prefix + entries[i].name, entries[i].shape, values);
  }
}

void load_parameters(const TensorFile& file, const std::filesystem::path& source, Backend& backend,
                     const Arena& parameters, const std::string& prefix) {
  try {
    const ArenaLayout& layout = parameters.layout();
    for (const FileTensor& tensor : file.tensors) {
      const bool known =
          std::any_of(layout.entries().begin(), layout.entries().end(),
                      [&](const ArenaLayout::Entry& entry) { return prefix + entry.name == tensor.name; });
      if (tensor.name.starts_with(prefix) && !known)
        fail("tensor \"", printable(tensor.name), "\" is none of the network's");
    }
    // Everything is checked before anything is set.
    std::vector<float> values(static_cast<std::size_t>(layout.size()), 0.0F);
    for (const ArenaLayout::Entry& entry : layout.entries()) {
      const std::span<const float> from = matching_tensor(file, prefix + entry.name, entry.shape).f32();
      std::copy(from.begin(), from.end(), values.begin() + entry.offset);
    }
    backend.upload(parameters.flat().data(), values.data(), values.size() * sizeof(float));
  } catch (const Error& error) {
    fail(source.string(), ": ", error.what());
  }
}

}  // namespace bellman
