#include "apps/commands/state_difference.h"

namespace bellman {

std::string first_difference(const TensorFile& a, const TensorFile& b) {
  const auto is_time = [](const FileTensor& tensor) { return tensor.name.starts_with("time."); };
  for (const FileTensor& tensor : a.tensors) {
    if (is_time(tensor)) continue;
    const FileTensor* const other = b.find(tensor.name);
    if (!other || other->dtype != tensor.dtype || other->shape != tensor.shape ||
        other->bytes != tensor.bytes)
      return tensor.name;
  }
  for (const FileTensor& tensor : b.tensors)
    if (!is_time(tensor) && !a.find(tensor.name)) return tensor.name;
  return "";
}

}  // namespace bellman
