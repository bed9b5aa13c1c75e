#include "rl/ranks/device_link.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "rl/ranks/gather_texts.h"

namespace bellman {
namespace {

/// Why the devices cannot be linked; empty: they can. `ids` are each rank's device, `reasons` what it has against it.
std::string reason_against(const std::vector<std::string>& ids, const std::vector<std::string>& reasons) {
  for (std::size_t r = 0; r < reasons.size(); ++r)
    if (!reasons[r].empty()) return "rank " + std::to_string(r) + ": " + reasons[r];
  for (std::size_t r = 0; r < ids.size(); ++r) {
    const auto first = static_cast<std::size_t>(std::ranges::find(ids, ids[r]) - ids.begin());
    if (first < r)
      return "ranks " + std::to_string(first) + " and " + std::to_string(r) + " use one device, " + ids[r] +
             ", and NCCL takes one for each rank";
  }
  return "";
}

}  // namespace

DeviceLink link_devices(RankOps& ops, Ranks& ranks) {
  const std::vector<std::string> reasons = gather_texts(ranks, ops.no_exchange_reason());
  const std::vector<std::string> ids = gather_texts(ranks, ops.device_id());
  if (std::string reason = reason_against(ids, reasons); !reason.empty())
    return {.exchange = nullptr, .reason = std::move(reason)};
  const std::string id = gather_texts(ranks, ranks.rank() == 0 ? ops.new_exchange_id() : "").front();
  return {.exchange = ops.make_exchange(ranks.rank(), ranks.size(), id), .reason = ""};
}

}  // namespace bellman
