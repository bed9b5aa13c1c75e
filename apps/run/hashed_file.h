// A safetensors file whose metadata has a hash of everything in it, and that is written in pieces.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "core/io/safetensors.h"
#include "rl/state/training_state.h"

namespace bellman {

using Metadata = std::map<std::string, std::string>;

/// Writes atomically: an earlier file of that name stays whole until this one is. Adds to the metadata "hashes", a JSON object
/// with xxh64 of each tensor's bytes, and "xxh64", of the metadata and of every tensor's name, type and shape; returns the
/// latter. `state` is called once for the hashes and once for each element size, so that only a few kilobytes of the
/// state are in memory at a time. REQUIRES: neither key is there. Throws: Error that names the file and the system's reason.
std::string write_hashed(const std::filesystem::path& path, Metadata metadata, const StateSource& state);

/// The "xxh64" that the file's metadata has if the file is undamaged: 16 hexadecimal digits.
std::string digest_of(const TensorFile& file);
std::string digest_of(const SafetensorsHead& head);

/// Throws: Error that names the file where its metadata's "xxh64" is another.
void check_digest(const std::filesystem::path& path, const Metadata& metadata,
                  const std::string& right_digest);
/// Throws: Error that names the file and the tensor whose bytes have another hash than "hashes" says, or none. REQUIRES:
/// the file's tensors are sorted by name.
void check_hashes(const std::filesystem::path& path, const TensorFile& file);

/// The metadata's value. Throws: Error that names the file and the key where there is none.
const std::string& required(const std::filesystem::path& path, const Metadata& metadata, const char* key);
/// The beginning of messages about a JSON text in the metadata.
std::string metadata_name(const std::filesystem::path& path, const char* key);

}  // namespace bellman
