// A network in the format of ONNX, the Open Neural Network Exchange (https://onnx.ai): a protocol buffer, written here
// field by field.
#pragma once

#include <string>

#include "apps/export/exported_network.h"

namespace bellman {

/// The bytes of a model with one input, `observation` (N, input), and one output, `q_values` (N, A), both
/// 32-bit floats. Operator set 17. Throws: Error for more than the 2 GiB that a protocol buffer may have.
std::string onnx_file(const ExportedNetwork& network);

}  // namespace bellman
