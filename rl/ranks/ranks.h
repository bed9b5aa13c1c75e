// The processes of one run that spans machines, as MPI counts them: ranks 0 to size - 1. Messages and collectives that
// sweeps and data-parallel training need, and no more. apps/ranks has them by MPI; tests have threads instead.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace bellman {

/// What a rank sent to another.
struct RankMessage {
  int from = 0;
  std::vector<std::byte> bytes;
};

/// One rank's view of all of them. Collectives are called by every rank, in one order, with sizes that agree; each
/// returns when the data of this rank is complete. Parts of several ranks lie one after another, in rank order.
/// For one thread at a time. A rank that cannot go on ends all of them (abort()): nobody waits for it in vain.
class Ranks {
 public:
  virtual ~Ranks() = default;

  virtual int rank() const = 0;
  virtual int size() const = 0;

  /// `all` holds this rank's part when it is called, and every rank's afterwards. sizes(N) in bytes, equal on all ranks.
  virtual void all_gather(std::span<std::byte> all, std::span<const std::size_t> sizes) = 0;
  /// Part r of `out` goes to rank r; part r of `in` comes from it. out_sizes(N), in_sizes(N) in bytes:
  /// in_sizes[r] here is out_sizes[this rank] there.
  virtual void all_to_all(std::span<const std::byte> out, std::span<const std::size_t> out_sizes,
                          std::span<std::byte> in, std::span<const std::size_t> in_sizes) = 0;

  /// A message to another rank, which receives one rank's messages in the order they were sent.
  virtual void send(int to, std::span<const std::byte> bytes) = 0;
  /// The next message to this rank that has arrived; none: there is none yet.
  virtual std::optional<RankMessage> receive() = 0;

  /// Ends every rank with this exit status.
  [[noreturn]] virtual void abort(int status) = 0;
};

}  // namespace bellman
