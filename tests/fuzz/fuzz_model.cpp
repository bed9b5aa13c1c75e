// For any bytes: model_of reads a model or throws Error. A model that was read can be written and read
// back.
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/base/check.h"
#include "rl/train/model_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bellman;
  Model model;
  try {
    model = model_of(parse_safetensors(std::as_bytes(std::span(data, size)), "fuzz"), "fuzz");
  } catch (const Error&) {
    return 0;
  }
  if (model.input_shape.rank() == 0) return 0;  // another program's
  const TensorFile file = file_of(model);
  BELLMAN_CHECK(file_of(model_of(file, "fuzz")).metadata == file.metadata);
  return 0;
}
