#include "cuda/simt/executor.h"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <sstream>
#include <string_view>

#include "core/base/check.h"

#if defined(BELLMAN_SIMT_ADDRESS_SANITIZER)
#include <sanitizer/common_interface_defs.h>
#endif

namespace bellman::simt::detail {

namespace {

using State = CudaThread::State;

// Under the thread sanitizer two CUDA threads that share a fiber are one thread to it, and it sees no race
// between them. So that neighbouring blocks do not share, this many more fibers are kept than a block needs.
constexpr std::size_t kMinIdleFibers = kThreadSanitizer ? 1024 : 0;

std::ostream& operator<<(std::ostream& out, const uint3& index) {
  return out << '(' << index.x << ',' << index.y << ',' << index.z << ')';
}

#if defined(BELLMAN_SIMT_ADDRESS_SANITIZER)
void tell_whereabouts() {  // after the sanitizer's report, which knows no CUDA threads
  std::fprintf(stderr, "SIMT executor: in %s\n", Executor::of_this_thread().whereabouts().c_str());
}
#endif

}  // namespace

Executor& Executor::of_this_thread() {
  static thread_local Executor executor;
  return executor;
}

// ---- a launch

void Executor::run(const KernelLaunch& launch) {
  if (in_kernel()) fail(to_string(launch.site), ": launch: within a kernel, in ", whereabouts());
  check(launch);
  const Unwatched bookkeeping;
  begin_launch(launch);
  publish(launch_start_);
  try {
    run_blocks();
  } catch (...) {  // no memory for a fiber
    launch_ = nullptr;
    throw;
  }
  observe(launch_end_);
  running_ = nullptr;
  launch_ = nullptr;
  if (!error_.empty()) throw Error(error_);
}

void Executor::begin_launch(const KernelLaunch& launch) {
#if defined(BELLMAN_SIMT_ADDRESS_SANITIZER)
  __sanitizer_set_death_callback(tell_whereabouts);
#endif
  launch_ = &launch;
  error_.clear();
  sequencer_ = Sequencer(execution_order());
  shared_.begin_launch(launch.shared_bytes);
  gridDim = launch.grid;
  blockDim = launch.block;
  const dim3& block = launch.block;
  threads_.assign(std::size_t{block.x} * block.y * block.z, CudaThread{});
  warps_.resize((threads_.size() + kLanes - 1) / kLanes);
  std::size_t n = 0;
  for (unsigned z = 0; z < block.z; ++z)
    for (unsigned y = 0; y < block.y; ++y)
      for (unsigned x = 0; x < block.x; ++x) threads_[n++].index = {x, y, z};
}

void Executor::run_blocks() {
  const dim3& grid = launch_->grid;
  const std::size_t row = grid.x, plane = row * grid.y;
  std::vector<std::size_t> blocks;
  sequencer_.first(blocks, plane * grid.z);
  for (const std::size_t n : blocks) {
    blockIdx = {static_cast<unsigned>(n % row), static_cast<unsigned>(n / row % grid.y),
                static_cast<unsigned>(n / plane)};
    run_block();
    if (!error_.empty()) return;
  }
}

// ---- a block

void Executor::run_block() {
  begin_block();
  start_threads();
  while (error_.empty()) {
    if (let_ready_threads_go_on()) continue;
    const auto returned = [](const CudaThread& thread) { return thread.state == State::kReturned; };
    if (std::all_of(threads_.begin(), threads_.end(), returned)) return;
    resolve_standstill();
  }
  abort_block();
}

void Executor::begin_block() {
  sequencer_.first(sequence_, threads_.size());
  started_ = 0;
  barriers_passed_ = 0;
  // An address of its own for each block's barriers: passing one must not order the blocks.
  if (kThreadSanitizer) barriers_ = std::make_unique<std::array<Token, 2>>();
  shared_.begin_block();
  for (CudaThread& thread : threads_) {
    thread.state = State::kFresh;
    thread.fenced = false;
  }
  for (std::size_t warp = 0; warp < warps_.size(); ++warp)
    warps_[warp].begin(static_cast<unsigned>(std::min<std::size_t>(kLanes, threads_.size() - warp * kLanes)));
}

// A fiber on which a thread returned takes the next one itself (work_on_fiber): without barriers one fiber
// serves a whole block.
void Executor::start_threads() {
  while (error_.empty()) {
    CudaThread* thread = next_fresh();
    if (thread == nullptr) return;
    thread->fiber = &fresh_fiber();
    enter(*thread);
    thread->fiber->resume();
  }
}

bool Executor::let_ready_threads_go_on() {
  bool any = false;
  for (const std::size_t n : sequence_) {
    CudaThread& thread = threads_[n];
    if (thread.state != State::kReady) continue;
    any = true;
    enter(thread);
    thread.fiber->resume();
    if (!error_.empty()) return true;
  }
  return any;
}

// Every thread waits or has returned. Right only if all wait at one barrier.
void Executor::resolve_standstill() {
  const CudaThread& first = threads_.front();
  bool same_barrier = first.state == State::kAtBarrier;
  for (const CudaThread& thread : threads_)
    same_barrier = same_barrier && thread.state == State::kAtBarrier &&
                   thread.place.line == first.place.line &&
                   std::string_view(thread.place.file) == first.place.file;
  if (same_barrier) return release_barrier();
  std::ostringstream text;
  text << to_string(launch_->site) << ": block " << blockIdx
       << " of the kernel launched here cannot go on: " << standstill_report(threads_);
  error_ = text.str();
}

void Executor::release_barrier() {
  for (CudaThread& thread : threads_) thread.state = State::kReady;
  ++barriers_passed_;
  sequencer_.again(sequence_);
}

// Each waiting thread gets an exception where it waits: destructors run, its fiber is idle again.
void Executor::abort_block() {
  for (CudaThread& thread : threads_) {
    if (thread.state == State::kFresh) thread.state = State::kReturned;
    if (thread.state == State::kReturned) continue;
    enter(thread);
    thread.fiber->resume();
  }
}

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
    std::ostringstream name;
    name << "block " << blockIdx << " thread " << threadIdx;
    thread.fiber->set_name(name.str().c_str());
  }
}

// Not watched, because it pauses for good, and nobody may find an Unwatched open when the fiber is destroyed.
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

// Leaves running_ null when the fiber has nothing more to do.
void Executor::thread_returned() {
  const Unwatched bookkeeping;
  CudaThread& thread = *running_;
  Fiber& fiber = *thread.fiber;
  thread.state = State::kReturned;
  thread.fiber = nullptr;
  warps_[number(thread) / kLanes].leave(number(thread) % kLanes);
  close_complete_meetings(number(thread) / kLanes);
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
  std::ostringstream text;
  text << "thread " << running_->index << " of block " << blockIdx << " of the kernel launched at "
       << to_string(launch_->site);
  return text.str();
}

}  // namespace bellman::simt::detail
