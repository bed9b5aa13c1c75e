#include "envs/process/process_env.h"

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "core/base/check.h"
#include "envs/episode_env.h"
#include "envs/process/atari_options.h"
#include "envs/process/copy_state.h"
#include "envs/process/env_worker.h"
#include "envs/process/frame.h"

namespace bellman {
namespace {

/// One copy in one worker.
class Copy {
 public:
  Copy(EnvWorker& worker, Index number) : worker_(&worker), number_(number) {}

  /// The worker has to be asked for the reset then.
  void begin_episode() {
    worker_->record(number_).seed = counts.next_seed();
    counts.elapsed = 0;
    counts.phase = EpisodePhase::kRunning;
  }
  void set_action(const EnvSpec& spec, int action) {
    check_episode_step(spec, counts.phase, action);
    worker_->record(number_).action = action;
  }
  /// After the worker has made the step.
  StepResult result() {
    const EnvWorker::Record& record = worker_->record(number_);
    ++counts.elapsed;
    const StepResult made = {static_cast<float>(record.reward), record.terminated != 0,
                             record.truncated != 0};
    if (made.terminated || made.truncated) counts.phase = EpisodePhase::kOver;
    return made;
  }
  void observe(std::span<float> out) const { std::ranges::copy(worker_->observation(number_), out.begin()); }

  std::vector<double> state() const {
    const bool is_saved =
        counts.phase != EpisodePhase::kUnstarted && worker_->description().spec.saves_episodes;
    if (is_saved) return state_of(counts, worker_->save(number_));
    EpisodeCounts unstarted = counts;
    unstarted.phase = EpisodePhase::kUnstarted;
    unstarted.elapsed = 0;
    return state_of(unstarted, {});
  }
  void set_state(std::span<const double> state) {
    const std::vector<std::byte> bytes = read_state(state, worker_->description().spec.id, counts);
    if (!bytes.empty()) worker_->load(number_, bytes);
  }

  Index number() const { return number_; }
  EpisodeCounts counts;

 private:
  EnvWorker* worker_;
  Index number_;
};

/// What workers have said in this process: making an environment for its spec alone starts no other one.
class KnownDescriptions {
 public:
  std::optional<EnvDescription> find(const EnvOptions& options) {
    const std::lock_guard lock(mutex_);
    const auto entry = known_.find(key(options));
    return entry == known_.end() ? std::nullopt : std::optional(entry->second);
  }
  void add(const EnvOptions& options, const EnvDescription& description) {
    const std::lock_guard lock(mutex_);
    known_.emplace(key(options), description);
  }

 private:
  using Key = std::tuple<std::string, std::string, std::string, Index, std::string>;
  static Key key(const EnvOptions& o) {
    return {o.id, o.env_kwargs, o.python, o.max_episode_steps, atari_arguments(o)};
  }

  std::mutex mutex_;
  std::map<Key, EnvDescription> known_;
};

KnownDescriptions& known_descriptions() {
  static KnownDescriptions known;
  return known;
}

/// What the copies of a factory share.
class Task {
 public:
  explicit Task(const EnvOptions& options) : options_(options) {
    if (const std::optional<EnvDescription> known = known_descriptions().find(options)) {
      description_ = *known;
      return;
    }
    first_ = std::make_unique<EnvWorker>(options);
    description_ = first_->description();
    known_descriptions().add(options, description_);
  }

  const EnvDescription& description() const { return description_; }
  const EnvOptions& options() const { return options_; }
  /// The worker that described the environment, for its first taker; then new ones.
  std::unique_ptr<EnvWorker> worker() {
    return first_ ? std::move(first_) : std::make_unique<EnvWorker>(options_, &description_);
  }
  /// A number in the worker of all single copies.
  Index take_copy() {
    if (!shared_) shared_ = worker();
    if (free_.empty()) return shared_->add(1);
    const Index number = free_.back();
    free_.pop_back();
    return number;
  }
  void give_back(Index number) { free_.push_back(number); }
  EnvWorker& shared() { return *shared_; }

