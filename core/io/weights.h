// A network's parameters in a file, named as in torch.nn.Sequential.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "core/io/safetensors.h"
#include "core/nn/network.h"

namespace bellman {

/// Appends the parameters to `file`, each name with `prefix`.
void append_parameters(TensorFile& file, Backend& backend, const Arena& parameters,
                       const std::string& prefix = "");

/// Sets every parameter from the F32 tensors of `file` whose names start with `prefix`. Messages name
/// `source`.
/// Throws: Error that names file and tensor when one is missing, superfluous, of another shape or type, or
/// not finite. The parameters are then unchanged.
void load_parameters(const TensorFile& file, const std::filesystem::path& source, Backend& backend,
                     const Arena& parameters, const std::string& prefix = "");

}  // namespace bellman
