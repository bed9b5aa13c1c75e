// `bellman inspect FILE`: shows the tensors and metadata of any safetensors file.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iostream>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "apps/base/json_text.h"
#include "apps/base/numbers.h"
#include "apps/base/terminal.h"
#include "apps/commands/command.h"
#include "apps/run/past_settings.h"
#include "apps/settings/declare_options.h"
#include "core/base/text.h"
#include "core/io/safetensors.h"

namespace bellman {
namespace {

using Json = nlohmann::ordered_json;

/// Of the values that are not NaN; NaN when there are none.
struct Statistics {
  double min = std::numeric_limits<double>::quiet_NaN();
  double max = std::numeric_limits<double>::quiet_NaN();
  double mean = std::numeric_limits<double>::quiet_NaN();
  double rms = std::numeric_limits<double>::quiet_NaN();
  std::uint64_t nans = 0;
  std::uint64_t infinities = 0;
};

Statistics statistics_of(const FileTensor& tensor, ReadNumber read) {
  Statistics s;
  double sum = 0, squares = 0;
  const std::uint64_t n = tensor.elements();
  for (std::uint64_t i = 0; i < n; ++i) {
    const double value = read(tensor.bytes.data() + i * dtype_size(tensor.dtype));
    if (std::isnan(value)) {
      ++s.nans;
      continue;
    }
    if (std::isinf(value)) ++s.infinities;
    s.min = std::fmin(s.min, value);  // fmin and fmax pass over NaN, which min and max start as
    s.max = std::fmax(s.max, value);
    sum += value;
    squares += value * value;
  }
  if (n > s.nans) {
    s.mean = sum / static_cast<double>(n - s.nans);
    s.rms = std::sqrt(squares / static_cast<double>(n - s.nans));
  }
  return s;
}

/// Nothing for an unknown type, and for one whose numbers are not whole bytes.
std::optional<Statistics> statistics_of(const FileTensor& tensor) {
  const ReadNumber read = number_reader(tensor.dtype);
  return read ? std::optional(statistics_of(tensor, read)) : std::nullopt;
}

std::string shape_text(const FileTensor& tensor) {
  std::string text = "(";
  for (std::size_t i = 0; i < tensor.shape.size(); ++i)
    text += (i ? "," : "") + std::to_string(tensor.shape[i]);
  return text + ")";
}

/// "-" where there are no numbers.
std::string shown(double value) { return std::isnan(value) ? "-" : formatted("%.6g", value); }

/// Of a checkpoint of a fork: where it comes from, which stands deep in its metadata.
void print_fork(const TensorFile& file) {
  const auto format = file.metadata.find("format"), history = file.metadata.find("history");
  if (history == file.metadata.end() || format == file.metadata.end() ||
      !format->second.starts_with("bellman checkpoint"))
    return;
  const std::vector<PastSettings> past = parse_history("metadata \"history\"", history->second);
  if (const PastSettings* const fork = fork_in(past))
    std::cout << "A fork of " << printable(fork->forked) << " from step " << with_separators(fork->until)
              << " on\n";
}

void print_table(const std::string& path, const TensorFile& file) {
  std::uint64_t elements = 0, bytes = 0;
  for (const FileTensor& tensor : file.tensors) {
    elements += tensor.elements();
    bytes += tensor.bytes.size();
  }
  std::cout << path << ": " << file.tensors.size() << " tensors, " << elements << " numbers, " << bytes
            << " bytes\n";
  print_fork(file);

  Table table({"name", "dtype", "shape", "bytes", "min", "mean", "max", "rms", "NaN"},
              {Align::kLeft, Align::kLeft, Align::kLeft, Align::kRight, Align::kRight, Align::kRight,
               Align::kRight, Align::kRight, Align::kRight});
  for (const FileTensor& tensor : file.tensors) {
    const std::optional<Statistics> known = statistics_of(tensor);
    const Statistics s = known.value_or(Statistics());
    table.add({escaped(tensor.name), tensor.dtype_text(), shape_text(tensor),
               std::to_string(tensor.bytes.size()), shown(s.min), shown(s.mean), shown(s.max), shown(s.rms),
               known ? std::to_string(s.nans) : "-"});
  }
  if (!file.tensors.empty()) std::cout << '\n' << table.text();

  if (file.metadata.empty()) return;
  Table metadata({"metadata", ""}, {Align::kLeft, Align::kLeft});
  constexpr std::size_t kLongest = 200;
  for (const auto& [key, value] : file.metadata) {
    const std::string shown = escaped(value);
    metadata.add({escaped(key), shown.size() <= kLongest ? shown
                                                         : shown.substr(0, kLongest) + " ... (" +
                                                               std::to_string(value.size()) + " bytes)"});
  }
  std::cout << '\n' << metadata.text();
}

/// JSON has no NaN and no infinity.
void print_json(const std::string& path, const TensorFile& file) {
  Json tensors = Json::array();
  for (const FileTensor& tensor : file.tensors) {
    const std::optional<Statistics> known = statistics_of(tensor);
    const Statistics s = known.value_or(Statistics());
    tensors.push_back({{"name", tensor.name},
                       {"dtype", tensor.dtype_text()},
                       {"shape", tensor.shape},
                       {"bytes", tensor.bytes.size()},
                       {"min", number_or_null(s.min)},
                       {"mean", number_or_null(s.mean)},
                       {"max", number_or_null(s.max)},
                       {"rms", number_or_null(s.rms)},
                       {"nan", known ? Json(s.nans) : Json(nullptr)},
                       {"infinite", known ? Json(s.infinities) : Json(nullptr)}});
  }
  const Json json = {{"file", path}, {"tensors", tensors}, {"metadata", file.metadata}};
  std::cout << json_line(json);
}

struct InspectOptions {
  std::string file;
  bool json = false;
};

}  // namespace

RunCommand declare_inspect(CLI::App& parent) {
  CLI::App& command =
      declare_command(parent, "inspect", "List the tensors and metadata of a safetensors file");
  const auto options = std::make_shared<InspectOptions>();
  declare_text(command, "FILE", options->file, "", "a .safetensors file, of this program or any other",
               Need::kRequired);
  declare_flag(command, "--json", options->json, "print one JSON object");
  return [options]() -> int {
    const TensorFile file = read_safetensors(options->file);
    options->json ? print_json(options->file, file) : print_table(escaped(options->file), file);
    return kExitSuccess;
  };
}

}  // namespace bellman
