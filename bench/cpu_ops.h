// The ops that ops_bench times.
#pragma once

#include "bench/op_text.h"

namespace bellman::bench {

/// Registers every op at the sizes of real networks.
void add_all_ops();
/// Registers the op and the others of its family at the same size; their names differ.
void add_family_of(const OpText& text);

}  // namespace bellman::bench
