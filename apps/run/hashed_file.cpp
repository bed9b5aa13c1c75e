#include "apps/run/hashed_file.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "apps/base/fingerprint.h"
#include "apps/base/json_text.h"
#include "core/base/check.h"
#include "core/base/text.h"
#include "core/io/files.h"
#include "core/io/flat_json.h"

namespace bellman {
namespace {

namespace fs = std::filesystem;

std::string_view bytes_of(const FileTensor& tensor) {
  return {reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size()};
}

/// The hash over metadata, names and shapes; the tensors' bytes enter it through their hashes. REQUIRES: the tensors are
/// sorted by name (write_safetensors chooses the order of a file's bytes).
std::string digest(const Metadata& metadata, const std::vector<TensorHead>& tensors) {
  std::string text;
  for (const auto& [key, value] : metadata)
    if (key != "xxh64")
      text += std::to_string(key.size()) + ":" + key + std::to_string(value.size()) + ":" + value;
  for (const TensorHead& tensor : tensors) {
    text += tensor.name + " " + dtype_name(tensor.dtype);
    for (const std::uint64_t extent : tensor.shape) text += " " + std::to_string(extent);
    text += "\n";
  }
  return xxh64(text);
}

std::vector<TensorHead> sorted_by_name(std::vector<TensorHead> heads) {
  std::sort(heads.begin(), heads.end(),
            [](const TensorHead& a, const TensorHead& b) { return a.name < b.name; });
  return heads;
}

std::vector<TensorHead> by_name(const TensorFile& file) {
  std::vector<TensorHead> heads;
  for (const FileTensor& tensor : file.tensors) heads.push_back({tensor.name, tensor.dtype, tensor.shape});
  return sorted_by_name(std::move(heads));
}

// Tensors of at most this size in bytes are kept from the first pass over a state: wall times are among them,
// which differ in the second pass.
constexpr std::size_t kSmall = 4096;

/// A state as the first pass found it.
struct SeenState {
  std::vector<TensorHead> heads;
  std::vector<std::string> hashes;
  std::vector<std::vector<std::byte>> small;  // empty for a larger tensor
};

std::size_t bytes_of(const TensorHead& head) {
  return static_cast<std::size_t>(head.shape.front()) * dtype_size(head.dtype);
}

/// The first pass over a state: heads and hashes.
class Hashing final : public StateSink {
 public:
  bool begin(const std::string& name, DType dtype, std::size_t count) override {
    finish();
    seen_.heads.push_back({name, dtype, {count}});
    seen_.small.emplace_back();
    hash_.reset();
    return true;
  }
  void piece(std::span<const std::byte> bytes) override {
    hash_.add(bytes);
    if (bytes_of(seen_.heads.back()) <= kSmall)
      seen_.small.back().insert(seen_.small.back().end(), bytes.begin(), bytes.end());
  }
  SeenState take() {
    finish();
    return std::move(seen_);
  }

 private:
  void finish() {
    if (!seen_.heads.empty()) seen_.hashes.push_back(hash_.digits());
  }

  SeenState seen_;
  Xxh64 hash_;
};

/// A second pass: writes the tensors whose elements have one size.
class Writing final : public StateSink {
 public:
  Writing(const SeenState& seen, std::size_t element_size, const WriteBytes& write)
      : seen_(seen), element_size_(element_size), write_(write) {}

  bool begin(const std::string& name, DType dtype, std::size_t count) override {
    flush();
    const std::size_t i = next_++;
    if (i >= seen_.heads.size() || seen_.heads[i].name != name || seen_.heads[i].dtype != dtype ||
        seen_.heads[i].shape.front() != count)
      fail("the state's tensor ", name, " changed while it was written");
    if (dtype_size(dtype) != element_size_) return false;
    if (bytes_of(seen_.heads[i]) > kSmall) return true;
    write_(seen_.small[i]);
    return false;
  }
  /// Small pieces are gathered: the replay of many environments has many.
  void piece(std::span<const std::byte> bytes) override {
    constexpr std::size_t kGathered = std::size_t{1} << 20;
    if (gathered_.size() + bytes.size() > kGathered) flush();
    if (bytes.size() >= kGathered / 2)
      write_(bytes);
    else
      gathered_.insert(gathered_.end(), bytes.begin(), bytes.end());
  }
  void flush() {
    if (!gathered_.empty()) write_(gathered_);
    gathered_.clear();
  }

 private:
  const SeenState& seen_;
  std::size_t element_size_;
  const WriteBytes& write_;
  std::size_t next_ = 0;
  std::vector<std::byte> gathered_;
};

}  // namespace

std::string digest_of(const TensorFile& file) { return digest(file.metadata, by_name(file)); }
std::string digest_of(const SafetensorsHead& head) {
  return digest(head.metadata, sorted_by_name(head.tensors));
}

std::string write_hashed(const fs::path& path, Metadata metadata, const StateSource& state) {
  Hashing hashing;
  state(hashing);
  const SeenState seen = hashing.take();
  std::map<std::string, std::string> hashes;
  for (std::size_t i = 0; i < seen.heads.size(); ++i)
    hashes[seen.heads[i].name] = json_string(seen.hashes[i]);
  metadata["hashes"] = json_object(hashes);
  metadata["xxh64"] = digest(metadata, sorted_by_name(seen.heads));
  write_safetensors(path, metadata, seen.heads, [&](std::size_t element_size, const WriteBytes& write) {
    Writing writing(seen, element_size, write);
    state(writing);
    writing.flush();
  });
  return metadata["xxh64"];
}

void check_digest(const fs::path& path, const Metadata& metadata, const std::string& right_digest) {
  if (right_digest != required(path, metadata, "xxh64"))
    fail(path.string(), ": is damaged: the hash over metadata, names and shapes does not match");
}

void check_hashes(const fs::path& path, const TensorFile& file) {
  const std::string name = metadata_name(path, "hashes");
  std::vector<bool> is_right(file.tensors.size());
  read_json_object(name, required(path, file.metadata, "hashes"),
                   [&](const std::string& key, const JsonValue& hash) {
                     const auto tensor = std::ranges::lower_bound(file.tensors, key, {}, &FileTensor::name);
                     if (tensor == file.tensors.end() || tensor->name != key)
                       fail(name, " has \"", printable(key), "\", which is no tensor");
                     const auto i = static_cast<std::size_t>(tensor - file.tensors.begin());
                     if (is_right[i]) fail(name, " has \"", printable(key), "\" twice");
                     if (!hash.string() || *hash.string() != xxh64(bytes_of(*tensor)))
                       fail(path.string(), ": is damaged: the hash of ", printable(key), " does not match");
                     is_right[i] = true;
                   });
  for (std::size_t i = 0; i < is_right.size(); ++i)
    if (!is_right[i]) fail(name, " lacks ", printable(file.tensors[i].name));
}

const std::string& required(const fs::path& path, const Metadata& metadata, const char* key) {
  const auto found = metadata.find(key);
  if (found == metadata.end()) fail(path.string(), ": the metadata has no ", key);
  return found->second;
}

std::string metadata_name(const fs::path& path, const char* key) {
  return path.string() + ": metadata \"" + key + "\"";
}

}  // namespace bellman
