#include "apps/run/checkpoint.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <system_error>
#include <utility>

#include "apps/base/json_text.h"
#include "apps/run/hashed_file.h"
#include "core/base/check.h"
#include "core/base/text.h"
#include "core/io/flat_json.h"
#include "rl/ranks/rank_states.h"

namespace bellman {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFormat = "bellman checkpoint 3";
constexpr const char* kPartFormat = "bellman checkpoint part 1";
constexpr std::array kEarlierFormats = {"bellman checkpoint 1", "bellman checkpoint 2"};
constexpr std::string_view kPrefix = "checkpoint-", kSuffix = ".safetensors";
constexpr std::size_t kDigits = 12;

std::int64_t whole_number(const fs::path& path, const char* what, const std::string& text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0)
    fail(path.string(), ": ", what, " is \"", printable(text), "\", must be a whole number");
  return number;
}

/// Format, and the hash over metadata, names and shapes.
void check_head(const fs::path& path, const Metadata& all, const std::string& right_digest) {
  const auto found = all.find("format");
  if (found != all.end() && std::ranges::find(kEarlierFormats, found->second) != kEarlierFormats.end())
    fail(path.string(),
         ": is a checkpoint of an earlier version of this program, whose runs had another state (\"",
         found->second, "\"; this version resumes \"", kFormat, "\")");
  if (found == all.end() || found->second != kFormat)
    fail(path.string(), ": is no checkpoint of this program (no format \"", kFormat, "\" in its metadata)");
  check_digest(path, all, right_digest);
}

/// An object of the metadata: `read` gives a member's value, or nothing for a bad one.
template <class T, class Read>
std::map<std::string, T> parse_object(const fs::path& path, const Metadata& all, const char* key,
                                      const Read& read) {
  const std::string name = metadata_name(path, key);
  std::map<std::string, T> members;
  read_json_object(name, required(path, all, key), [&](const std::string& member, const JsonValue& value) {
    const std::optional<T> known = read(member, value);
    if (!known) fail(name, " has ", value.shown(), " for \"", printable(member), "\"");
    if (!members.emplace(member, *known).second) fail(name, " has \"", printable(member), "\" twice");
  });
  return members;
}

/// The size of a log.
std::optional<std::int64_t> log_size(const std::string& log, const JsonValue& value) {
  const std::optional<std::int64_t> size = value.integer();
  return size && *size >= 0 && log.find('/') == std::string::npos ? size : std::nullopt;
}

/// The hash of a log's tail.
std::optional<std::string> log_tail(const std::string& /*log*/, const JsonValue& value) {
  return value.string() && value.string()->size() == 16 ? std::optional(*value.string()) : std::nullopt;
}

/// The hash of a part's metadata.
std::optional<std::string> part_digest(const std::string& part, const JsonValue& value) {
  return value.string() && part.find('/') == std::string::npos ? std::optional(*value.string())
                                                               : std::nullopt;
}

/// A checkpoint without its state.
Checkpoint described_by(const fs::path& path, const Metadata& all) {
  Checkpoint checkpoint;
  checkpoint.version = required(path, all, "version");
  checkpoint.build = required(path, all, "build");
  checkpoint.device = required(path, all, "device");
  checkpoint.config = required(path, all, "config");
  checkpoint.timestep = whole_number(path, "timestep", required(path, all, "timestep"));
  checkpoint.logs = parse_object<std::int64_t>(path, all, "logs", log_size);
  if (all.contains("log_tails"))
    checkpoint.log_tails = parse_object<std::string>(path, all, "log_tails", log_tail);
  if (all.contains("ranks")) checkpoint.ranks = whole_number(path, "ranks", required(path, all, "ranks"));
  if (all.contains("parts")) checkpoint.parts = parse_object<std::string>(path, all, "parts", part_digest);
  if (all.contains("history"))
    checkpoint.history = parse_history(metadata_name(path, "history"), required(path, all, "history"));
  return checkpoint;
}

/// A part that a checkpoint names. Throws: Error for another file in its place, and for a damaged one.
TensorFile load_part(const fs::path& path, const std::string& right_digest) {
  TensorFile part = read_safetensors(path);
  std::ranges::sort(part.tensors, {}, &FileTensor::name);
  const auto format = part.metadata.find("format");
  if (format == part.metadata.end() || format->second != kPartFormat)
    fail(path.string(), ": is no part of a checkpoint (no format \"", kPartFormat, "\" in its metadata)");
  check_digest(path, part.metadata, digest_of(part));
  if (part.metadata.at("xxh64") != right_digest)
    fail(path.string(), ": is a part of another checkpoint: its hash is ", part.metadata.at("xxh64"),
         ", not ", right_digest);
  check_hashes(path, part);
  return part;
}

/// "rank-1-of-2" in checkpoint-000000012000.rank-1-of-2.safetensors; empty for another name.
std::string_view rank_in(std::string_view name) {
  constexpr std::string_view kRank = ".rank-";
  if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) return {};
  const std::size_t at = name.find(kRank);
  if (at == std::string_view::npos) return {};
  return name.substr(at + 1, name.size() - kSuffix.size() - at - 1);
}

/// The parts in a directory that `is_wanted`.
template <class Wanted>
void remove_parts(const fs::path& directory, const Wanted& is_wanted) {
  std::error_code error;
  std::vector<fs::path> parts;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (!rank_in(name).empty() && is_wanted(name)) parts.push_back(entry->path());
  }
  if (error) fail("run directory ", directory.string(), ": ", error.message());
  for (const fs::path& part : parts)
    if (!fs::remove(part, error) && error) fail(part.string(), ": ", error.message());
}

