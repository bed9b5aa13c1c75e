// The numbers of a file's tensors, whatever their type.
#pragma once

#include <cstddef>
#include <vector>

#include "core/io/safetensors.h"

namespace bellman {

/// Reads one element as a double: a truth value as 0 or 1, 64-bit integers rounded.
using ReadNumber = double (*)(const std::byte* element);

/// Null for types whose elements are no numbers of whole bytes: C64, F6_E2M3, F6_E3M2, F4 and kOther.
ReadNumber number_reader(DType dtype);

/// The tensor's elements as floats, the nearest ones. Throws: Error, naming the tensor, when it is of another
/// type than F32, F64, F16 and BF16, or holds a finite number beyond what a float holds.
std::vector<float> as_floats(const FileTensor& tensor);

}  // namespace bellman
