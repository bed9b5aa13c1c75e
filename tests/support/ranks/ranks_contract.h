// The words of rl/ranks/ranks.h as a test body, for every implementation.
#pragma once

#include <cstddef>

#include "rl/ranks/ranks.h"

namespace bellman::test {

/// Called by every rank; `large`: the bytes of the largest message and part. Throws: Error that says which word does not hold.
void check_ranks_contract(Ranks& ranks, std::size_t large);

/// The next message, when it has arrived. Throws: Error when none has for a minute.
RankMessage wait_for_message(Ranks& ranks);

}  // namespace bellman::test
