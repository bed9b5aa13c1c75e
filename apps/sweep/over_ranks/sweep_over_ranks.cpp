#include "apps/sweep/over_ranks/sweep_over_ranks.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <numeric>
#include <span>
#include <utility>

#include "apps/base/numbers.h"
#include "apps/ranks/machine_share.h"
#include "apps/run/ranked_run.h"
#include "apps/sweep/over_ranks/dealing.h"
#include "apps/sweep/over_ranks/run_pool.h"
#include "apps/sweep/over_ranks/sweep_message.h"
#include "apps/sweep/sweep_state.h"
#include "core/base/check.h"
#include "core/base/text.h"
#include "core/io/safetensors.h"

namespace bellman {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kBetweenLooks{2};  // at messages; a run that ends here is seen at once
constexpr double kBetweenWatches = 0.1;                // seconds
constexpr double kBetweenReports = 0.5;                // of a rank's progress

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Rank 0: which runs train where, and what has come of them.
class Dealer {
 public:
  Dealer(Ranks& ranks, const SweepPlan& plan, int jobs, std::vector<SweepRun> runs, const SweepKeep& keep)
      : ranks_(ranks),
        plan_(plan),
        keep_(keep),
        runs_(std::move(runs)),
        places_(static_cast<std::size_t>(ranks.size())),
        pool_(plan, jobs) {
    places_[0].count = static_cast<std::size_t>(jobs);
    for (std::size_t run = 0; run < runs_.size(); ++run)
      if (runs_[run].state == RunState::kWaiting && plan_.is_ours(run)) waiting_.push_back(run);
    std::reverse(waiting_.begin(), waiting_.end());  // the next one is the last
  }

  void work(const std::atomic<bool>& stop, const SweepWatch& watch) {
    Clock::time_point watched = Clock::now();
    while (!is_done()) {
      receive();
      if (stop || signal_ != 0) end_early();
      deal();
      if (seconds_since(watched) >= kBetweenWatches) {
        for (const auto& [run, timestep] : pool_.running()) runs_[run].timestep = timestep;
        watch(runs_);
        watched = Clock::now();
      }
      pool_.wait(kBetweenLooks);
    }
    write_to_all({.kind = SweepMessage::kLeave});
    watch(runs_);
  }

  RankedSweep result() { return {std::move(runs_), signal_}; }

 private:
  /// The places of a rank.
  struct Places {
    std::size_t count = 0;  // 0: it has not said hello yet
    std::map<std::size_t, Clock::time_point> running;
    double seconds = 0;  // of the runs that have ended there
    std::size_t ended = 0;

    std::optional<double> seconds_per_run() const {
      if (ended == 0) return std::nullopt;
      return seconds / static_cast<double>(ended);
    }
  };

  bool is_done() const {
    return (waiting_.empty() || is_ending_) &&
           std::all_of(places_.begin(), places_.end(),
                       [](const Places& places) { return places.count > 0 && places.running.empty(); });
  }

  void write(int to, const SweepMessage& message) { ranks_.send(to, bytes_of(message)); }
  void write_to_all(const SweepMessage& message) {
    for (int to = 1; to < ranks_.size(); ++to) write(to, message);
  }

  void receive() {
    for (EndedRun& ended : pool_.take_ended()) end_run(0, std::move(ended));
    while (const std::optional<RankMessage> arrived = ranks_.receive()) {
      const SweepMessage message = message_of(arrived->bytes);
      const auto from = static_cast<std::size_t>(arrived->from);
      switch (message.kind) {
        case SweepMessage::kHello:
          places_[from].count = static_cast<std::size_t>(message.value);
          break;
        case SweepMessage::kProgress:
          runs_[message.run].timestep = message.value;
          break;
        case SweepMessage::kEnded:
          end_run(from, ended_run_of(message));
          break;
        case SweepMessage::kStop:
          signal_ = static_cast<int>(message.value);
          break;
        default:
          BELLMAN_CHECK(false);
      }
    }
  }

  void end_run(std::size_t rank, EndedRun ended) {
    Places& places = places_[rank];
    const auto dealt = places.running.find(ended.run);
    BELLMAN_CHECK(dealt != places.running.end());
    if (is_over(ended.record)) {
      keep_(ended.run, ended.record, ended.model ? &*ended.model : nullptr);
      places.seconds += seconds_since(dealt->second);
      ++places.ended;
    }
    places.running.erase(dealt);
    runs_[ended.run] = std::move(ended.record);
  }

  void end_early() {
    if (std::exchange(is_ending_, true)) return;
    pool_.cut();
    write_to_all({.kind = SweepMessage::kCut});
  }

