// The CUDA threads of a block: their fibers, and what they call: barriers, warps, shared memory.
#include <cstdlib>
#include <exception>
#include <string>
#include <utility>

#include "core/base/check.h"
#include "cuda/simt/executor.h"

namespace bellman::simt::detail {

namespace {

// To the thread sanitizer, two CUDA threads that share a fiber are one thread: it sees no race between them.
// So that neighbouring blocks do not share, this many more fibers are kept than a block needs.
constexpr std::size_t kMinIdleFibers = kThreadSanitizer ? 1024 : 0;

}  // namespace

// ---- threads and their fibers

CudaThread* Executor::next_fresh() {
  return started_ < sequence_.size() ? &threads_[sequence_[started_++]] : nullptr;
}

Fiber& Executor::fresh_fiber() {
  if (idle_.size() > kMinIdleFibers) {
    Fiber& longest_idle = *idle_.front();
    idle_.pop_front();
    return longest_idle;
  }
  fibers_.push_back(std::make_unique<Fiber>(&Executor::work_on_fiber, this));
  return *fibers_.back();
}

void Executor::enter(CudaThread& thread) {
  running_ = &thread;
  threadIdx = thread.index;
  if (kThreadSanitizer && thread.state == State::kFresh) {
    const std::string name = "block " + to_string(blockIdx) + " thread " + to_string(threadIdx);
    thread.fiber->set_name(name.c_str());
  }
}

// A function that no sanitizer follows: it pauses for good, so an Unwatched in it would never end.
BELLMAN_SIMT_UNWATCHED_FUNCTION void Executor::work_on_fiber(void* executor) {
  Executor& self = *static_cast<Executor*>(executor);
  for (;;) {
    self.run_thread();
    Fiber& fiber = *self.running_->fiber;
    self.thread_returned();
    if (self.running_ == nullptr) fiber.pause();
  }
}

void Executor::run_thread() {
  observe(launch_start_);
  try {
    launch_->thread();
  } catch (const Aborted&) {
  } catch (const std::exception& error) {
    const Unwatched bookkeeping;
    if (error_.empty()) error_ = to_string(launch_->site) + ": in " + whereabouts() + ": " + error.what();
  }
  publish(launch_end_);
}

// Sets running_ to null when the fiber has nothing more to do.
void Executor::thread_returned() {
  const Unwatched bookkeeping;
  CudaThread& thread = *running_;
  Fiber& fiber = *thread.fiber;
  thread.state = State::kReturned;
  thread.fiber = nullptr;
  warps_[number(thread) / kLanes].remove(number(thread) % kLanes);
  close_complete_rounds(number(thread) / kLanes);
  running_ = nullptr;
  if (!kThreadSanitizer && error_.empty()) {
    if (CudaThread* next = next_fresh()) {
      next->fiber = &fiber;
      return enter(*next);
    }
  }
  if (kThreadSanitizer)
    idle_.push_back(&fiber);
  else
    idle_.push_front(&fiber);  // its stack is still in the cache
}

void Executor::wait(State state, const char* call, const Place& place) {
  CudaThread& thread = *running_;
  thread.state = state;
  thread.call = call;
  thread.place = place;
  thread.fiber->pause();
  if (!error_.empty()) throw Aborted();
}

CudaThread& Executor::running(const char* call, const Place& place) const {
  if (running_ == nullptr) fail(to_string(place), ": ", call, " outside a kernel");
  return *running_;
}

std::string Executor::whereabouts() const {
  if (running_ == nullptr) return "no kernel";
  return "thread " + to_string(running_->index) + " of block " + to_string(blockIdx) +
         " of the kernel launched at " + to_string(launch_->site);
}

// ---- what a thread calls

void Executor::wait_at_barrier(const Place& place) {
  const Unwatched bookkeeping;
  running("__syncthreads", place);
  if (is_dropped_barrier(place)) return;
  Token& token = (*barriers_)[barriers_passed_ % 2];
  publish(token);
  wait(State::kAtBarrier, "__syncthreads", place);
  observe(token);
}

std::uint64_t Executor::shuffle(WarpCall call, unsigned mask, std::uint64_t word, unsigned source,
                                const Place& place) {
  const Unwatched bookkeeping;
  return join_round(call, mask, word, place).words[source];
}

unsigned Executor::ballot(unsigned mask, bool vote, const Place& place) {
  const Unwatched bookkeeping;
  const Round& round = join_round(WarpCall::kVote, mask, vote ? 1 : 0, place);
  unsigned votes = 0;
  for (unsigned lane = 0; lane < kLanes; ++lane)
    votes |= static_cast<unsigned>(round.words[lane] == 1) << lane;
  return votes;
}

void Executor::synchronise_warp(unsigned mask, const Place& place) {
  const Unwatched bookkeeping;
  if (is_dropped_barrier(place)) return;
  observe(join_round(WarpCall::kSync, mask, 0, place).token);
}

Round& Executor::join_round(WarpCall call, unsigned mask, std::uint64_t word, const Place& place) {
  CudaThread& thread = running(name(call), place);
  const std::size_t warp = number(thread) / kLanes;
  Round& round = warps_[warp].join(call, mask, number(thread) % kLanes, word, place);
  if (call == WarpCall::kSync) publish(round.token);
  thread.state = State::kInWarpCall;
  close_complete_rounds(warp);
  if (thread.state == State::kInWarpCall) wait(State::kInWarpCall, name(call), place);
  return round;
}

void Executor::close_complete_rounds(std::size_t warp) {
  while (const unsigned lanes = warps_[warp].close_complete_round())
    for (unsigned lane = 0; lane < kLanes; ++lane)
      if (lanes >> lane & 1U) threads_[warp * kLanes + lane].state = State::kReady;
}

unsigned Executor::lane() const { return running_ == nullptr ? 0 : number(*running_) % kLanes; }

void* Executor::shared_array(const void* declaration, std::size_t bytes, std::size_t alignment) {
  const Unwatched bookkeeping;
  if (running_ == nullptr) fail("BELLMAN_SHARED outside a kernel");
  return shared_.array(declaration, bytes, alignment);
}

void* Executor::dynamic_shared_array() {
  const Unwatched bookkeeping;
  if (running_ == nullptr) fail("BELLMAN_DYNAMIC_SHARED outside a kernel");
  return shared_.dynamic_array();
}

void Executor::fence() {
  const Unwatched bookkeeping;
  if (running_ != nullptr) running_->fenced = true;
}

// ---- barriers that a test removes

#if defined(BELLMAN_SIMT_MUTANTS)

namespace {

struct Named {
  std::string file;
  unsigned line = 0;  // 0: none
};

Named named_by_environment() {
  const char* value = std::getenv("BELLMAN_SIMT_DROP_BARRIER");
  if (value == nullptr) return {};
  const std::string text(value);
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) fail("BELLMAN_SIMT_DROP_BARRIER is \"", text, "\", must be FILE:LINE");
  return {'/' + text.substr(0, colon), static_cast<unsigned>(std::atoi(text.c_str() + colon + 1))};
}

std::vector<Place>& visited_barriers() {
  static std::vector<Place> places;
  return places;
}

void note_visit(const Place& place) {
  for (const Place& known : visited_barriers())
    if (known.line == place.line && known.file == place.file) return;  // compares addresses: near enough
  visited_barriers().push_back(place);
}

}  // namespace

std::vector<Place> take_visited_barriers() { return std::exchange(visited_barriers(), {}); }

bool is_dropped_barrier(const Place& place) {
  static const Named named = named_by_environment();
  note_visit(place);
  // The compiler may know the file by a longer path.
  return place.line == named.line && ('/' + std::string(place.file)).ends_with(named.file);
}

#endif

}  // namespace bellman::simt::detail