/// The checkpoint's file that a part belongs to.
fs::path checkpoint_of_part(const fs::path& directory, std::string_view part) {
  return directory / (std::string(part.substr(0, part.find('.'))) + std::string(kSuffix));
}

}  // namespace

void save_checkpoint(const fs::path& path, const Checkpoint& checkpoint) {
  save_checkpoint(path, checkpoint, [&](StateSink& sink) {
    for (const FileTensor& tensor : checkpoint.state.tensors)
      if (sink.begin(tensor.name, tensor.dtype, tensor.elements())) sink.piece(tensor.bytes);
  });
}

void save_checkpoint(const fs::path& path, const Checkpoint& checkpoint, const StateSource& state) {
  std::map<std::string, std::string> logs, tails, parts;
  for (const auto& [name, size] : checkpoint.logs) logs[name] = std::to_string(size);
  for (const auto& [name, tail] : checkpoint.log_tails) tails[name] = json_string(tail);
  for (const auto& [name, part] : checkpoint.parts) parts[name] = json_string(part);
  Metadata metadata = {{"format", kFormat},           {"version", checkpoint.version},
                       {"build", checkpoint.build},   {"device", checkpoint.device},
                       {"config", checkpoint.config}, {"timestep", std::to_string(checkpoint.timestep)},
                       {"logs", json_object(logs)}};
  if (!checkpoint.log_tails.empty()) metadata["log_tails"] = json_object(tails);
  if (!checkpoint.history.empty()) metadata["history"] = history_text(checkpoint.history);
  if (checkpoint.ranks > 1) metadata["ranks"] = std::to_string(checkpoint.ranks);
  if (!checkpoint.parts.empty()) metadata["parts"] = json_object(parts);
  write_hashed(path, std::move(metadata), state);
}

SavedPart save_checkpoint_part(const fs::path& directory, std::int64_t timestep, int rank, int ranks,
                               const StateSource& state) {
  fs::path path = checkpoint_path(directory, timestep);
  path.replace_extension();
  path += ".rank-" + std::to_string(rank) + "-of-" + std::to_string(ranks) + std::string(kSuffix);
  std::string xxh64 = write_hashed(
      path, {{"format", kPartFormat}, {"timestep", std::to_string(timestep)}, {"rank", std::to_string(rank)}},
      [&](StateSink& sink) {
        DealtOut dealt_out(sink);
        state(dealt_out);
      });
  return {path.filename().string(), std::move(xxh64)};
}

void remove_checkpoint(const fs::path& path) {
  std::error_code error;
  if (!fs::remove(path, error) && error) fail(path.string(), ": ", error.message());
  const fs::path directory = path.parent_path();
  remove_parts(directory,
               [&](const std::string& part) { return checkpoint_of_part(directory, part) == path; });
}

void remove_stray_parts(const fs::path& directory) {
  remove_parts(directory, [&](const std::string& part) {
    std::error_code error;
    return !fs::exists(checkpoint_of_part(directory, part), error) && !error;
  });
}

Checkpoint load_checkpoint(const fs::path& path) {
  Checkpoint checkpoint = checkpoint_of(read_safetensors(path), path);
  std::vector<std::pair<int, fs::path>> parts;  // in the order of ranks, which is that of environments
  for (const auto& [name, xxh64] : checkpoint.parts) {
    constexpr std::string_view kRank = "rank-";
    const std::string_view rank = rank_in(name);
    int number = 0;
    if (rank.starts_with(kRank))
      std::from_chars(rank.data() + kRank.size(), rank.data() + rank.size(), number);
    if (number < 1)
      fail(metadata_name(path, "parts"), " has \"", printable(name), "\", which is no name of a part");
    parts.emplace_back(number, path.parent_path() / name);
  }
  std::ranges::sort(parts);
  for (const auto& [rank, part] : parts)
    append_part(checkpoint.state, load_part(part, checkpoint.parts.at(part.filename().string())),
                part.string());
  checkpoint.parts.clear();
  return checkpoint;
}

Checkpoint load_checkpoint_head(const fs::path& path) {
  SafetensorsHead head = read_safetensors_head(path);
  check_head(path, head.metadata, digest_of(head));
  return described_by(path, head.metadata);
}

Checkpoint checkpoint_of(TensorFile file, const fs::path& path) {
  std::ranges::sort(file.tensors, {}, &FileTensor::name);
  check_head(path, file.metadata, digest_of(file));
  check_hashes(path, file);
  Checkpoint checkpoint = described_by(path, file.metadata);
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

std::string first_difference(const TensorFile& a, const TensorFile& b) {
  const auto is_time = [](const FileTensor& tensor) { return tensor.name.starts_with("time."); };
  for (const FileTensor& tensor : a.tensors) {
    if (is_time(tensor)) continue;
    const FileTensor* const other = b.find(tensor.name);
    if (!other || other->dtype != tensor.dtype || other->shape != tensor.shape ||
        other->bytes != tensor.bytes)
      return tensor.name;
  }
  for (const FileTensor& tensor : b.tensors)
    if (!is_time(tensor) && !a.find(tensor.name)) return tensor.name;
  return "";
}

}  // namespace bellman
