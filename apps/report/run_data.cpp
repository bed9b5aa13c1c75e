#include "apps/report/run_data.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <sstream>
#include <system_error>
#include <utility>

#include "apps/settings/settings.h"
#include "core/base/check.h"
#include "core/io/files.h"

namespace bellman {
namespace {

namespace fs = std::filesystem;

std::vector<std::string_view> cells_of(std::string_view line) {
  std::vector<std::string_view> cells;
  for (std::size_t begin = 0; begin <= line.size();) {
    const std::size_t end = std::min(line.find(',', begin), line.size());
    cells.push_back(line.substr(begin, end - begin));
    begin = end + 1;
  }
  return cells;
}

double number_in(std::string_view cell, std::string_view column, const std::string& place) {
  if (cell.empty()) return std::numeric_limits<double>::quiet_NaN();
  double value = 0;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  if (error != std::errc() || end != cell.data() + cell.size())
    fail(place, ", column ", column, ": it is no number");
  return value;
}

/// Each row of a run's log has its environment step. Throws: Error unless these are whole and never fall.
void check_steps(const Columns& columns, const std::filesystem::path& path) {
  constexpr double kMost = 9007199254740992;  // 2^53
  const auto steps = columns.find("time/total_timesteps");
  if (steps == columns.end()) fail(path.string(), ": it has no column time/total_timesteps");
  double before = 0;
  for (std::size_t row = 0; row < steps->second.size(); ++row) {
    const double step = steps->second[row];
    if (!(step >= before && step <= kMost && step == std::floor(step)))
      fail(path.string(), ", line ", row + 2, ", column time/total_timesteps: it is ", step,
           ", must be a whole number and at least that of the line before, ", before);
    before = step;
  }
}

}  // namespace

Columns read_csv(const std::filesystem::path& path) {
  constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 28;
  const std::string text = read_text_file(path, kMostBytes);
  std::istringstream lines(text);
  std::string line;
  Columns columns;
  std::vector<std::vector<double>*> order;
  std::vector<std::string> names;
  // A last line without its end is not a row yet: the run is still writing, or was killed.
  for (std::size_t number = 1; std::getline(lines, line) && !lines.eof(); ++number) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    const std::string place = path.string() + ", line " + std::to_string(number);
    const std::vector<std::string_view> cells = cells_of(line);
    if (number == 1) {
      for (const std::string_view name : cells) {
        const auto [column, is_new] = columns.emplace(std::string(name), std::vector<double>());
        if (!is_new) fail(place, ": a column is there twice");
        order.push_back(&column->second);
        names.emplace_back(name);
      }
      continue;
    }
    if (cells.size() != order.size())
      fail(place, ": ", cells.size(), " cells, the first line has ", order.size());
    for (std::size_t i = 0; i < cells.size(); ++i) order[i]->push_back(number_in(cells[i], names[i], place));
  }
  return columns;
}

const PastSettings* fork_of(const RunData& run) { return fork_in(run.history); }

bool has_fork(std::span<const RunData> runs) {
  return std::ranges::any_of(runs, [](const RunData& run) { return fork_of(run) != nullptr; });
}

std::string differing_settings(const RunData& run, const RunData& other) {
  std::string text;
  for (const Setting& setting : settings())
    if (const std::string value = value_text(run.config, setting); value != value_text(other.config, setting))
      text += (text.empty() ? "" : ", ") + file_key(setting) + "=" + value;
  return text;
}

RunData read_run(const fs::path& directory, std::string_view label, std::ostream& warnings) {
  RunData run;
  run.name = directory.string();
  std::error_code unknown;
  const auto bytes = fs::file_size(checkpoints_to_resume(directory).front(), unknown);
  const bool is_large = !unknown && bytes > kMostCheckpointBytes;
  ResumePoint newest =
      find_resume_point(directory, label, warnings, is_large ? load_checkpoint_head : load_checkpoint);
  run.config = saved_config(newest.checkpoint.config, newest.path.string()).config;
  run.history = newest.checkpoint.history;
  if (!is_large) run.newest = std::move(newest);
  const auto optionally = [&](const auto& read) {
    try {
      read();
    } catch (const Error& error) {
      warnings << label << ": " << error.what() << ": the page is drawn without it\n";
    }
  };
  for (const auto& [name, columns] :
       {std::pair("progress.csv", &run.progress), std::pair("diagnostics.csv", &run.diagnostics)})
    if (fs::exists(directory / name))
      optionally([&, path = directory / name, to = columns] {
        Columns read = read_csv(path);
        check_steps(read, path);
        *to = std::move(read);
      });
  if (fs::exists(directory / "model.safetensors"))
    optionally([&] { run.model = load_model(directory / "model.safetensors"); });
  return run;
}

}  // namespace bellman
