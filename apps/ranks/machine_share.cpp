#include "apps/ranks/machine_share.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <set>
#include <span>

#include <sched.h>

namespace bellman {
namespace {

constexpr std::size_t kNameBytes = 64;

/// What ranks send of their place.
struct PlaceMessage {
  std::array<char, kNameBytes> machine{};
  std::array<unsigned char, kMostProcessors> processors{};
};

PlaceMessage own_place() {
  PlaceMessage place;
  std::ifstream file("/proc/sys/kernel/random/boot_id");  // containers of one machine have the same
  file.read(place.machine.data(), kNameBytes - 1);
  cpu_set_t usable;
  CPU_ZERO(&usable);
  if (::sched_getaffinity(0, sizeof usable, &usable) != 0) return place;
  for (std::size_t cpu = 0; cpu < std::min<std::size_t>(kMostProcessors, CPU_SETSIZE); ++cpu)
    place.processors[cpu] = CPU_ISSET(cpu, &usable) ? 1 : 0;
  return place;
}

}  // namespace

MachineShare machine_share_of(const std::vector<RankPlace>& places, std::size_t self) {
  const RankPlace& own = places[self];
  std::set<std::string> machines;
  MachineShare share{.processors = 1, .ranks = 0};
  for (const RankPlace& place : places) {
    machines.insert(place.machine);
    share.ranks += place.machine == own.machine;
  }
  double processors = 0;
  for (std::size_t cpu = 0; cpu < kMostProcessors; ++cpu) {
    if (!own.processors[cpu]) continue;
    const auto users = std::count_if(places.begin(), places.end(), [&](const RankPlace& place) {
      return place.machine == own.machine && place.processors[cpu];
    });
    processors += 1.0 / static_cast<double>(users);
  }
  constexpr double kRounding = 1e-6;
  share.processors = std::max<Index>(1, static_cast<Index>(processors + kRounding));
  share.machines = static_cast<int>(machines.size());
  return share;
}

MachineShare machine_share(Ranks& ranks) {
  const auto count = static_cast<std::size_t>(ranks.size()), self = static_cast<std::size_t>(ranks.rank());
  std::vector<PlaceMessage> messages(count);
  messages[self] = own_place();
  ranks.all_gather(std::as_writable_bytes(std::span(messages)),
                   std::vector<std::size_t>(count, sizeof(PlaceMessage)));
  std::vector<RankPlace> places;
  for (const PlaceMessage& message : messages) {
    RankPlace& place = places.emplace_back();
    place.machine = message.machine.data();
    for (std::size_t cpu = 0; cpu < kMostProcessors; ++cpu)
      place.processors[cpu] = message.processors[cpu] != 0;
  }
  return machine_share_of(places, self);
}

}  // namespace bellman
