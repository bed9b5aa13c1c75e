// How the devices of all ranks exchange numbers: as NCCL does where it can, otherwise through host memory.
#pragma once

#include <memory>
#include <string>

#include "core/nn/rank_ops.h"
#include "rl/ranks/ranks.h"

namespace bellman {

struct DeviceLink {
  std::unique_ptr<DeviceExchange> exchange;  // null: through host memory
  std::string reason;                        // then: why, the same text on all ranks
};

/// Collective. Links the devices of all ranks when each can be: when one has no exchange, or two have one device, none is
/// linked. Throws: Error of RankOps::make_exchange. REQUIRES: `ops` outlives the exchange.
DeviceLink link_devices(RankOps& ops, Ranks& ranks);

}  // namespace bellman