  /// The copy has its action. The first finish_steps() after several of these makes all their steps.
  void begin_step(Index number) { begun_.push_back(number); }
  void finish_steps() {
    if (begun_.empty()) return;
    const std::vector<Index> begun = std::exchange(begun_, {});
    shared_->ask_step(begun);
    shared_->wait();
  }

 private:
  EnvOptions options_;
  std::unique_ptr<EnvWorker> first_, shared_;
  EnvDescription description_;
  std::vector<Index> begun_;
  std::vector<Index> free_;  // copies of `shared_` that nobody has
};

/// Copies dealt out over workers, which step at the same time.
class ProcessBatch final : public BatchEnv {
 public:
  ProcessBatch(Task& task, Index copies, const RandomStream& stream) : spec_(task.description().spec) {
    const Index wanted = task.options().env_workers > 0
                             ? task.options().env_workers
                             : static_cast<Index>(std::thread::hardware_concurrency());
    const Index workers = std::clamp<Index>(wanted, 1, copies);
    for (Index w = 0; w < workers; ++w) {
      const Index begin = copies * w / workers, end = copies * (w + 1) / workers;
      workers_.push_back({task.worker(), begin, end, {}});
      workers_.back().asked.reserve(static_cast<std::size_t>(end - begin));
      const Index first = workers_.back().worker->add(end - begin);
      for (Index e = begin; e < end; ++e) {
        copies_.emplace_back(*workers_.back().worker, first + e - begin);
        copies_.back().counts.stream = stream_of_copy(stream, e);
      }
    }
    ended_.reserve(static_cast<std::size_t>(copies));
    over_.reserve(static_cast<std::size_t>(copies));
    is_fresh_.resize(static_cast<std::size_t>(copies));
  }

  const EnvSpec& spec() const override { return spec_; }
  Index size() const override { return static_cast<Index>(copies_.size()); }

  void reset(std::span<float> observations, std::span<const Index> which) override {
    for (const Index e : which)
      if (!is_fresh(e)) {
        begin_episodes(which);
        break;
      }
    for (const Index e : which) {
      copy(e).observe(row(observations, e));
      is_fresh(e) = 0;
    }
  }

  std::span<const Index> step(std::span<StepResult> results, std::span<float> observations, Index first,
                              std::span<const std::int32_t> actions) override {
    const Index end = first + static_cast<Index>(actions.size());
    for (Index e = first; e < end; ++e) {
      const std::int32_t action = actions[static_cast<std::size_t>(e - first)];
      if (is_fresh(e))
        check_episode_step(spec_, EpisodePhase::kOver, action);  // nobody asked for its episode
      copy(e).set_action(spec_, action);
    }
    for (Share& share : workers_) {
      const Index a = std::max(first, share.begin), b = std::min(end, share.end);
      if (a < b) share.worker->ask_step(copy(a).number(), copy(b - 1).number() + 1);
    }
    wait_for([&](const Share& share) { return std::max(first, share.begin) < std::min(end, share.end); });
    ended_.clear();
    for (Index e = first; e < end; ++e) {
      const StepResult result = copy(e).result();
      results[static_cast<std::size_t>(e)] = result;
      copy(e).observe(row(observations, e));
      if (result.terminated || result.truncated) ended_.push_back(e);
    }
    over_ = ended_;
    return ended_;
  }

  std::vector<double> state(Index e) const override { return copies_[static_cast<std::size_t>(e)].state(); }
  void set_state(Index e, std::span<const double> state) override {
    copy(e).set_state(state);
    is_fresh(e) = 0;
    std::erase(over_, e);
  }

 private:
  struct Share {
    std::unique_ptr<EnvWorker> worker;
    Index begin = 0, end = 0;  // of the batch's copies
    std::vector<Index> asked;  // copies of this reset, as the worker numbers them
  };

