// For any bytes: parse_safetensors reads tensors within the bytes' bounds, or throws Error. What was read
// can be written and read again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "core/base/check.h"
#include "core/io/safetensors.h"
#include "core/io/safetensors_header.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bellman;
  try {
    const TensorFile read = parse_safetensors(std::as_bytes(std::span(data, size)), "fuzz");
    std::size_t bytes = 0;
    SafetensorsHeader header;
    header.metadata = read.metadata;
    for (const FileTensor& tensor : read.tensors) {
      header.entries.push_back(
          {tensor.name, tensor.dtype, tensor.shape, bytes, bytes + tensor.bytes.size(), tensor.other_dtype});
      if (const ReadNumber number = number_reader(tensor.dtype)) {
        BELLMAN_CHECK(tensor.elements() * dtype_size(tensor.dtype) == tensor.bytes.size());
        for (std::size_t at = 0; at < tensor.bytes.size(); at += dtype_size(tensor.dtype))
          number(tensor.bytes.data() + at);
      }
      bytes += tensor.bytes.size();
    }
    BELLMAN_CHECK(bytes < size);
    const SafetensorsHeader again = parse_safetensors_header(safetensors_header_text(header), bytes);
    BELLMAN_CHECK(again.metadata == header.metadata && again.entries.size() == header.entries.size());
  } catch (const Error&) {
  }
  return 0;
}
