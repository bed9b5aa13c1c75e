#include "envs/process/process_env.h"

#include <algorithm>
#include <cmath>
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
#include "envs/process/env_worker.h"

namespace bellman {
namespace {

/// What is counted of a copy here; the process counts nothing that a run depends on.
struct EpisodeCounts {
  RandomStream stream{};
  Index elapsed = 0;         // steps of this episode
  std::uint64_t resets = 0;  // so far
  EpisodePhase phase = EpisodePhase::kUnstarted;

  /// Of the next reset.
  std::uint32_t next_seed() { return random_words(stream, resets++)[0] >> 1; }
};

constexpr std::size_t kBytesPerNumber = 6;  // whole numbers below 2^48 are exact in a double

/// Env::state(): the number of bytes, the bytes in sixes, and as EpisodeEnv's the steps, the draws and the phase.
std::vector<double> state_of(const EpisodeCounts& counts, std::span<const std::byte> bytes) {
  std::vector<double> state = {static_cast<double>(bytes.size())};
  for (std::size_t i = 0; i < bytes.size(); i += kBytesPerNumber) {
    std::uint64_t packed = 0;
    for (std::size_t k = 0; k < kBytesPerNumber && i + k < bytes.size(); ++k)
      packed |= std::to_integer<std::uint64_t>(bytes[i + k]) << (8 * k);
    state.push_back(static_cast<double>(packed));
  }
  for (const double count : {static_cast<double>(counts.elapsed), static_cast<double>(counts.resets),
                             static_cast<double>(counts.phase)})
    state.push_back(count);
  return state;
}

bool is_count(double x, double most) { return x >= 0 && x <= most && x == std::floor(x); }

/// The bytes, and the counts into `counts`. Throws: Error for what state_of() cannot have made.
std::vector<std::byte> read_state(std::span<const double> state, const std::string& id,
                                  EpisodeCounts& counts) {
  const auto refuse = [&](const char* why) { fail(id, ": an impossible saved state: ", why); };
  if (state.size() < 4 || !is_count(state[0], 0x1p40)) refuse("it has no count of bytes");
  const auto size = static_cast<std::size_t>(state[0]);
  const std::size_t numbers = (size + kBytesPerNumber - 1) / kBytesPerNumber;
  if (state.size() != numbers + 4) refuse("its length is wrong");
  std::vector<std::byte> bytes(size);
  for (std::size_t n = 0; n < numbers; ++n) {
    if (!is_count(state[n + 1], 0x1p48 - 1)) refuse("it has a number that holds no bytes");
    const auto packed = static_cast<std::uint64_t>(state[n + 1]);
    for (std::size_t k = 0; k < kBytesPerNumber && n * kBytesPerNumber + k < size; ++k)
      bytes[n * kBytesPerNumber + k] = static_cast<std::byte>(packed >> (8 * k));
  }
  const std::span<const double> tail = state.last(3);
  if (!is_count(tail[0], 0x1p53) || !is_count(tail[1], 0x1p53) || !is_count(tail[2], 2))
    refuse("its counts are none");
  counts.elapsed = static_cast<Index>(tail[0]);
  counts.resets = static_cast<std::uint64_t>(tail[1]);
  counts.phase = static_cast<EpisodePhase>(static_cast<int>(tail[2]));
  return bytes;
}

/// One copy in one worker.
class Copy {
 public:
  Copy(EnvWorker& worker, Index number) : worker_(&worker), number_(number) {}

  void reset() {
    worker_->record(number_).seed = counts.next_seed();
    worker_->reset(number_);
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
  using Key = std::tuple<std::string, std::string, std::string, Index>;
  static Key key(const EnvOptions& o) { return {o.id, o.env_kwargs, o.python, o.max_episode_steps}; }

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
  ProcessBatch(Task& task, Index copies, std::uint64_t seed, Purpose purpose)
      : spec_(task.description().spec) {
    const Index wanted = task.options().env_workers > 0
                             ? task.options().env_workers
                             : static_cast<Index>(std::thread::hardware_concurrency());
    const Index workers = std::clamp<Index>(wanted, 1, copies);
    for (Index w = 0; w < workers; ++w) {
      const Index begin = copies * w / workers, end = copies * (w + 1) / workers;
      workers_.push_back({task.worker(), begin, end});
      const Index first = workers_.back().worker->add(end - begin);
      for (Index e = begin; e < end; ++e) {
        copies_.emplace_back(*workers_.back().worker, first + e - begin);
        copies_.back().counts.stream = {seed, purpose, static_cast<std::uint32_t>(e)};
      }
    }
    ended_.reserve(static_cast<std::size_t>(copies));
  }

  const EnvSpec& spec() const override { return spec_; }
  Index size() const override { return static_cast<Index>(copies_.size()); }

  void reset(std::span<float> observations, std::span<const Index> which) override {
    for (const Index e : which) {
      copy(e).reset();
      copy(e).observe(row(observations, e));
    }
  }

  std::span<const Index> step(std::span<StepResult> results, std::span<float> observations, Index first,
                              std::span<const std::int32_t> actions) override {
    const Index end = first + static_cast<Index>(actions.size());
    for (Index e = first; e < end; ++e)
      copy(e).set_action(spec_, actions[static_cast<std::size_t>(e - first)]);
    for_each_part(first, end, [](EnvWorker& worker, Index a, Index b) { worker.ask_step(a, b); });
    std::optional<Error> failure;  // all answers are read: none is taken for the next one's
    for_each_part(first, end, [&](EnvWorker& worker, Index, Index) {
      try {
        worker.wait();
      } catch (const Error& error) {
        if (!failure) failure = error;
      }
    });
    if (failure) throw Error(*failure);
    ended_.clear();
    for (Index e = first; e < end; ++e) {
      const StepResult result = copy(e).result();
      results[static_cast<std::size_t>(e)] = result;
      copy(e).observe(row(observations, e));
      if (result.terminated || result.truncated) ended_.push_back(e);
    }
    return ended_;
  }

  std::vector<double> state(Index e) const override { return copies_[static_cast<std::size_t>(e)].state(); }
  void set_state(Index e, std::span<const double> state) override { copy(e).set_state(state); }

 private:
  struct Share {
    std::unique_ptr<EnvWorker> worker;
    Index begin = 0, end = 0;  // of the batch's copies
  };

  Copy& copy(Index e) { return copies_[static_cast<std::size_t>(e)]; }
  std::span<float> row(std::span<float> observations, Index e) const {
    const auto size = static_cast<std::size_t>(spec_.observation_shape.elements());
    return observations.subspan(static_cast<std::size_t>(e) * size, size);
  }
  /// use(worker, a, b) for each worker that has some of first .. end - 1; a .. b - 1 as it numbers them.
  template <class Use>
  void for_each_part(Index first, Index end, const Use& use) {
    for (const Share& share : workers_) {
      const Index a = std::max(first, share.begin), b = std::min(end, share.end);
      if (a < b) use(*share.worker, copy(a).number(), copy(b - 1).number() + 1);
    }
  }

  EnvSpec spec_;
  std::vector<Share> workers_;
  std::vector<Copy> copies_;
  std::vector<Index> ended_;
};

class ProcessEnv final : public Env {
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
  void reset() override { copy().reset(); }
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
  std::unique_ptr<BatchEnv> batch(Index copies, std::uint64_t seed, Purpose purpose) const override {
    return std::make_unique<ProcessBatch>(*task_, copies, seed, purpose);
  }
  Index least_batch() const override { return 1; }

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
