#include "rl/log/csv_files.h"

#include <array>
#include <cmath>
#include <cstdio>

#include <nlohmann/json.hpp>

#include "core/base/check.h"
#include "core/base/text.h"

namespace bellman {

MonitorCsv::MonitorCsv(const std::filesystem::path& path, std::string_view env_id, double start)
    : file_(path) {
  std::array<char, 64> seconds{};
  std::snprintf(seconds.data(), seconds.size(), "%.6f", start);
  const std::string id = nlohmann::json(std::string(env_id)).dump();
  file_.append("#{\"t_start\": " + std::string(seconds.data()) + ", \"env_id\": " + id + "}\nr,l,t\n");
}

void MonitorCsv::on_episode(const EpisodeRecord& episode) {
  std::array<char, 512> line{};  // %f of the largest double has 309 digits before its point
  const int size = std::snprintf(line.data(), line.size(), "%.6f,%lld,%.6f\n", episode.episode_return,
                                 static_cast<long long>(episode.length), episode.seconds);
  file_.append({line.data(), static_cast<std::size_t>(size)});
}

ProgressCsv::ProgressCsv(const std::filesystem::path& path) : file_(path) {
  for (const std::string_view name : kScalarNames) line_.append(line_.empty() ? "" : ",").append(name);
  file_.append(line_ += '\n');
}

void ProgressCsv::on_scalars(Index /*timestep*/, std::span<const Scalar> scalars) {
  BELLMAN_CHECK(scalars.size() == kScalarNames.size());
  line_.clear();
  for (std::size_t i = 0; i < scalars.size(); ++i) {
    BELLMAN_CHECK(scalars[i].name == kScalarNames[i]);
    if (i > 0) line_ += ',';
    if (!std::isnan(scalars[i].value)) line_ += number_text(scalars[i].value);
  }
  file_.append(line_ += '\n');
}

}  // namespace bellman
