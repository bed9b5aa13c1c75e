// A network as one C99 file: static arrays, no allocation, nothing but the C library's mathematics.
#pragma once

#include <string>
#include <string_view>

#include "apps/export/exported_network.h"

namespace bellman {

/// The text of a file that defines NAME_q_values() and NAME_action(); compiled with NAME_MAIN defined it is a
/// program that reads observations and prints Q-values. Sums have float products added in float, in the order of
/// the inputs. REQUIRES: `name` is an identifier of C.
std::string c_source(const ExportedNetwork& network, std::string_view name);

}  // namespace bellman
