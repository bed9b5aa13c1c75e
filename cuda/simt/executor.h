// Runs kernels on the CPU: block after block, every CUDA thread of a block as a fiber.
//
// A thread runs until it waits: at __syncthreads for the block, at a shuffle, vote or __syncwarp for the
// lanes of its warp. Then another runs. When all wait and no wait can end, the kernel is wrong, and run()
// reports which threads wait where. docs/simt.md explains the design.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "cuda/simt/fiber.h"
#include "cuda/simt/kernel_launch.h"
#include "cuda/simt/order.h"
#include "cuda/simt/sanitizers.h"
#include "cuda/simt/shared_memory.h"
#include "cuda/simt/warp.h"

namespace bellman::simt {

// Of the CUDA thread that runs. The executor sets them; a kernel only reads them.
inline thread_local constinit uint3 threadIdx{}, blockIdx{};
inline thread_local constinit dim3 blockDim{}, gridDim{};

namespace detail {

struct CudaThread {
  enum class State { kFresh, kReady, kAtBarrier, kInWarpCall, kReturned };

  uint3 index{};
  State state = State::kFresh;
  Fiber* fiber = nullptr;  // while it runs or waits
  const char* call = "";   // that it waits in
  Place place;             // of that call
  bool fenced = false;     // has called __threadfence
};

/// One for each host thread that launches kernels.
class Executor {
 public:
  static Executor& of_this_thread();

  /// Returns when every thread of the launch has returned. Throws: Error, naming the place of the launch, the
  /// block and the threads, when the block is deadlocked or the kernel misused the executor. The remaining
  /// blocks then do not run.
  void run(const KernelLaunch& launch);

  bool in_kernel() const { return launch_ != nullptr; }
  /// "thread (1,0,0) of block (0,0,0) of the kernel launched at dense.cu:12", or "no kernel".
  std::string whereabouts() const;

  // ---- calls of the CUDA thread that runs. Throw: Error outside kernels.
  void wait_at_barrier(const Place& place);
  /// The word of lane `source`; all ones when that lane passed none. Lanes count from 0 to 31.
  std::uint64_t shuffle(WarpCall call, unsigned mask, std::uint64_t word, unsigned source,
                        const Place& place);
  /// The lanes whose `vote` is true, a bit each.
  unsigned ballot(unsigned mask, bool vote, const Place& place);
  void synchronise_warp(unsigned mask, const Place& place);
  unsigned lane() const;
  void* shared_array(const void* declaration, std::size_t bytes, std::size_t alignment);
  void* dynamic_shared_array();
  void fence();
  bool fenced() const { return running_ != nullptr && running_->fenced; }

 private:
  struct Aborted {};  // unwinds the threads of a deadlocked block

  using State = CudaThread::State;

  void begin_launch(const KernelLaunch& launch);
  void run_blocks();
  void run_block();
  void begin_block();
  void start_threads();
  bool resume_ready_threads();
  void release_or_report();
  void release_barrier();
  void abort_block();

  CudaThread* next_fresh();
  Fiber& fresh_fiber();
  void enter(CudaThread& thread);
  static void work_on_fiber(void* executor);
  void run_thread();
  void thread_returned();
  void wait(State state, const char* call, const Place& place);
  Round& join_round(WarpCall call, unsigned mask, std::uint64_t word, const Place& place);
  void close_complete_rounds(std::size_t warp);
  CudaThread& running(const char* call, const Place& place) const;
  std::size_t number(const CudaThread& thread) const {
    return static_cast<std::size_t>(&thread - threads_.data());
  }

  const KernelLaunch* launch_ = nullptr;
  std::string error_;  // of the block that runs; empty while all is well

  std::vector<CudaThread> threads_;  // of the block, x fastest
  std::vector<Warp> warps_;
  std::vector<std::size_t> sequence_;  // in which threads start and resume
  std::size_t started_ = 0;            // of the sequence
  CudaThread* running_ = nullptr;
  Sequencer sequencer_{ExecutionOrder{}};
  SharedMemory shared_;

  // The events that order memory: a launch's start and end, and the block's barriers, even and odd ones.
  Token launch_start_, launch_end_;
  std::unique_ptr<std::array<Token, 2>> barriers_ = std::make_unique<std::array<Token, 2>>();
  std::size_t barriers_passed_ = 0;

  std::vector<std::unique_ptr<Fiber>> fibers_;
  std::deque<Fiber*> idle_;
};

// For a test of the tests (tests/cuda/simt/barrier_mutants_test.cpp), which removes one barrier of a kernel.
#if defined(BELLMAN_SIMT_MUTANTS)
/// Whether the environment variable BELLMAN_SIMT_DROP_BARRIER names this place, as in cuda/ops/dense.cu:41.
/// Called at every barrier.
bool is_dropped_barrier(const Place& place);
/// The barriers that threads reached since the last call, each once.
std::vector<Place> take_visited_barriers();
#else
constexpr bool is_dropped_barrier(const Place& /*place*/) { return false; }
#endif

}  // namespace detail

}  // namespace bellman::simt
