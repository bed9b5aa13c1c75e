// Weights as other programs write them: of other types than F32, under names that begin with those of the
// modules that the network was part of.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/io/safetensors.h"

namespace bellman {

/// The number before the first dot of "12.weight", as torch.nn.Sequential names its parts; none for other
/// names.
std::optional<Index> layer_number(std::string_view name);

struct Weights {
  TensorFile file;                 // F32; names without the prefix
  std::vector<std::string> notes;  // what was done, a sentence each; none for what this program writes
};

/// Makes what load_parameters takes of a file's tensors. With a `prefix`, those whose names begin with it (a
/// dot behind it may be left out) are taken, without it, and all others left out. Without one, and when no
/// name is torch.nn.Sequential's, a common one is looked for: any chain of `network.`, `q_network.`,
/// `q_net.`, `policy_net.`, `module.` and `_orig_mod.` behind which a layer's number follows. F64, F16 and
/// BF16 become F32. Throws: Error, without the file's name, when no name begins with `prefix`, when several
/// common prefixes are there, or for a tensor that holds no floating-point numbers or some beyond a float.
Weights foreign_weights(TensorFile file, const std::string& prefix);

}  // namespace bellman