  Copy& copy(Index e) { return copies_[static_cast<std::size_t>(e)]; }
  std::span<float> row(std::span<float> observations, Index e) const {
    const auto size = static_cast<std::size_t>(spec_.observation_shape.elements());
    return observations.subspan(static_cast<std::size_t>(e) * size, size);
  }
  char& is_fresh(Index e) { return is_fresh_[static_cast<std::size_t>(e)]; }
  /// Episodes of these, and of all others whose episodes ended with the last step: one request in place of many.
  void begin_episodes(std::span<const Index> which) {
    for (Share& share : workers_) share.asked.clear();
    const auto begin = [this](Index e) {
      if (is_fresh(e)) return;
      is_fresh(e) = 1;
      copy(e).begin_episode();
      workers_[share_of(e)].asked.push_back(copy(e).number());
    };
    for (const Index e : which) begin(e);
    for (const Index e : over_) begin(e);
    over_.clear();
    for (Share& share : workers_)
      if (!share.asked.empty()) share.worker->ask_reset(share.asked);
    wait_for([](const Share& share) { return !share.asked.empty(); });
  }
  std::size_t share_of(Index e) const {
    std::size_t w = 0;
    while (e >= workers_[w].end) ++w;
    return w;
  }
  /// For all answers, also after a failure: none is taken for the next one's. Throws: Error, the first failure.
  template <class WasAsked>
  void wait_for(const WasAsked& was_asked) {
    std::optional<Error> failure;
    for (const Share& share : workers_) {
      if (!was_asked(share)) continue;
      try {
        share.worker->wait();
      } catch (const Error& error) {
        if (!failure) failure = error;
      }
    }
    if (failure) throw Error(*failure);
  }

  EnvSpec spec_;
  std::vector<Share> workers_;
  std::vector<Copy> copies_;
  std::vector<Index> ended_;    // by the last step
  std::vector<Index> over_;     // those of them whose next episodes have not begun
  std::vector<char> is_fresh_;  // (E): its episode has begun, and nobody has asked for that yet
};

class ProcessEnv final : public Env, public DrawsItself {
 public:
  explicit ProcessEnv(std::shared_ptr<Task> task) : task_(std::move(task)) {}
  ~ProcessEnv() override {
    if (copy_) task_->give_back(copy_->number());
  }
  ProcessEnv(const ProcessEnv&) = delete;
  ProcessEnv& operator=(const ProcessEnv&) = delete;

  const EnvSpec& spec() const override { return task_->description().spec; }
  void seed(const RandomStream& stream) override {
    counts().stream = stream;
    counts().resets = 0;
  }
  void reset() override {
    copy().begin_episode();
    const Index number = copy_->number();
    task_->shared().ask_reset({&number, 1});
    task_->shared().wait();
  }
  StepResult step(int action) override {
    begin_step(action);
    return end_step();
  }
  void begin_step(int action) override {
    copy().set_action(spec(), action);
    task_->begin_step(copy_->number());
  }
  StepResult end_step() override {
    task_->finish_steps();
    return copy_->result();
  }
  void observe(std::span<float> out) const override { copy_->observe(out); }

  std::vector<double> state() const override { return copy_ ? copy_->state() : state_of(before_, {}); }
  void set_state(std::span<const double> state) override { copy().set_state(state); }
  void set_physical_state(std::span<const double>) override {
    fail(spec().id, ": no state can be chosen for an environment of another process");
  }
  std::unique_ptr<BatchEnv> batch(Index copies, const RandomStream& first) const override {
    return std::make_unique<ProcessBatch>(*task_, copies, first);
  }
  Index least_batch() const override { return 1; }
  std::vector<std::byte> frame() override { return task_->shared().frame(copy().number()); }

 private:
  /// Only an environment that is played takes a place in a process.
  Copy& copy() {
    if (!copy_) {
      const Index number = task_->take_copy();
      copy_.emplace(task_->shared(), number);
      copy_->counts = before_;
    }
    return *copy_;
  }
  EpisodeCounts& counts() { return copy_ ? copy_->counts : before_; }

  std::shared_ptr<Task> task_;
  EpisodeCounts before_;  // of an environment that has no copy yet
  std::optional<Copy> copy_;
};

}  // namespace

bool is_process_id(std::string_view id) { return id.starts_with("gymnasium:") || id.starts_with("envpool:"); }

EnvFactory process_env_factory(const EnvOptions& options) {
  const auto task = std::make_shared<Task>(options);
  return [task] { return std::make_unique<ProcessEnv>(task); };
}

}  // namespace bellman
