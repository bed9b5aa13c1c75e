// A network's parameters as a file, with the names torch.nn.Sequential gives them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "core/io/safetensors.h"
#include "core/nn/network.h"

namespace bellman {

/// Appends the parameters to `file`, each name behind `prefix`.
void append_parameters(TensorFile& file, Backend& backend, const Arena& parameters,
                       const std::string& prefix = "");

/// Sets every parameter from `file` (names behind `prefix`; F32). `source` names the file in messages.
/// Throws: Error that names file and tensor when one is missing, superfluous (among those with the prefix),
/// of another shape or type, or holds NaN or infinity. The parameters are then unchanged.
void load_parameters(const TensorFile& file, const std::filesystem::path& source, Backend& backend,
                     const Arena& parameters, const std::string& prefix = "");

}  // namespace bellman
