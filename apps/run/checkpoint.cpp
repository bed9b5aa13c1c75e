#include "apps/run/checkpoint.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <optional>
#include <span>
#include <system_error>

#include <link.h>
#include <nlohmann/json.hpp>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/base/check.h"
#include "core/base/text.h"
#include "core/io/files.h"
#include "core/io/flat_json.h"

namespace bellman {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFormat = "bellman checkpoint 3";
constexpr std::array kEarlierFormats = {"bellman checkpoint 1", "bellman checkpoint 2"};
constexpr std::string_view kPrefix = "checkpoint-", kSuffix = ".safetensors";
constexpr std::size_t kDigits = 12;

std::string_view bytes_of(const FileTensor& tensor) {
  return {reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size()};
}

/// What the linker's note among `notes` (an ELF segment: elf(5)) says to tell this program from every other;
/// `otherwise` when it is not among them.
std::string_view build_id_among(std::string_view notes, std::string_view otherwise) {
  const auto padded = [](std::size_t size) { return (size + 3) / 4 * 4; };
  while (notes.size() >= sizeof(ElfW(Nhdr))) {
    ElfW(Nhdr) note;
    std::memcpy(&note, notes.data(), sizeof note);
    const std::size_t begin = sizeof note + padded(note.n_namesz);
    if (note.n_type == NT_GNU_BUILD_ID && notes.substr(sizeof note, 4) == std::string_view("GNU\0", 4))
      return notes.substr(begin, note.n_descsz);
    notes.remove_prefix(std::min(notes.size(), begin + padded(note.n_descsz)));
  }
  return otherwise;
}

/// What the one hash over everything is of. The tensors' bytes are in it through their hashes. REQUIRES: the
/// tensors are sorted by name; the order of a file's bytes is the writer's affair (write_safetensors).
std::string digest(const std::map<std::string, std::string>& metadata,
                   const std::vector<TensorHead>& tensors) {
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

std::string digits_of(XXH64_hash_t hash) {
  std::array<char, 17> digits{};
  std::snprintf(digits.data(), digits.size(), "%016llx", static_cast<unsigned long long>(hash));
  return digits.data();
}

// Tensors up to so many bytes are kept from the first look at a state: wall times among them, which pass.
constexpr std::size_t kSmall = 4096;

/// A state as it was seen the first time.
struct SeenState {
  std::vector<TensorHead> heads;
  std::vector<std::string> hashes;
  std::vector<std::vector<std::byte>> small;  // of a larger tensor: nothing
};

std::size_t bytes_of(const TensorHead& head) {
  return static_cast<std::size_t>(head.shape.front()) * dtype_size(head.dtype);
}

/// Looks at a state for its heads and hashes.
class Hashing final : public StateSink {
 public:
  bool begin(const std::string& name, DType dtype, std::size_t count) override {
    finish();
    seen_.heads.push_back({name, dtype, {count}});
    seen_.small.emplace_back();
    XXH64_reset(&hash_, 0);
    return true;
  }
  void piece(std::span<const std::byte> bytes) override {
    XXH64_update(&hash_, bytes.data(), bytes.size());
    if (bytes_of(seen_.heads.back()) <= kSmall)
      seen_.small.back().insert(seen_.small.back().end(), bytes.begin(), bytes.end());
  }
  SeenState take() {
    finish();
    return std::move(seen_);
  }

 private:
  void finish() {
    if (!seen_.heads.empty()) seen_.hashes.push_back(digits_of(XXH64_digest(&hash_)));
  }

  SeenState seen_;
  XXH64_state_t hash_{};
};

/// Writes the tensors of one size of element.
class Writing final : public StateSink {
 public:
  Writing(const SeenState& seen, std::size_t element_size, const WriteBytes& write)
      : seen_(seen), element_size_(element_size), write_(write) {}

  bool begin(const std::string& name, DType dtype, std::size_t count) override {
    flush();
    const std::size_t i = next_++;
    if (i >= seen_.heads.size() || seen_.heads[i].name != name || seen_.heads[i].dtype != dtype ||
        seen_.heads[i].shape.front() != count)
      fail("the state's tensor ", name, " is another at a second look");
    if (dtype_size(dtype) != element_size_) return false;
    if (bytes_of(seen_.heads[i]) > kSmall) return true;
    write_(seen_.small[i]);
    return false;
  }
  /// Small pieces are gathered: a replay of many environments has many.
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

std::string metadata(const fs::path& path, const TensorFile& file, const char* key) {
  const auto found = file.metadata.find(key);
  if (found == file.metadata.end()) fail(path.string(), ": the metadata has no ", key);
  return found->second;
}

std::int64_t whole_number(const fs::path& path, const char* what, const std::string& text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0)
    fail(path.string(), ": ", what, " is \"", printable(text), "\", must be a whole number");
  return number;
}

std::string history_text(const std::vector<PastSettings>& history) {
  nlohmann::json list = nlohmann::json::array();
  for (const PastSettings& past : history) list.push_back({{"config", past.config}, {"until", past.until}});
  return list.dump();
}

/// What messages about a JSON text in the metadata begin with.
std::string name_of(const fs::path& path, const char* key) {
  return path.string() + ": metadata \"" + key + "\"";
}

std::vector<PastSettings> parse_history(const fs::path& path, const std::string& text) {
  struct Entry {
    std::optional<std::string> config;
    std::optional<std::int64_t> until;
  };
  const std::string name = name_of(path, "history");
  std::vector<Entry> entries;
  const std::size_t count =
      read_json_objects(name, text, [&](std::size_t i, const std::string& key, const JsonValue& value) {
        if (i > entries.size()) fail(name, " has an empty entry");
        entries.resize(i + 1);
        if (key == "config" && value.string() && !entries[i].config)
          entries[i].config = *value.string();
        else if (key == "until" && value.integer() && !entries[i].until)
          entries[i].until = value.integer();
        else
          fail(name, ": entry ", i + 1, " says ", value.shown(), " of \"", printable(key),
               "\"; expected one config, a text, and one until, a step");
      });
  if (count > entries.size()) fail(name, " has an empty entry");
  std::vector<PastSettings> history;
  for (Entry& entry : entries) {
    const std::int64_t before = history.empty() ? 0 : history.back().until;
    if (!entry.config || !entry.until || *entry.until < before)
      fail(name, ": entry ", history.size() + 1, " needs a config and until which step, from ", before,
           " on");
    history.push_back({std::move(*entry.config), *entry.until});
  }
  return history;
}

/// REQUIRES: the file's tensors are sorted by name.
void check_hashes(const fs::path& path, const TensorFile& file) {
  const auto found = file.metadata.find("format");
  if (found != file.metadata.end() &&
      std::ranges::find(kEarlierFormats, found->second) != kEarlierFormats.end())
    fail(path.string(),
         ": is a checkpoint of an earlier version of this program, whose runs had another state (\"",
         found->second, "\"; this version resumes \"", kFormat, "\")");
  if (found == file.metadata.end() || found->second != kFormat)
    fail(path.string(), ": is no checkpoint of this program (no format \"", kFormat, "\" in its metadata)");
  if (checkpoint_digest(file) != metadata(path, file, "xxh64"))
    fail(path.string(), ": is damaged: the hash over metadata, names and shapes does not match");
  const std::string name = name_of(path, "hashes");
  std::vector<bool> is_right(file.tensors.size());
  read_json_object(name, metadata(path, file, "hashes"), [&](const std::string& key, const JsonValue& hash) {
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

std::map<std::string, std::int64_t> parse_logs(const fs::path& path, const std::string& text) {
  const std::string name = name_of(path, "logs");
  std::map<std::string, std::int64_t> sizes;
  read_json_object(name, text, [&](const std::string& key, const JsonValue& bytes) {
    const std::optional<std::int64_t> size = bytes.integer();
    if (!size || *size < 0 || key.find('/') != std::string::npos)
      fail(name, " says ", bytes.shown(), " of \"", printable(key), "\"");
    if (!sizes.emplace(key, *size).second) fail(name, " has \"", printable(key), "\" twice");
  });
  return sizes;
}

std::map<std::string, std::string> parse_log_tails(const fs::path& path, const std::string& text) {
  const std::string name = name_of(path, "log_tails");
  std::map<std::string, std::string> tails;
  read_json_object(name, text, [&](const std::string& key, const JsonValue& hash) {
    if (!hash.string() || hash.string()->size() != 16)
      fail(name, " says ", hash.shown(), " of \"", printable(key), "\"");
    if (!tails.emplace(key, *hash.string()).second) fail(name, " has \"", printable(key), "\" twice");
  });
  return tails;
}

}  // namespace

std::string xxh64(std::string_view bytes) { return digits_of(XXH64(bytes.data(), bytes.size(), 0)); }

std::string checkpoint_digest(const TensorFile& file) { return digest(file.metadata, by_name(file)); }

void save_checkpoint(const fs::path& path, const Checkpoint& checkpoint) {
  save_checkpoint(path, checkpoint, [&](StateSink& sink) {
    for (const FileTensor& tensor : checkpoint.state.tensors)
      if (sink.begin(tensor.name, tensor.dtype, tensor.elements())) sink.piece(tensor.bytes);
  });
}

void save_checkpoint(const fs::path& path, const Checkpoint& checkpoint, const StateSource& state) {
  Hashing hashing;
  state(hashing);
  const SeenState seen = hashing.take();
  nlohmann::json hashes = nlohmann::json::object();
  for (std::size_t i = 0; i < seen.heads.size(); ++i) hashes[seen.heads[i].name] = seen.hashes[i];
  std::map<std::string, std::string> metadata = {{"format", kFormat},
                                                 {"version", checkpoint.version},
                                                 {"build", checkpoint.build},
                                                 {"device", checkpoint.device},
                                                 {"config", checkpoint.config},
                                                 {"timestep", std::to_string(checkpoint.timestep)},
                                                 {"logs", nlohmann::json(checkpoint.logs).dump()},
                                                 {"hashes", hashes.dump()}};
  if (!checkpoint.log_tails.empty()) metadata["log_tails"] = nlohmann::json(checkpoint.log_tails).dump();
  if (!checkpoint.history.empty()) metadata["history"] = history_text(checkpoint.history);
  metadata["xxh64"] = digest(metadata, sorted_by_name(seen.heads));
  write_safetensors(path, metadata, seen.heads, [&](std::size_t element_size, const WriteBytes& write) {
    Writing writing(seen, element_size, write);
    state(writing);
    writing.flush();
  });
}

Checkpoint load_checkpoint(const fs::path& path) { return checkpoint_of(read_safetensors(path), path); }

Checkpoint checkpoint_of(TensorFile file, const fs::path& path) {
  std::sort(file.tensors.begin(), file.tensors.end(),
            [](const FileTensor& a, const FileTensor& b) { return a.name < b.name; });
  check_hashes(path, file);
  Checkpoint checkpoint;
  checkpoint.version = metadata(path, file, "version");
  checkpoint.build = metadata(path, file, "build");
  checkpoint.device = metadata(path, file, "device");
  checkpoint.config = metadata(path, file, "config");
  checkpoint.timestep = whole_number(path, "timestep", metadata(path, file, "timestep"));
  checkpoint.logs = parse_logs(path, metadata(path, file, "logs"));
  if (file.metadata.contains("log_tails"))
    checkpoint.log_tails = parse_log_tails(path, metadata(path, file, "log_tails"));
  if (file.metadata.contains("history"))
    checkpoint.history = parse_history(path, metadata(path, file, "history"));
  checkpoint.state = std::move(file);
  return checkpoint;
}

fs::path checkpoint_path(const fs::path& directory, std::int64_t timestep) {
  std::string digits = std::to_string(timestep);
  if (digits.size() < kDigits) digits.insert(0, kDigits - digits.size(), '0');
  return directory / (std::string(kPrefix) + digits + std::string(kSuffix));
}

std::vector<fs::path> checkpoints_of(const fs::path& directory) {
  std::error_code error;
  std::vector<std::pair<std::int64_t, fs::path>> found;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) continue;
    const char* const begin = name.data() + kPrefix.size();
    const char* const stop = name.data() + name.size() - kSuffix.size();
    std::int64_t timestep = 0;
    const auto [end_of_number, wrong] = std::from_chars(begin, stop, timestep);
    if (wrong == std::errc() && end_of_number == stop) found.emplace_back(timestep, entry->path());
  }
  if (error) fail("run directory ", directory.string(), ": ", error.message());
  std::sort(found.rbegin(), found.rend());
  std::vector<fs::path> paths;
  for (auto& [timestep, path] : found) paths.push_back(std::move(path));
  return paths;
}

std::string build_id() {
  std::string_view id;
  // The first object of the list is the program itself.
  dl_iterate_phdr(
      [](dl_phdr_info* program, std::size_t, void* found) {
        for (const ElfW(Phdr) & segment : std::span(program->dlpi_phdr, program->dlpi_phnum))
          if (segment.p_type == PT_NOTE)
            *static_cast<std::string_view*>(found) = build_id_among(
                {reinterpret_cast<const char*>(program->dlpi_addr + segment.p_vaddr), segment.p_memsz},
                *static_cast<std::string_view*>(found));
        return 1;
      },
      &id);
  if (id.empty()) fail("the program was linked without --build-id: a checkpoint could not say what made it");
  return xxh64(id);
}

}  // namespace bellman