  void deal() {
    if (waiting_.empty() || is_ending_) return;
    std::vector<RunPlace> all;
    std::vector<int> owners;
    for (std::size_t rank = 0; rank < places_.size(); ++rank) {
      const Places& places = places_[rank];
      const std::optional<double> seconds = places.seconds_per_run();
      for (const auto& [run, start] : places.running) all.push_back({seconds, seconds_since(start)});
      all.resize(all.size() + places.count - places.running.size(), {seconds, std::nullopt});
      owners.resize(all.size(), static_cast<int>(rank));
    }
    for (const std::size_t place : places_to_deal(all, waiting_.size())) {
      const std::size_t run = waiting_.back();
      waiting_.pop_back();
      runs_[run].state = RunState::kRunning;
      places_[static_cast<std::size_t>(owners[place])].running[run] = Clock::now();
      if (owners[place] == 0)
        pool_.start(run);
      else
        write(owners[place], {.kind = SweepMessage::kTrain, .run = run});
    }
  }

  Ranks& ranks_;
  const SweepPlan& plan_;
  const SweepKeep& keep_;
  std::vector<SweepRun> runs_;
  std::vector<std::size_t> waiting_;
  std::vector<Places> places_;  // of each rank
  bool is_ending_ = false;
  int signal_ = 0;
  RunPool pool_;  // rank 0's; the last: it ends first
};

}  // namespace

SweepPlan shared_plan(Ranks& ranks, const SweepPlan& own) {
  std::string text;
  if (ranks.rank() == 0) {
    const std::vector<std::byte> bytes =
        safetensors_bytes(plan_tensors(own, std::vector<SweepRun>(own.runs())), "the plan");
    text.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  text = text_of_rank_0(ranks, text);
  if (ranks.rank() == 0) return own;
  return sweep_of(parse_safetensors(std::as_bytes(std::span(text)), "rank 0's plan"), "rank 0's plan").plan;
}

ExecutionPlan shared_execution(Ranks& ranks, const SweepPlan& plan, const std::string& jobs) {
  const MachineShare share = machine_share(ranks);
  ExecutionPlan execution = plan_execution(plan, jobs, share);
  if (execution.population)
    fail("--device ", plan.variants.front().resolved.config.device,
         ": the device trains the runs as one population, which is "
         "not dealt out to ranks: start a process for each device with --shard I/N, without mpirun");
  const auto count = static_cast<std::size_t>(ranks.size());
  std::vector<int> all(count);
  all[static_cast<std::size_t>(ranks.rank())] = execution.jobs;
  ranks.all_gather(std::as_writable_bytes(std::span(all)), std::vector<std::size_t>(count, sizeof(int)));
  execution.text += formatted(" here; %d ranks on %s: %d at a time", ranks.size(),
                              counted(static_cast<std::size_t>(share.machines), "machine").c_str(),
                              std::accumulate(all.begin(), all.end(), 0));
  return execution;
}

RankedSweep lead_sweep(Ranks& ranks, const SweepPlan& plan, int jobs, std::vector<SweepRun> runs,
                       const SweepKeep& keep, const std::atomic<bool>& stop, const SweepWatch& watch) {
  Dealer dealer(ranks, plan, jobs, std::move(runs), keep);
  dealer.work(stop, watch);
  return dealer.result();
}

void follow_sweep(Ranks& ranks, const SweepPlan& plan, int jobs, const std::atomic<bool>& stop,
                  const std::function<int()>& signal) {
  const auto write = [&](const SweepMessage& message) { ranks.send(0, bytes_of(message)); };
  RunPool pool(plan, jobs);
  write({.kind = SweepMessage::kHello, .value = jobs});
  Clock::time_point reported = Clock::now();
  bool has_stopped = false, may_leave = false;
  while (!may_leave) {
    for (const EndedRun& ended : pool.take_ended()) write(message_of(ended));
    while (const std::optional<RankMessage> arrived = ranks.receive()) {
      const SweepMessage message = message_of(arrived->bytes);
      if (message.kind == SweepMessage::kTrain) pool.start(message.run);
      if (message.kind == SweepMessage::kCut) pool.cut();
      may_leave = may_leave || message.kind == SweepMessage::kLeave;
    }
    if (stop && !std::exchange(has_stopped, true)) {
      pool.cut();
      write({.kind = SweepMessage::kStop, .value = signal()});
    }
    if (seconds_since(reported) >= kBetweenReports) {
      for (const auto& [run, timestep] : pool.running())
        write({.kind = SweepMessage::kProgress, .run = run, .value = timestep});
      reported = Clock::now();
    }
    pool.wait(kBetweenLooks);
  }
}

}  // namespace bellman
