#include "tests/support/ranks/thread_ranks.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <numeric>
#include <string>
#include <thread>
#include <utility>

#include "core/base/check.h"

namespace bellman::test {

namespace {

/// Ends a rank that waits for one which has failed.
struct AnotherFailed {};

/// What a rank brings to a collective. It lives until all have left.
struct Call {
  std::string name;
  std::span<const std::byte> bytes;
  std::vector<std::size_t> sizes;  // all_gather: of every part; all_to_all: of the parts for each rank
};

std::string text(const Call& call) {
  std::string sizes;
  for (const std::size_t size : call.sizes) sizes += (sizes.empty() ? "" : " ") + std::to_string(size);
  return call.name + " of " + sizes + " bytes";
}

/// Where part `index` begins.
std::size_t begin_of(std::span<const std::size_t> sizes, std::size_t index) {
  return std::accumulate(sizes.begin(), sizes.begin() + static_cast<std::ptrdiff_t>(index), std::size_t{0});
}

/// Where the ranks meet.
class Hub {
 public:
  explicit Hub(int size) : calls_(static_cast<std::size_t>(size)), inboxes_(calls_.size()) {}

  int size() const { return static_cast<int>(calls_.size()); }
  const Call& call(std::size_t rank) const { return calls_[rank]; }

  /// Waits until all ranks have brought their call.
  void bring(std::size_t rank, Call call) {
    calls_[rank] = std::move(call);
    wait_for_all();
  }
  void wait_for_all() {
    std::unique_lock lock(mutex_);
    if (has_failed_) throw AnotherFailed{};
    if (ended_ > 0) fail("a rank waits for one that has returned");
    const std::size_t round = round_;
    if (++arrived_ == calls_.size()) {
      arrived_ = 0;
      ++round_;
      all_arrived_.notify_all();
      return;
    }
    all_arrived_.wait(lock, [&] { return round_ != round || has_failed_; });
    if (round_ == round) throw AnotherFailed{};
  }

  void put(std::size_t to, RankMessage message) {
    const std::lock_guard lock(mutex_);
    inboxes_[to].push_back(std::move(message));
  }
  std::optional<RankMessage> take(std::size_t rank) {
    const std::lock_guard lock(mutex_);
    if (has_failed_) throw AnotherFailed{};
    if (inboxes_[rank].empty()) return std::nullopt;
    RankMessage message = std::move(inboxes_[rank].front());
    inboxes_[rank].pop_front();
    return message;
  }

  void fail_with(std::exception_ptr error) {
    const std::lock_guard lock(mutex_);
    if (!error_) error_ = std::move(error);
    has_failed_ = true;
    all_arrived_.notify_all();
  }
  void end_rank() {
    const std::lock_guard lock(mutex_);
    ++ended_;
    if (arrived_ > 0) fail("a rank has returned that another waits for");
  }
  /// After all threads have ended.
  void finish() const {
    if (error_) std::rethrow_exception(error_);
    for (std::size_t rank = 0; rank < inboxes_.size(); ++rank)
      if (!inboxes_[rank].empty())
        fail("rank ", rank, " never received ", inboxes_[rank].size(), " messages, the first from rank ",
             inboxes_[rank].front().from);
  }

 private:
  std::vector<Call> calls_;  // a rank's is its own until all have arrived
  std::mutex mutex_;         // guards what follows
  std::condition_variable all_arrived_;
  std::size_t arrived_ = 0, round_ = 0, ended_ = 0;
  std::vector<std::deque<RankMessage>> inboxes_;
  bool has_failed_ = false;
  std::exception_ptr error_;
};

class ThreadRanks final : public Ranks {
 public:
  ThreadRanks(Hub& hub, std::size_t rank) : hub_(hub), rank_(rank) {}

  int rank() const override { return static_cast<int>(rank_); }
  int size() const override { return hub_.size(); }

