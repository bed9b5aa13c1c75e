#include "rl/replay/device_replay.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "core/base/check.h"

namespace bellman {
namespace {

// Pending of an environment are at most a step's observation and the next episode's first one.
constexpr Index kPendingPerEnv = 2;

std::size_t bytes_of(Index elements, std::size_t size) { return static_cast<std::size_t>(elements) * size; }
std::size_t padded(std::size_t bytes) { return (bytes + 15) / 16 * 16; }

Index tree_nodes(Index slots) {
  return 2 * static_cast<Index>(std::bit_ceil(static_cast<std::size_t>(slots)));
}

/// Throws: Error, with the numbers, for more bytes than an Index can count.
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

DeviceReplay::Pending::Pending(Index envs, Index completed, Index width)
    : transitions(static_cast<std::size_t>(completed)) {
  const Index rows = kPendingPerEnv * envs;
  for (auto* ints : {&observation_slots, &changed_slots, &changed_to, &completed_slots})
    ints->reserve(static_cast<std::size_t>(rows + completed));
  observations.reserve(static_cast<std::size_t>(rows * width));
}

void DeviceReplay::Pending::clear() {
  for (auto* ints : {&observation_slots, &changed_slots, &changed_to, &completed_slots}) ints->clear();
  observations.clear();
}

DeviceReplay::TransitionBlocks::TransitionBlocks(Backend& backend, Index slots)
    : action(backend, bytes_of(slots, 4)),
      next_slot(backend, bytes_of(slots, 4)),
      reward(backend, bytes_of(slots, 4)),
      discount(backend, bytes_of(slots, 4)),
      terminated(backend, bytes_of(slots, 4)) {}

TransitionTensors DeviceReplay::TransitionBlocks::view(Index slots) const {
  return {action.view<std::int32_t>({slots}), next_slot.view<std::int32_t>({slots}),
          reward.view<float>({slots}), discount.view<float>({slots}), terminated.view<float>({slots})};
}

DeviceReplay::DeviceReplay(Backend& backend, ReplayOps& ops, ReplayRing ring, Index width,
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
      pending_(ring_.num_envs(), most_completed(), width),
      pending_rows_(static_cast<std::size_t>(ring_.num_envs())),
      newest_slots_(static_cast<std::size_t>(ring_.num_envs())),
      drawn_(static_cast<std::size_t>(batch)),
      drawn_ints_(static_cast<std::size_t>(most_steps() * batch)),
      ones_(static_cast<std::size_t>(batch), 1.0F),
      changed_(static_cast<std::size_t>(ring_.capacity())),
      packet_(backend, packet_bytes()) {
  const double largest_priority = 1;  // until something was learnt from (PrioritizedSampler)
  backend_.upload(max_priority_.data(), &largest_priority, sizeof largest_priority);
}

std::size_t DeviceReplay::packet_bytes() const {
  const Index rows = kPendingPerEnv * ring_.num_envs(), completed = most_completed();
  const Index arrays = 12;
  return bytes_of(ring_.num_envs() + static_cast<Index>(drawn_ints_.size()) + rows * (1 + width_) +
                      6 * completed + 2 * (rows + completed),
                  4) +
         bytes_of(arrays, 16);
}

DoubleTensor DeviceReplay::nodes() const { return nodes_.view<double>({tree_nodes(ring_.capacity())}); }

ConstDoubleTensor DeviceReplay::tree() const { return prioritized() ? nodes() : ConstDoubleTensor(); }

// ---- experience

void DeviceReplay::begin_episode(Index env, std::span<const float> observation) {
  record(env, ring_.begin_episode(env), observation);
}

void DeviceReplay::restart_episode(Index env, std::span<const float> observation) {
  if (pending_rows_[static_cast<std::size_t>(env)] > 0) send_pending();
  record(env, ring_.restart_episode(env), observation);
}

void DeviceReplay::add(Index env, std::int32_t action, float reward, bool terminated, bool truncated,
                       std::span<const float> next_observation) {
  // The round before was neither learnt from nor acted on: its observations are still pending.
  if (pending_rows_[static_cast<std::size_t>(env)] > 0) send_pending();
  record(env, ring_.add(env, action, reward, terminated, truncated), next_observation);
}

void DeviceReplay::record(Index env, const ReplayWrite& write, std::span<const float> observation) {
  if (static_cast<Index>(observation.size()) != width_)
    fail("an observation of ", observation.size(), " elements, the replay's have ", width_);
  if (bytes_) check_bytes(observation);
  changed_.mark(static_cast<std::size_t>(write.slot));
  pending_.observation_slots.push_back(as_int(write.slot));
  pending_.observations.insert(pending_.observations.end(), observation.begin(), observation.end());
  newest_slots_[static_cast<std::size_t>(env)] = as_int(write.slot);
  ++pending_rows_[static_cast<std::size_t>(env)];
  if (uniform_) uniform_->on_write(write);
  if (write.evicted) {
    pending_.changed_slots.push_back(as_int(*write.evicted));
    pending_.changed_to.push_back(0);
  }
  for (const Index slot : write.completed) {
    pending_.changed_slots.push_back(as_int(slot));
    pending_.changed_to.push_back(1);
    fetch(pending_.transitions, pending_.completed_slots.size(), slot);
    pending_.completed_slots.push_back(as_int(slot));
  }
}

/// Copies the transition that starts in `slot`, whose window of n steps is complete, from the ring.
void DeviceReplay::fetch(Transitions& transitions, std::size_t place, Index slot) {
  one_.slots[0] = slot;
  ring_.assemble(one_, 1);
  transitions.actions.at(place) = one_.actions[0];
  transitions.next_slots[place] = as_int(one_.next_slots[0]);
  transitions.rewards[place] = one_.rewards[0];
  transitions.discounts[place] = one_.discounts[0];
  transitions.terminated[place] = one_.terminated[0];
}

// ---- from the host to the backend

void DeviceReplay::draw_uniformly(std::uint64_t first_learn_step, Index steps) {
  if (steps > most_steps()) fail("slots of ", steps, " learn steps, there is room for ", most_steps());
  for (Index step = 0; step < steps; ++step) {
    uniform_->sample(first_learn_step + static_cast<std::uint64_t>(step), drawn_, ones_);
    std::transform(drawn_.begin(), drawn_.end(),
                   drawn_ints_.begin() + step * static_cast<Index>(drawn_.size()), as_int);
  }
  drawn_count_ = static_cast<std::size_t>(steps) * drawn_.size();
}

void DeviceReplay::send_pending() {
  const std::size_t count = pending_.completed_slots.size();
  const auto append = [&](const auto& values) { return packet_.append(std::span(values)); };
  const auto append_first = [&](const auto& values) {
    return packet_.append(std::span(values).first(count));
  };
  packet_.clear();
  newest_slots_there_ = append(newest_slots_);
  uniform_slots_there_ = packet_.append(std::span<const std::int32_t>(drawn_ints_).first(drawn_count_));
  drawn_count_ = 0;
  const ConstIntTensor rows = append(pending_.observation_slots);
  const Shape row_shape = {rows[0], width_};
  const ConstTensor observations = append(pending_.observations).reshaped(row_shape);
  const ConstIntTensor completed = append(pending_.completed_slots);
  const Transitions& arrays = pending_.transitions;
  const TransitionTensors transitions = {append_first(arrays.actions), append_first(arrays.next_slots),
                                         append_first(arrays.rewards), append_first(arrays.discounts),
                                         append_first(arrays.terminated)};
  const ConstIntTensor changed = append(pending_.changed_slots), changed_to = append(pending_.changed_to);
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
  pending_.clear();
  std::fill(pending_rows_.begin(), pending_rows_.end(), Index{0});
}

// ---- ops in the backend's memory

ConstIntTensor DeviceReplay::sample(Tensor weights, std::uint64_t learn_step, double beta) {
  if (!prioritized()) return uniform_slots_there_;
  const IntTensor slots = drawn_there_.view<std::int32_t>({static_cast<Index>(drawn_.size())});
  ops_.prioritized_sample(slots, weights, tree(), {options_.seed, learn_step, beta});
  return slots;
}

void DeviceReplay::gather(Tensor observations, ConstIntTensor slots) {
  const Tensor rows = observations.reshaped({slots[0], width_});
  const Shape memory = {ring_.capacity(), width_};
  if (bytes_)
    ops_.gather_bytes(rows, observations_.view<const std::uint8_t>(memory), slots);
  else
    ops_.gather(rows, observations_.view<const float>(memory), slots);
}

void DeviceReplay::gather_transitions(const TransitionTensors& batch, ConstIntTensor slots) {
  ops_.gather_transitions(batch, transitions_.view(ring_.capacity()), slots);
}

void DeviceReplay::describe(FusedDqnMemory& memory) const {
  const Shape rows = {ring_.capacity(), width_};
  memory.transitions = transitions_.view(ring_.capacity());
  if (bytes_)
    memory.byte_observations = observations_.view<const std::uint8_t>(rows);
  else
    memory.observations = observations_.view<const float>(rows);
}

void DeviceReplay::update_priorities(ConstIntTensor slots, ConstTensor td_error, ConstIntTensor guard) {
  if (prioritized())
    ops_.prioritized_update(nodes(), max_priority(), slots, td_error, options_.priorities, guard);
}

std::vector<float> DeviceReplay::observation(Index slot) const {
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

// ---- for lookers-on

std::optional<DrawnBatch> DeviceReplay::look(std::uint64_t learn_step, double beta) {
  if (ring_.size() == 0) return std::nullopt;
  if (has_pending()) send_pending();
  DrawnBatch drawn;
  drawn.size = static_cast<Index>(drawn_.size());
  drawn.arrays = BatchArrays(drawn.size);
  if (uniform_) {
    uniform_->sample(learn_step, drawn.arrays.slots, drawn.arrays.weights);
  } else {
    const Block<float> weights(backend_, bytes_of(drawn.size, 4));
    const ConstIntTensor there = sample(weights.view<float>({drawn.size}), learn_step, beta);
    std::vector<std::int32_t> slots(drawn_.size());
    backend_.download(slots.data(), there.data(), bytes_of(drawn.size, 4));
    std::copy(slots.begin(), slots.end(), drawn.arrays.slots.begin());
    backend_.download(drawn.arrays.weights.data(), weights.data(), bytes_of(drawn.size, 4));
  }
  ring_.assemble(drawn.arrays, drawn.size);
  drawn.observations = gathered(drawn.arrays.slots);
  drawn.next_observations = gathered(drawn.arrays.next_slots);
  return drawn;
}

/// The observations in slots of the backend's memory, (B,I).
std::vector<float> DeviceReplay::gathered(std::span<const Index> slots) {
  const auto count = static_cast<Index>(slots.size());
  std::vector<std::int32_t> ints(slots.size());
  std::transform(slots.begin(), slots.end(), ints.begin(), as_int);
  const Block<float> slots_there(backend_, bytes_of(count, 4)), rows(backend_, bytes_of(count * width_, 4));
  backend_.upload(slots_there.data(), ints.data(), bytes_of(count, 4));
  gather(rows.view<float>({count, width_}), slots_there.view<const std::int32_t>({count}));
  std::vector<float> numbers(static_cast<std::size_t>(count * width_));
  backend_.download(numbers.data(), rows.data(), numbers.size() * sizeof(float));
  return numbers;
}

}  // namespace bellman
