// For any text: a network is made from it, for an image or for a row of features (the text's length
// decides), or Error is thrown.
#include <cstddef>
#include <cstdint>
#include <string>

#include "core/base/check.h"
#include "core/nn/network.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bellman;
  const std::string text(reinterpret_cast<const char*>(data), size);
  try {
    const Network network(text, size % 2 == 0 ? Shape{4} : Shape{2, 7, 5});
    BELLMAN_CHECK(network.layout().size() >= 0 && network.output_shape().elements() > 0);
  } catch (const Error&) {
  }
  return 0;
}
