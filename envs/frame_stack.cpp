#include "envs/frame_stack.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "core/base/check.h"
#include "envs/process/frame.h"

namespace bellman {
namespace {

/// k frames of F elements, oldest first.
class Frames {
 public:
  Frames(std::size_t k, std::size_t frame) : frame_(frame), numbers_(k * frame) {}

  std::span<const float> all() const { return numbers_; }
  /// Where the newest lies.
  std::span<float> newest() { return std::span(numbers_).last(frame_); }
  /// Drops the oldest: the newest is still to be written.
  void advance() {
    std::copy(numbers_.begin() + static_cast<std::ptrdiff_t>(frame_), numbers_.end(), numbers_.begin());
  }
  /// An episode begins with the newest.
  void fill_with_newest() {
    for (std::size_t at = 0; at + frame_ < numbers_.size(); at += frame_)
      std::ranges::copy(newest(), numbers_.begin() + static_cast<std::ptrdiff_t>(at));
  }

  /// The frames, and the state of the environment behind them.
  std::vector<double> before(const std::vector<double>& state) const {
    std::vector<double> both(numbers_.begin(), numbers_.end());
    both.insert(both.end(), state.begin(), state.end());
    return both;
  }
  /// Takes the frames from a state; returns the rest. Throws: Error when before() cannot have made it.
  std::span<const double> take(std::span<const double> state, const std::string& id) {
    if (state.size() < numbers_.size())
      fail(id, ": a state of ", state.size(), " numbers, must begin with ", numbers_.size(), " of frames");
    for (std::size_t i = 0; i < numbers_.size(); ++i) {
      if (std::isfinite(state[i]) && std::abs(state[i]) > double{std::numeric_limits<float>::max()})
        fail(id, ": number ", i, " of a state's frames is ", state[i], ", which no float holds");
      numbers_[i] = static_cast<float>(state[i]);
    }
    return state.subspan(numbers_.size());
  }

 private:
  std::size_t frame_;
  std::vector<float> numbers_;  // (k,F)
};

EnvSpec stacked_spec(EnvSpec spec, Index k) {
  spec.observation_shape = stacked_shape(spec.observation_shape, k);
  spec.frame_stack = k;
  return spec;
}

Frames frames_of(const EnvSpec& frame, Index k) {
  return {static_cast<std::size_t>(k), static_cast<std::size_t>(frame.observation_shape.elements())};
}

class FrameStackBatch final : public BatchEnv {
 public:
  FrameStackBatch(std::unique_ptr<BatchEnv> envs, Index k)
      : envs_(std::move(envs)),
        spec_(stacked_spec(envs_->spec(), k)),
        frame_(static_cast<std::size_t>(envs_->spec().observation_shape.elements())),
        seen_(static_cast<std::size_t>(envs_->size()) * frame_),
        stacks_(static_cast<std::size_t>(envs_->size()), frames_of(envs_->spec(), k)) {}

  const EnvSpec& spec() const override { return spec_; }
  Index size() const override { return envs_->size(); }

  void reset(std::span<float> observations, std::span<const Index> which) override {
    envs_->reset(seen_, which);
    for (const Index e : which) show(observations, e, true);
  }
  std::span<const Index> step(std::span<StepResult> results, std::span<float> observations, Index first,
                              std::span<const std::int32_t> actions) override {
    const std::span<const Index> ended = envs_->step(results, seen_, first, actions);
    const Index end = first + static_cast<Index>(actions.size());
    for (Index e = first; e < end; ++e) show(observations, e, results[static_cast<std::size_t>(e)].began);
    return ended;
  }

  std::vector<double> state(Index e) const override {
    return stacks_[static_cast<std::size_t>(e)].before(envs_->state(e));
  }
  void set_state(Index e, std::span<const double> state) override {
    envs_->set_state(e, stacks_[static_cast<std::size_t>(e)].take(state, spec_.id));
  }

 private:
  /// The frame that copy e shows now joins its stack, whose row is written.
  void show(std::span<float> observations, Index e, bool begins) {
    const auto row = static_cast<std::size_t>(e);
    Frames& stack = stacks_[row];
    stack.advance();
    std::ranges::copy(std::span(seen_).subspan(row * frame_, frame_), stack.newest().begin());
    if (begins) stack.fill_with_newest();
    std::ranges::copy(stack.all(),
                      observations.begin() + static_cast<std::ptrdiff_t>(row * stack.all().size()));
  }

  std::unique_ptr<BatchEnv> envs_;
  EnvSpec spec_;
  std::size_t frame_;        // F
  std::vector<float> seen_;  // (E,F)
  std::vector<Frames> stacks_;
};

class FrameStackEnv final : public Env, public DrawsItself {
 public:
  FrameStackEnv(std::unique_ptr<Env> env, Index k)
      : env_(std::move(env)), spec_(stacked_spec(env_->spec(), k)), stack_(frames_of(env_->spec(), k)) {}

  const EnvSpec& spec() const override { return spec_; }
  void seed(const RandomStream& stream) override { env_->seed(stream); }
  void reset() override {
    env_->reset();
    show(true);
  }
  StepResult step(int action) override { return shown(env_->step(action)); }
  void begin_step(int action) override { env_->begin_step(action); }
  StepResult end_step() override { return shown(env_->end_step()); }
  void observe(std::span<float> out) const override { std::ranges::copy(stack_.all(), out.begin()); }

  std::vector<double> state() const override { return stack_.before(env_->state()); }
  void set_state(std::span<const double> state) override { env_->set_state(stack_.take(state, spec_.id)); }
  void set_physical_state(std::span<const double> values) override {
    env_->set_physical_state(values);
    show(true);
  }
  const Env& unwrapped() const override { return env_->unwrapped(); }
  std::vector<std::byte> frame() override {
    auto* const drawn = dynamic_cast<DrawsItself*>(env_.get());
    BELLMAN_CHECK(drawn != nullptr);
    return drawn->frame();
  }

  std::unique_ptr<BatchEnv> batch(Index copies, const RandomStream& first) const override {
    std::unique_ptr<BatchEnv> envs = env_->batch(copies, first);
    return envs ? std::make_unique<FrameStackBatch>(std::move(envs), spec_.frame_stack) : nullptr;
  }
  Index least_batch() const override { return env_->least_batch(); }

 private:
  StepResult shown(const StepResult& result) {
    show(result.began);
    return result;
  }
  void show(bool begins) {
    stack_.advance();
    env_->observe(stack_.newest());
    if (begins) stack_.fill_with_newest();
  }

  std::unique_ptr<Env> env_;
  EnvSpec spec_;
  Frames stack_;
};

}  // namespace

Shape stacked_shape(const Shape& frame, Index k) {
  const bool joins = frame.rank() != 2;  // (H,W) are stacked to (k,H,W)
  Shape shape;
  if (!joins) shape.append(k);
  for (int i = 0; i < frame.rank(); ++i) shape.append(joins && i == 0 ? k * frame[0] : frame[i]);
  if (shape.elements() >= Index{1} << 31)
    fail("frame_stack is ", k, ": ", k, " observations of shape ", frame,
         " have more than 2^31 - 1 elements");
  return shape;
}

void check_frame_stack(Index k) {
  if (k < 1 || k > 1024) fail("frame_stack is ", k, ", must be from 1 to 1024");
}

EnvFactory frame_stacked(EnvFactory make_env, Index k) {
  check_frame_stack(k);
  if (k == 1) return make_env;
  return [make_env = std::move(make_env), k] { return std::make_unique<FrameStackEnv>(make_env(), k); };
}

}  // namespace bellman
