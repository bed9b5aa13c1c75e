// The shape of one sample as a user types it.
#pragma once

#include <string_view>

#include "core/base/tensor.h"

namespace bellman {

/// "4" or "4,8,8"; rank 0 for an empty text. Throws: Error that names key and text for anything else.
Shape parse_shape(std::string_view key, std::string_view text);

}  // namespace bellman