  void all_gather(std::span<std::byte> all, std::span<const std::size_t> sizes) override {
    require_size("all_gather", all.size(), sizes);
    hub_.bring(rank_, {"all_gather", all, {sizes.begin(), sizes.end()}});
    for (std::size_t other = 0; other < sizes.size(); ++other)
      if (const Call& theirs = hub_.call(other);
          theirs.name != "all_gather" || !std::ranges::equal(theirs.sizes, sizes))
        fail_apart(other);
    hub_.wait_for_all();  // from here on no rank can fail: all buffers live until the last has read them
    for (std::size_t other = 0; other < sizes.size(); ++other) {
      if (other == rank_) continue;
      const std::size_t begin = begin_of(sizes, other);
      std::ranges::copy(hub_.call(other).bytes.subspan(begin, sizes[other]),
                        all.begin() + static_cast<std::ptrdiff_t>(begin));
    }
    hub_.wait_for_all();
  }

  void all_to_all(std::span<const std::byte> out, std::span<const std::size_t> out_sizes,
                  std::span<std::byte> in, std::span<const std::size_t> in_sizes) override {
    require_size("all_to_all: out", out.size(), out_sizes);
    require_size("all_to_all: in", in.size(), in_sizes);
    hub_.bring(rank_, {"all_to_all", out, {out_sizes.begin(), out_sizes.end()}});
    for (std::size_t other = 0; other < in_sizes.size(); ++other) {
      const Call& theirs = hub_.call(other);
      if (theirs.name != "all_to_all") fail_apart(other);
      if (theirs.sizes[rank_] != in_sizes[other])
        fail("all_to_all: rank ", other, " has ", theirs.sizes[rank_], " bytes for rank ", rank_,
             ", which expects ", in_sizes[other]);
    }
    hub_.wait_for_all();
    auto place = in.begin();
    for (std::size_t other = 0; other < in_sizes.size(); ++other) {
      const Call& theirs = hub_.call(other);
      place =
          std::ranges::copy(theirs.bytes.subspan(begin_of(theirs.sizes, rank_), in_sizes[other]), place).out;
    }
    hub_.wait_for_all();
  }

  void send(int to, std::span<const std::byte> bytes) override {
    if (to < 0 || to >= size()) fail("send: there is no rank ", to, " of ", size());
    hub_.put(static_cast<std::size_t>(to), {rank(), {bytes.begin(), bytes.end()}});
  }
  std::optional<RankMessage> receive() override { return hub_.take(rank_); }

  [[noreturn]] void abort(int status) override { throw RanksAborted{rank(), status}; }

 private:
  void require_size(const char* what, std::size_t bytes, std::span<const std::size_t> sizes) const {
    if (sizes.size() != static_cast<std::size_t>(size()))
      fail(what, ": there are ", sizes.size(), " sizes for ", size(), " ranks");
    if (bytes != begin_of(sizes, sizes.size()))
      fail(what, ": there are ", bytes, " bytes, and the sizes add up to ", begin_of(sizes, sizes.size()));
  }
  [[noreturn]] void fail_apart(std::size_t other) const {
    fail("rank ", rank_, " calls ", text(hub_.call(rank_)), ", rank ", other, " calls ",
         text(hub_.call(other)));
  }

  Hub& hub_;
  std::size_t rank_;
};

}  // namespace

void on_thread_ranks(int size, const std::function<void(Ranks&)>& work) {
  BELLMAN_CHECK(size > 0);
  Hub hub(size);
  {
    std::vector<std::jthread> threads;
    for (std::size_t rank = 0; rank < static_cast<std::size_t>(size); ++rank)
      threads.emplace_back([&hub, &work, rank] {
        try {
          ThreadRanks ranks(hub, rank);
          work(ranks);
          hub.end_rank();
        } catch (const AnotherFailed&) {
        } catch (...) {
          hub.fail_with(std::current_exception());
        }
      });
  }
  hub.finish();
}

}  // namespace bellman::test
