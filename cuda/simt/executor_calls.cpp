// What a running CUDA thread calls: barriers, warps, shared memory.
#include "core/base/check.h"
#include "cuda/simt/dropped_barrier.h"
#include "cuda/simt/executor.h"

namespace bellman::simt::detail {

void Executor::wait_at_barrier(const Place& place) {
  const Unwatched bookkeeping;
  running("__syncthreads", place);
  if (is_dropped_barrier(place)) return;
  Token& token = (*barriers_)[barriers_passed_ % 2];
  publish(token);
  wait(CudaThread::State::kAtBarrier, "__syncthreads", place);
  observe(token);
}

std::uint64_t Executor::shuffle(WarpCall call, unsigned mask, std::uint64_t word, unsigned source,
                                const Place& place) {
  const Unwatched bookkeeping;
  return meet(call, mask, word, place).words[source];
}

unsigned Executor::ballot(unsigned mask, bool vote, const Place& place) {
  const Unwatched bookkeeping;
  const Round& round = meet(WarpCall::kVote, mask, vote ? 1 : 0, place);
  unsigned votes = 0;
  for (unsigned lane = 0; lane < kLanes; ++lane)
    votes |= static_cast<unsigned>(round.words[lane] == 1) << lane;
  return votes;
}

void Executor::synchronise_warp(unsigned mask, const Place& place) {
  const Unwatched bookkeeping;
  if (is_dropped_barrier(place)) return;
  observe(meet(WarpCall::kSync, mask, 0, place).token);
}

Round& Executor::meet(WarpCall call, unsigned mask, std::uint64_t word, const Place& place) {
  CudaThread& thread = running(name(call), place);
  const std::size_t warp = number(thread) / kLanes;
  Round& round = warps_[warp].come(call, mask, number(thread) % kLanes, word, place);
  if (call == WarpCall::kSync) publish(round.token);
  thread.state = CudaThread::State::kInWarpCall;
  close_complete_meetings(warp);
  if (thread.state == CudaThread::State::kInWarpCall) wait(CudaThread::State::kInWarpCall, name(call), place);
  return round;
}

void Executor::close_complete_meetings(std::size_t warp) {
  while (const unsigned lanes = warps_[warp].close_complete_meeting())
    for (unsigned lane = 0; lane < kLanes; ++lane)
      if (lanes >> lane & 1U) threads_[warp * kLanes + lane].state = CudaThread::State::kReady;
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

}  // namespace bellman::simt::detail
