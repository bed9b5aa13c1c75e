// Whatever the text: a network is made from it, for an image or for a row of features, or Error is thrown.
#include <cstddef>
#include <cstdint>
#include <string>

#include "core/check.h"
#include "core/network.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bellman;
  const std::string text(reinterpret_cast<const char*>(data), size);
  for (const Shape& input : {Shape{4}, Shape{2, 7, 5}}) try {
      const Network network(text, input);
      BELLMAN_CHECK(network.layout().size() >= 0 && network.output_shape().elements() > 0);
    } catch (const Error&) {
    }
  return 0;
}
