#include "tests/apps/run_outcome.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <sstream>
#include <string_view>

#include <doctest/doctest.h>

#include "apps/run/checkpoint.h"
#include "core/io/files.h"
#include "core/io/safetensors.h"
#include "tests/apps/text_file.h"

namespace bellman::test {
namespace {

namespace fs = std::filesystem;

std::string content(const fs::path& path) { return read_file(path, std::size_t{1} << 30); }

bool is_time(const std::string& scalar) {
  return scalar == "time/fps" || scalar == "time/seconds" || scalar.starts_with("seconds/");
}

std::vector<std::string> cells(const std::string& line) {
  std::vector<std::string> result(1);
  for (const char c : line) {
    if (c == ',')
      result.emplace_back();
    else
      result.back() += c;
  }
  return result;
}

/// The first line's start of the run and each line's last column are times.
std::vector<std::string> monitor_without_times(const std::string& text) {
  REQUIRE(text.ends_with('\n'));
  std::vector<std::string> lines = lines_of(text);
  REQUIRE(lines.size() > 2);
  CHECK(lines[0].starts_with("#{\"t_start\": "));
  CHECK(lines[1] == "r,l,t");
  lines.erase(lines.begin());
  for (std::string& line : lines) {
    REQUIRE(std::count(line.begin(), line.end(), ',') == 2);
    line.resize(line.rfind(','));
  }
  return lines;
}

/// Of progress.csv and diagnostics.csv.
std::vector<std::string> rows_without_times(const std::string& text) {
  REQUIRE(text.ends_with('\n'));
  const std::vector<std::string> lines = lines_of(text);
  REQUIRE(!lines.empty());
  const std::vector<std::string> names = cells(lines[0]);
  std::vector<std::string> result;
  for (const std::string& line : lines) {
    const std::vector<std::string> row = cells(line);
    REQUIRE(row.size() == names.size());
    std::string kept;
    for (std::size_t i = 0; i < row.size(); ++i)
      if (!is_time(names[i])) kept += row[i] + ",";
    result.push_back(kept);
  }
  return result;
}

/// Reads protobuf's wire format (rl/log/tensorboard.h says which messages).
class Wire {
 public:
  explicit Wire(std::string_view bytes) : rest_(bytes) {}
  bool done() const { return rest_.empty(); }
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
      const auto byte = static_cast<unsigned char>(take(1)[0]);
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }
  std::string_view take(std::size_t size) {
    REQUIRE(size <= rest_.size());
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  /// The bytes of the value of a field of this key.
  std::string_view value(std::uint64_t key) {
    if ((key & 7) == 2) return take(varint());
    REQUIRE(((key & 7) == 1 || (key & 7) == 5));
    return take((key & 7) == 1 ? 8 : 4);
  }

 private:
  std::string_view rest_;
};

std::string hexadecimal(std::string_view bytes) {
  std::ostringstream out;
  for (const char c : bytes)
    out << std::hex << (static_cast<unsigned>(static_cast<unsigned char>(c)) | 0x100);
  return out.str();
}

void add_values(std::vector<std::string>& out, std::uint64_t step, std::string_view summary) {
  for (Wire values(summary); !values.done();) {
    REQUIRE(values.varint() == (1 << 3 | 2));
    std::string tag, number;
    for (Wire value(values.take(values.varint())); !value.done();) {
      const std::uint64_t key = value.varint();
      const std::string_view bytes = value.value(key);
      if (key >> 3 == 1)
        tag = bytes;
      else
        number = hexadecimal(bytes);
    }
    if (!is_time(tag)) out.push_back(std::to_string(step) + " " + tag + " " + number);
  }
}

std::vector<std::string> events_without_times(const std::string& text) {
  std::vector<std::string> result;
  for (Wire file(text); !file.done();) {
    std::uint64_t size = 0;
    std::memcpy(&size, file.take(12).data(), sizeof(size));
    std::uint64_t step = 0;
    std::string_view summary;
    for (Wire event(file.take(size)); !event.done();) {
      const std::uint64_t key = event.varint();
      if (key == (2 << 3 | 0)) {
        step = event.varint();
      } else {
        const std::string_view bytes = event.value(key);
        if (key >> 3 == 5) summary = bytes;
      }
    }
    file.take(4);
    add_values(result, step, summary);
  }
  return result;
}

fs::path event_file(const fs::path& directory) {
  std::vector<fs::path> found;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory))
    if (entry.path().filename().string().starts_with("events.out.tfevents.")) found.push_back(entry.path());
  REQUIRE(found.size() == 1);
  return found.front();
}

}  // namespace

