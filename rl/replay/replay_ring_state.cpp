// A replay ring in a checkpoint: what is written, and which contents of a file are those of a ring.
#include <algorithm>
#include <cmath>

#include "core/base/check.h"
#include "rl/replay/replay_ring.h"

namespace bellman {
namespace {

using Kind = ReplayRing::Kind;

/// Whether `next` can be the kind of the slot written after one of kind `kind`.
bool can_follow(Kind kind, Kind next) {
  if (ends_episode(kind)) return next == Kind::kFinal;
  if (kind == Kind::kStep || kind == Kind::kFinal) return is_step(next) || next == Kind::kCurrent;
  return false;
}

/// An environment's written slots, in the order they were written in: steps that lead to steps, and at the head a
/// current or final observation. Until they have wrapped round once, the head is the last of them.
void check_env_state(std::span<const Kind> kinds, Index head, Index slots, Index env) {
  const Index written = static_cast<Index>(kinds.size());
  const auto at = [&kinds](Index position) { return kinds[static_cast<std::size_t>(position)]; };
  if (head < -1 || head >= slots)
    fail("the newest slot of the replay's environment ", env, " is ", head, ", must be from -1 to ",
         slots - 1);
  const bool round = written == slots;
  if (round ? head < 0 : head != written - 1)
    fail("the newest slot of the replay's environment ", env, " is ", head, ", but ", written, " of its ",
         slots, " slots were written");
  if (written == 0) return;
  if (!round && at(0) == Kind::kFinal)
    fail("the replay's environment ", env, " begins with ", description(at(0)));
  const Index oldest = round ? (head + 1) % slots : 0;
  for (Index i = 0; i + 1 < written; ++i) {
    const Kind here = at((oldest + i) % slots), next = at((oldest + i + 1) % slots);
    if (!can_follow(here, next))
      fail("slot ", (oldest + i) % slots, " of the replay's environment ", env, " holds ", description(here),
           ", which ", description(next), " cannot follow");
  }
  if (at(head) != Kind::kCurrent && at(head) != Kind::kFinal)
    fail("the newest slot of the replay's environment ", env, " holds ", description(at(head)));
}

}  // namespace

void ReplayRing::save(StateWriter& out) const {
  const RowRanges ranges = written();
  const std::span<const std::uint8_t> kinds(reinterpret_cast<const std::uint8_t*>(kinds_.data()),
                                            kinds_.size());
  out.add_rows("replay.kinds", kinds, ranges, 1, &changed_);
  out.add_rows("replay.actions", std::span<const std::int32_t>(actions_), ranges, 1, &changed_);
  out.add_rows("replay.rewards", std::span<const float>(rewards_), ranges, 1, &changed_);
  std::vector<Index> counts;
  for (Index env = 0; env < num_envs(); ++env) counts.push_back(written_in(env));
  out.add("replay.written", counts);
  out.add("replay.heads", heads_);
}

void ReplayRing::load(const StateReader& in, Index num_actions) {
  const auto written = in.view<Index>("replay.written", heads_.size());
  Index slots = 0;
  for (std::size_t env = 0; env < written.size(); slots += written[env++])
    if (written[env] < 0 || written[env] > slots_per_env_)
      fail(in.source(), ": replay.written is ", written[env], " of environment ", env, ", must be from 0 to ",
           slots_per_env_);
  const auto count = static_cast<std::size_t>(slots);
  const auto kinds = in.view<std::uint8_t>("replay.kinds", count);
  const State state = {.written = written,
                       .heads = in.view<Index>("replay.heads", heads_.size()),
                       .kinds = {reinterpret_cast<const Kind*>(kinds.data()), count},
                       .actions = in.view<std::int32_t>("replay.actions", count),
                       .rewards = in.view<float>("replay.rewards", count)};
  for (std::size_t i = 0; i < count; ++i)  // they index Q-values
    if (state.actions[i] < 0 || state.actions[i] >= num_actions)
      fail(in.source(), ": replay.actions has ", state.actions[i], " at place ", i, ", there are ",
           num_actions, " actions");
  in.hand_over("replay.written, replay.kinds, replay.rewards, replay.heads", [&] { set_state(state); });
}

void ReplayRing::set_state(const State& state) {
  check_state(state);
  for (const RowRange& range : written())
    std::fill(kinds_.begin() + range.begin, kinds_.begin() + range.end, Kind::kEmpty);
  std::copy(state.heads.begin(), state.heads.end(), heads_.begin());
  std::size_t from = 0;
  for (Index env = 0; env < num_envs(); ++env) {
    const auto count = static_cast<std::size_t>(state.written[static_cast<std::size_t>(env)]);
    const auto to = static_cast<std::size_t>(slot_of(env, 0));
    std::copy_n(state.kinds.begin() + static_cast<std::ptrdiff_t>(from), count, kinds_.begin() + to);
    std::copy_n(state.actions.begin() + static_cast<std::ptrdiff_t>(from), count, actions_.begin() + to);
    std::copy_n(state.rewards.begin() + static_cast<std::ptrdiff_t>(from), count, rewards_.begin() + to);
    from += count;
  }
  changed_.mark_all();
  size_ = std::count_if(state.kinds.begin(), state.kinds.end(), is_step);
  for (Index env = 0; env < num_envs(); ++env) {
    const Index pending = count_pending(env);
    pending_[static_cast<std::size_t>(env)] = pending;
    size_ -= pending;
    const Index head = heads_[static_cast<std::size_t>(env)];
    for (Index i = 1; i <= history_ && head >= 0; ++i)  // these are only looked back to
      if (is_step(kind(slot_of(env, position_after(head, i))))) --size_;
  }
}

Index ReplayRing::count_pending(Index env) const {
  Index position = heads_[static_cast<std::size_t>(env)];
  if (position < 0 || kind(slot_of(env, position)) != Kind::kCurrent) return 0;
  Index pending = 0;
  for (; pending < n_step_ - 1; ++pending) {
    position = position == 0 ? slots_per_env_ - 1 : position - 1;
    if (kind(slot_of(env, position)) != Kind::kStep) break;
  }
  return pending;
}

void ReplayRing::check_state(const State& state) const {
  for (std::size_t i = 0; i < state.kinds.size(); ++i) {
    if (state.kinds[i] > Kind::kFinal)
      fail("the slot at place ", i, " is of the unknown kind ", static_cast<int>(state.kinds[i]));
    if (!std::isfinite(state.rewards[i]))
      fail("the reward at place ", i, " is ", state.rewards[i], ", must be finite");
  }
  Index from = 0;
  for (std::size_t env = 0; env < heads_.size(); ++env) {
    const Index written = state.written[env];
    check_env_state(state.kinds.subspan(static_cast<std::size_t>(from), static_cast<std::size_t>(written)),
                    state.heads[env], slots_per_env_, static_cast<Index>(env));
    from += written;
  }
}

}  // namespace bellman
