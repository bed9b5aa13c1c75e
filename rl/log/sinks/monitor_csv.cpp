#include "rl/log/sinks/monitor_csv.h"

#include <array>
#include <cstdio>
#include <string>

#include <nlohmann/json.hpp>

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

}  // namespace bellman