RunOutcome outcome_of(const fs::path& directory) {
  RunOutcome outcome;
  const std::vector<fs::path> checkpoints = checkpoints_of(directory);
  REQUIRE(!checkpoints.empty());
  const Checkpoint last = load_checkpoint(checkpoints.front());
  for (const FileTensor& tensor : last.state.tensors)
    if (!tensor.name.starts_with("time."))
      outcome.tensors[tensor.name] =
          std::string(dtype_name(tensor.dtype)) +
          std::string(reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size());
  for (const auto& [key, value] : last.state.metadata)
    if (key != "hashes" && key != "xxh64" && key != "logs" && key != "log_tails" && key != "history")
      outcome.metadata[key] = value;
  outcome.monitor = monitor_without_times(content(directory / "monitor.csv"));
  outcome.progress = rows_without_times(content(directory / "progress.csv"));
  if (fs::exists(directory / "diagnostics.csv"))
    outcome.diagnostics = rows_without_times(content(directory / "diagnostics.csv"));
  outcome.events = events_without_times(content(event_file(directory)));
  outcome.model = content(directory / "model.safetensors");
  return outcome;
}

void check_same(const RunOutcome& run, const RunOutcome& reference) {
  REQUIRE(run.tensors.size() == reference.tensors.size());
  for (const auto& tensor : reference.tensors) {
    const auto &name = tensor.first, &bytes = tensor.second;
    CAPTURE(name);
    REQUIRE(run.tensors.count(name) == 1);
    CHECK((run.tensors.at(name) == bytes));  // in brackets: not to be printed
  }
  CHECK(run.metadata == reference.metadata);
  CHECK(run.monitor == reference.monitor);
  CHECK(run.progress == reference.progress);
  CHECK(run.diagnostics == reference.diagnostics);
  CHECK(run.events == reference.events);
  CHECK((run.model == reference.model));
}

std::vector<fs::path> temporary_files(const fs::path& directory) {
  std::vector<fs::path> found;
  std::error_code none;
  for (fs::directory_iterator entry(directory, none), end; !none && entry != end; entry.increment(none))
    if (entry->path().extension() == ".tmp") found.push_back(entry->path());
  return found;
}

RunOutcome uninterrupted(const std::vector<std::string>& words, const fs::path& directory) {
  const CommandResult result = run_bellman(words + std::vector<std::string>{"--run-dir", directory.string()});
  REQUIRE_MESSAGE(result.exit_code == 0, result.err);
  return outcome_of(directory);
}

void check_resumes_to(const RunOutcome& reference, const fs::path& directory) {
  const CommandResult result = run_bellman({"train", "--quiet", "--resume", directory.string()});
  CHECK(result.err == "");
  REQUIRE(result.exit_code == 0);
  check_same(outcome_of(directory), reference);
  CHECK(temporary_files(directory).empty());
}

std::vector<std::string> short_run() {
  return {"train",
          "--quiet",
          "--total-timesteps",
          "2400",
          "--checkpoint-frequency",
          "300",
          "--learning-starts",
          "100",
          "--buffer-size",
          "1000",
          "--network",
          "dense 16, relu",
          "--eval-frequency",
          "500",
          "--eval-episodes",
          "2",
          "--solve-confirm-episodes",
          "1",
          "--final-eval-episodes",
          "2",
          "--no-stop-when-solved",
          "--log-frequency",
          "200"};
}

}  // namespace bellman::test
