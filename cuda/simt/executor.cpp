#include "cuda/simt/executor.h"

#include <algorithm>
#include <cstdio>
#include <sstream>
#include <string_view>

#include "core/base/check.h"

#if defined(BELLMAN_SIMT_ADDRESS_SANITIZER)
#include <sanitizer/common_interface_defs.h>
#endif

namespace bellman::simt::detail {

namespace {

constexpr std::size_t kMaxThreads = 1024;
constexpr dim3 kMaxBlock(1024, 1024, 64);
constexpr dim3 kMaxGrid(2147483647, 65535, 65535);

std::size_t product(const dim3& extent) { return std::size_t{extent.x} * extent.y * extent.z; }

void check_extent(const Place& site, const char* what, const dim3& extent, const dim3& most) {
  const bool empty = extent.x == 0 || extent.y == 0 || extent.z == 0;
  if (empty || extent.x > most.x || extent.y > most.y || extent.z > most.z)
    fail(to_string(site), ": launch: the ", what, " is ", to_string(extent), ", must be from (1,1,1) to ",
         to_string(most));
}

#if defined(BELLMAN_SIMT_ADDRESS_SANITIZER)
void print_whereabouts() {  // after the sanitizer's report, which knows no CUDA threads
  std::fprintf(stderr, "SIMT executor: in %s\n", Executor::of_this_thread().whereabouts().c_str());
}
#endif

struct Group {  // threads that wait at the same call, or have returned
  const CudaThread* first;
  std::size_t size;
};

bool at_the_same(const CudaThread& a, const CudaThread& b) {
  if (a.state == CudaThread::State::kReturned || b.state == CudaThread::State::kReturned)
    return a.state == b.state;
  return a.place.line == b.place.line && std::string_view(a.place.file) == b.place.file &&
         std::string_view(a.call) == b.call;
}

std::vector<Group> groups_of(const std::vector<CudaThread>& threads) {
  std::vector<Group> groups;
  for (const CudaThread& thread : threads) {
    const auto known = std::find_if(groups.begin(), groups.end(),
                                    [&](const Group& group) { return at_the_same(*group.first, thread); });
    if (known == groups.end())
      groups.push_back({&thread, 1});
    else
      ++known->size;
  }
  return groups;
}

/// What every thread of a block waits for: "31 threads wait at __syncthreads (a.cu:7), the first is (0,0,0);
/// ...".
std::string deadlock_report(const std::vector<CudaThread>& threads) {
  std::ostringstream text;
  const char* separator = "";
  for (const Group& group : groups_of(threads)) {
    const CudaThread& first = *group.first;
    const bool one = group.size == 1;
    text << separator << group.size << (one ? " thread" : " threads");
    if (first.state == CudaThread::State::kReturned)
      text << (one ? " has returned" : " have returned");
    else
      text << (one ? " waits" : " wait") << " at " << first.call << " (" << to_string(first.place) << ")";
    text << ", the first is " << to_string(first.index);
    separator = "; ";
  }
  return text.str();
}

}  // namespace

Executor& Executor::of_this_thread() {
  static thread_local Executor executor;
  return executor;
}

// ---- a launch

void check(const KernelLaunch& launch) {
  check_extent(launch.site, "grid", launch.grid, kMaxGrid);
  check_extent(launch.site, "block", launch.block, kMaxBlock);
  if (product(launch.block) > kMaxThreads)
    fail(to_string(launch.site), ": launch: a block of ", to_string(launch.block), " has ",
         product(launch.block), " threads, ", kMaxThreads, " is the most");
  if (launch.shared_bytes > kMaxSharedBytes)
    fail(to_string(launch.site), ": launch: ", launch.shared_bytes, " bytes of shared memory, ",
         kMaxSharedBytes, " is the most");
}

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
  __sanitizer_set_death_callback(print_whereabouts);
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
    if (resume_ready_threads()) continue;
    const auto returned = [](const CudaThread& thread) { return thread.state == State::kReturned; };
    if (std::all_of(threads_.begin(), threads_.end(), returned)) return;
    release_or_report();
  }
  abort_block();
}

void Executor::begin_block() {
  sequencer_.first(sequence_, threads_.size());
  started_ = 0;
  barriers_passed_ = 0;
  // Each block's barriers have an address of their own: passing one must not order the blocks.
  if (kThreadSanitizer) barriers_ = std::make_unique<std::array<Token, 2>>();
  shared_.begin_block();
  for (CudaThread& thread : threads_) {
    thread.state = State::kFresh;
    thread.fenced = false;
  }
  for (std::size_t warp = 0; warp < warps_.size(); ++warp)
    warps_[warp].begin(static_cast<unsigned>(std::min<std::size_t>(kLanes, threads_.size() - warp * kLanes)));
}

// A fiber whose thread has returned takes the next thread itself (work_on_fiber): without barriers one fiber
// runs a whole block.
void Executor::start_threads() {
  while (error_.empty()) {
    CudaThread* thread = next_fresh();
    if (thread == nullptr) return;
    thread->fiber = &fresh_fiber();
    enter(*thread);
    thread->fiber->resume();
  }
}

bool Executor::resume_ready_threads() {
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

// Every thread waits or has returned. The kernel is correct only if all wait at one barrier.
void Executor::release_or_report() {
  const CudaThread& first = threads_.front();
  bool same_barrier = first.state == State::kAtBarrier;
  for (const CudaThread& thread : threads_)
    same_barrier = same_barrier && thread.state == State::kAtBarrier &&
                   thread.place.line == first.place.line &&
                   std::string_view(thread.place.file) == first.place.file;
  if (same_barrier) return release_barrier();
  error_ = to_string(launch_->site) + ": block " + to_string(blockIdx) +
           " of the kernel launched here is deadlocked: " + deadlock_report(threads_);
}

void Executor::release_barrier() {
  for (CudaThread& thread : threads_) thread.state = State::kReady;
  ++barriers_passed_;
  sequencer_.again(sequence_);
}

// Each waiting thread gets an exception where it waits: destructors run, and its fiber becomes idle.
void Executor::abort_block() {
  for (CudaThread& thread : threads_) {
    if (thread.state == State::kFresh) thread.state = State::kReturned;
    if (thread.state == State::kReturned) continue;
    enter(thread);
    thread.fiber->resume();
  }
}

}  // namespace bellman::simt::detail
