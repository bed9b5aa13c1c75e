#include "rl/replay/resident_replay.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "core/base/check.h"

namespace bellman {
namespace {

// A lane's news hold at most a step's observation and the next episode's first one.
constexpr Index kNewsALane = 2;

std::size_t bytes_of(Index elements, std::size_t size) { return static_cast<std::size_t>(elements) * size; }
std::size_t padded(std::size_t bytes) { return (bytes + 15) / 16 * 16; }

Index tree_nodes(Index slots) {
  return 2 * static_cast<Index>(std::bit_ceil(static_cast<std::size_t>(slots)));
}

/// The replay's observations may need more than an Index can count in bytes: said with the numbers, not
/// wrapped.
std::size_t observation_bytes(Index slots, Index width, ObservationType type) {
  return static_cast<std::size_t>(ObservationStore::bytes_needed(slots, width, type));
}

std::int32_t as_int(Index slot) { return static_cast<std::int32_t>(slot); }  // slots are below 2^31

}  // namespace

template <class T>
TensorView<T> Packet::append(std::span<const T> values) {
  if (size_ + padded(values.size_bytes()) > host_.size())
    fail("a packet of ", host_.size(), " bytes has no room for ", values.size_bytes(), " more after ", size_);
  if (!values.empty()) std::memcpy(host_.data() + size_, values.data(), values.size_bytes());
  const TensorView<T> view = inbox_.view<T>({static_cast<Index>(values.size())}, size_);
  size_ += padded(values.size_bytes());
  return view;
}

ResidentReplay::News::News(Index lanes, Index completed, Index width)
    : transitions(static_cast<std::size_t>(completed)) {
  const Index rows = kNewsALane * lanes;
  for (auto* ints : {&observation_slots, &changed_slots, &changed_to, &completed_slots})
    ints->reserve(static_cast<std::size_t>(rows + completed));
  observations.reserve(static_cast<std::size_t>(rows * width));
}

void ResidentReplay::News::clear() {
  for (auto* ints : {&observation_slots, &changed_slots, &changed_to, &completed_slots}) ints->clear();
  observations.clear();
}

ResidentReplay::TransitionBlocks::TransitionBlocks(Backend& backend, Index slots)
    : action(backend, bytes_of(slots, 4)),
      next_slot(backend, bytes_of(slots, 4)),
      reward(backend, bytes_of(slots, 4)),
      discount(backend, bytes_of(slots, 4)),
      terminated(backend, bytes_of(slots, 4)) {}

TransitionTensors ResidentReplay::TransitionBlocks::view(Index slots) const {
  return {action.view<std::int32_t>({slots}), next_slot.view<std::int32_t>({slots}),
          reward.view<float>({slots}), discount.view<float>({slots}), terminated.view<float>({slots})};
}

ResidentReplay::ResidentReplay(Backend& backend, ReplayOps& ops, ReplayRing ring, Index width,
                               ObservationType type, Index batch, const Options& options)
    : backend_(backend),
      ops_(ops),
      options_(options),
      ring_(std::move(ring)),
      uniform_(options.prioritized ? nullptr
                                   : std::make_unique<UniformSampler>(ring_.capacity(), options.seed)),
      width_(width),
      bytes_(type == ObservationType::kUint8),
      observations_(backend, observation_bytes(ring_.capacity(), width, type)),
      transitions_(backend, ring_.capacity()),
      nodes_(backend, options.prioritized ? bytes_of(tree_nodes(ring_.capacity()), sizeof(double)) : 0),
      max_priority_(backend, sizeof(double)),
      drawn_there_(backend, bytes_of(batch, 4)),
      one_(1),
      news_(ring_.lanes(), most_completed(), width),
      noted_(static_cast<std::size_t>(ring_.lanes())),
      lane_slots_(static_cast<std::size_t>(ring_.lanes())),
      drawn_(static_cast<std::size_t>(batch)),
      drawn_ints_(static_cast<std::size_t>(most_steps() * batch)),
      ones_(static_cast<std::size_t>(batch), 1.0F),
      changed_(static_cast<std::size_t>(ring_.capacity())),
      packet_(backend, packet_bytes()) {
  const double largest_priority = 1;  // until something was learnt from (PrioritizedSampler)
  backend_.upload(max_priority_.data(), &largest_priority, sizeof largest_priority);
}

std::size_t ResidentReplay::packet_bytes() const {
  const Index rows = kNewsALane * ring_.lanes(), completed = most_completed();
  const Index arrays = 12;
  return bytes_of(ring_.lanes() + static_cast<Index>(drawn_ints_.size()) + rows * (1 + width_) +
                      6 * completed + 2 * (rows + completed),
                  4) +
         bytes_of(arrays, 16);
}

DoubleTensor ResidentReplay::nodes() const { return nodes_.view<double>({tree_nodes(ring_.capacity())}); }

ConstDoubleTensor ResidentReplay::tree() const { return prioritized() ? nodes() : ConstDoubleTensor(); }

// ---- experience

void ResidentReplay::begin_episode(Index lane, std::span<const float> observation) {
  note(lane, ring_.begin_episode(lane), observation);
}

void ResidentReplay::restart_episode(Index lane, std::span<const float> observation) {
  if (noted_[static_cast<std::size_t>(lane)] > 0) send_news();
  note(lane, ring_.restart_episode(lane), observation);
}

void ResidentReplay::add(Index lane, std::int32_t action, float reward, bool terminated, bool truncated,
                         std::span<const float> next_observation) {
  // More than a lane's share of the news: the round before was neither learnt from nor acted on.
  if (noted_[static_cast<std::size_t>(lane)] > 0) send_news();
  note(lane, ring_.add(lane, action, reward, terminated, truncated), next_observation);
}

void ResidentReplay::note(Index lane, const ReplayWrite& write, std::span<const float> observation) {
  if (static_cast<Index>(observation.size()) != width_)
    fail("an observation of ", observation.size(), " elements, the replay's have ", width_);
  if (bytes_) check_bytes(observation);
  changed_.mark(static_cast<std::size_t>(write.slot));
  news_.observation_slots.push_back(as_int(write.slot));
  news_.observations.insert(news_.observations.end(), observation.begin(), observation.end());
  lane_slots_[static_cast<std::size_t>(lane)] = as_int(write.slot);
  ++noted_[static_cast<std::size_t>(lane)];
  if (uniform_) uniform_->on_write(write);
  if (write.evicted) {
    news_.changed_slots.push_back(as_int(*write.evicted));
    news_.changed_to.push_back(0);
  }
  for (const Index slot : write.completed) {
    news_.changed_slots.push_back(as_int(slot));
    news_.changed_to.push_back(1);
    look_up(news_.transitions, news_.completed_slots.size(), slot);
    news_.completed_slots.push_back(as_int(slot));
  }
}

/// A window of n steps is complete: what it sums to never changes any more.
void ResidentReplay::look_up(Transitions& transitions, std::size_t place, Index slot) {
  one_.slots[0] = slot;
  ring_.assemble(one_, 1);
  transitions.actions.at(place) = one_.actions[0];
  transitions.next_slots[place] = as_int(one_.next_slots[0]);
  transitions.rewards[place] = one_.rewards[0];
  transitions.discounts[place] = one_.discounts[0];
  transitions.terminated[place] = one_.terminated[0];
}

// ---- from the host to the backend

void ResidentReplay::draw_uniformly(std::uint64_t first_learn_step, Index steps) {
  if (steps > most_steps()) fail("slots of ", steps, " learn steps, there is room for ", most_steps());
  for (Index step = 0; step < steps; ++step) {
    uniform_->sample(first_learn_step + static_cast<std::uint64_t>(step), drawn_, ones_);
    std::transform(drawn_.begin(), drawn_.end(),
                   drawn_ints_.begin() + step * static_cast<Index>(drawn_.size()), as_int);
  }
  drawn_count_ = static_cast<std::size_t>(steps) * drawn_.size();
}

void ResidentReplay::send_news() {
  const std::size_t count = news_.completed_slots.size();
  const auto append = [&](const auto& values) { return packet_.append(std::span(values)); };
  const auto append_first = [&](const auto& values) {
    return packet_.append(std::span(values).first(count));
  };
  packet_.clear();
  lane_slots_there_ = append(lane_slots_);
  uniform_slots_there_ = packet_.append(std::span<const std::int32_t>(drawn_ints_).first(drawn_count_));
  drawn_count_ = 0;
  const ConstIntTensor rows = append(news_.observation_slots);
  const Shape row_shape = {rows[0], width_};
  const ConstTensor observations = append(news_.observations).reshaped(row_shape);
  const ConstIntTensor completed = append(news_.completed_slots);
  const Transitions& arrays = news_.transitions;
  const TransitionTensors transitions = {append_first(arrays.actions), append_first(arrays.next_slots),
                                         append_first(arrays.rewards), append_first(arrays.discounts),
                                         append_first(arrays.terminated)};
  const ConstIntTensor changed = append(news_.changed_slots), changed_to = append(news_.changed_to);
  packet_.send(backend_);

  const Index slots = ring_.capacity();
  if (rows[0] > 0) {
    if (bytes_)
      ops_.scatter_bytes(observations_.view<std::uint8_t>({slots, width_}), observations, rows);
    else
      ops_.scatter(observations_.view<float>({slots, width_}), observations, rows);
  }
  if (completed[0] > 0) ops_.scatter_transitions(transitions_.view(slots), transitions, completed);
  if (prioritized() && changed[0] > 0)
    ops_.prioritized_add(nodes(), max_priority(), changed, changed_to, options_.priorities.alpha);
  news_.clear();
  std::fill(noted_.begin(), noted_.end(), Index{0});
}

// ---- ops on what lies there

ConstIntTensor ResidentReplay::sample(Tensor weights, const PrioritizedDraw& draw) {
  if (!prioritized()) return uniform_slots_there_;
  const IntTensor slots = drawn_there_.view<std::int32_t>({static_cast<Index>(drawn_.size())});
  ops_.prioritized_sample(slots, weights, tree(), draw);
  return slots;
}

void ResidentReplay::gather(Tensor observations, ConstIntTensor slots) {
  const Tensor rows = observations.reshaped({slots[0], width_});
  const Shape memory = {ring_.capacity(), width_};
  if (bytes_)
    ops_.gather_bytes(rows, observations_.view<const std::uint8_t>(memory), slots);
  else
    ops_.gather(rows, observations_.view<const float>(memory), slots);
}

void ResidentReplay::gather_transitions(const TransitionTensors& batch, ConstIntTensor slots) {
  ops_.gather_transitions(batch, transitions_.view(ring_.capacity()), slots);
}

void ResidentReplay::describe(FusedDqnMemory& memory) const {
  const Shape rows = {ring_.capacity(), width_};
  memory.transitions = transitions_.view(ring_.capacity());
  if (bytes_)
    memory.byte_observations = observations_.view<const std::uint8_t>(rows);
  else
    memory.observations = observations_.view<const float>(rows);
}

void ResidentReplay::update_priorities(ConstIntTensor slots, ConstTensor td_error, ConstIntTensor guard) {
  if (prioritized())
    ops_.prioritized_update(nodes(), max_priority(), slots, td_error, options_.priorities, guard);
}

std::vector<float> ResidentReplay::observation(Index slot) const {
  const auto width = static_cast<std::size_t>(width_), first = static_cast<std::size_t>(slot) * width;
  std::vector<float> numbers(width);
  if (!bytes_) {
    backend_.download(numbers.data(), static_cast<const float*>(observations_.data()) + first,
                      width * sizeof(float));
    return numbers;
  }
  std::vector<std::uint8_t> bytes(width);
  backend_.download(bytes.data(), static_cast<const std::uint8_t*>(observations_.data()) + first, width);
  std::copy(bytes.begin(), bytes.end(), numbers.begin());
  return numbers;
}

}  // namespace bellman
