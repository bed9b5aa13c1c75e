#include "rl/resident_agent.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "core/check.h"
#include "rl/epsilon_greedy.h"

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

void check_bytes(std::span<const float> observation) {
  for (std::size_t i = 0; i < observation.size(); ++i)
    if (!(observation[i] >= 0 && observation[i] <= 255 && observation[i] == std::floor(observation[i])))
      fail("element ", i, " of an observation is ", observation[i],
           ", must be a whole number from 0 to 255 to be stored as a byte");
}

}  // namespace

template <class T>
TensorView<const T> ResidentAgent::Packet::append(std::span<const T> values) {
  if (size_ + padded(values.size_bytes()) > host_.size())
    fail("a packet of ", host_.size(), " bytes has no room for ", values.size_bytes(), " more after ", size_);
  if (!values.empty()) std::memcpy(host_.data() + size_, values.data(), values.size_bytes());
  const TensorView<T> view = inbox_.view<T>({static_cast<Index>(values.size())}, size_);
  size_ += padded(values.size_bytes());
  return view;
}

void ResidentAgent::News::clear() {
  for (auto* ints :
       {&observation_slots, &changed_slots, &changed_to, &completed_slots, &actions, &next_slots})
    ints->clear();
  for (auto* floats : {&observations, &rewards, &discounts, &terminated}) floats->clear();
}

ResidentAgent::Transitions::Transitions(Backend& backend, Index slots)
    : action(backend, bytes_of(slots, 4)),
      next_slot(backend, bytes_of(slots, 4)),
      reward(backend, bytes_of(slots, 4)),
      discount(backend, bytes_of(slots, 4)),
      terminated(backend, bytes_of(slots, 4)) {}

TransitionTensors ResidentAgent::Transitions::view(Index slots) const {
  return {action.view<std::int32_t>({slots}), next_slot.view<std::int32_t>({slots}),
          reward.view<float>({slots}), discount.view<float>({slots}), terminated.view<float>({slots})};
}

ResidentAgent::ResidentAgent(Backend& backend, ReplayOps& ops, const Network& network, ReplayRing ring,
                             const LearnerOptions& learner_options, const Options& options)
    : backend_(backend),
      ops_(ops),
      options_(options),
      ring_(std::move(ring)),
      uniform_(options.prioritized ? nullptr
                                   : std::make_unique<UniformSampler>(ring_.capacity(), options.seed)),
      one_(1),
      batch_size_(learner_options.max_batch),
      lanes_(ring_.lanes()),
      width_(network.input_shape().elements()),
      actions_(network.output_shape()[0]),
      bytes_(learner_options.observation_type == ObservationType::kUint8),
      observations_(backend, observation_bytes(ring_.capacity(), width_, learner_options.observation_type)),
      transitions_(backend, ring_.capacity()),
      nodes_(backend, options.prioritized ? bytes_of(tree_nodes(ring_.capacity()), sizeof(double)) : 0),
      max_priority_(backend, sizeof(double)),
      sums_(backend, 4 * sizeof(double)),
      slots_(backend, bytes_of(batch_size_, 4)),
      act_actions_(backend, bytes_of(lanes_, 4)),
      update_(backend, network, learner_options),
      noted_(static_cast<std::size_t>(lanes_)),
      lane_slots_(static_cast<std::size_t>(lanes_)),
      drawn_(static_cast<std::size_t>(batch_size_)),
      ones_(static_cast<std::size_t>(batch_size_), 1.0F),
      batch_slots_(static_cast<std::size_t>(batch_size_)),
      packet_(backend, packet_bytes()) {
  if (learner_options.normalizer)
    fail("observations that are normalised are kept in host memory, not in the backend's");
  if (uniform_) backend_.fill(update_.batch(batch_size_).weights, 1.0F);  // for good
  const double largest_priority = 1;  // until something was learnt from (PrioritizedSampler)
  backend_.upload(max_priority_.data(), &largest_priority, sizeof largest_priority);
  const Index rows = kNewsALane * lanes_, completed = lanes_ * std::max<Index>(1, ring_.n_step());
  for (auto* ints : {&news_.observation_slots, &news_.changed_slots, &news_.changed_to,
                     &news_.completed_slots, &news_.actions, &news_.next_slots})
    ints->reserve(static_cast<std::size_t>(rows + completed));
  news_.observations.reserve(static_cast<std::size_t>(rows * width_));
  for (auto* floats : {&news_.rewards, &news_.discounts, &news_.terminated})
    floats->reserve(static_cast<std::size_t>(completed));
}

std::size_t ResidentAgent::packet_bytes() const {
  const Index rows = kNewsALane * lanes_, completed = lanes_ * std::max<Index>(1, ring_.n_step());
  const Index arrays = 12;
  return bytes_of(lanes_ + batch_size_ + rows * (1 + width_) + 6 * completed + 2 * (rows + completed), 4) +
         bytes_of(arrays, 16);
}

ConstDoubleTensor ResidentAgent::tree() const {
  if (uniform_) return {};
  return nodes_.view<const double>({tree_nodes(ring_.capacity())});
}

// ---- experience

void ResidentAgent::begin_episode(Index lane, std::span<const float> observation) {
  note(ring_.begin_episode(lane), observation);
  ++noted_[static_cast<std::size_t>(lane)];
  lane_slots_[static_cast<std::size_t>(lane)] = news_.observation_slots.back();
}

void ResidentAgent::add(Index lane, std::int32_t action, float reward, bool terminated, bool truncated,
                        std::span<const float> next_observation) {
  // More than a lane's share of the news: the round before was neither learnt from nor acted on.
  if (noted_[static_cast<std::size_t>(lane)] > 0) send_news();
  note(ring_.add(lane, action, reward, terminated, truncated), next_observation);
  ++noted_[static_cast<std::size_t>(lane)];
  lane_slots_[static_cast<std::size_t>(lane)] = news_.observation_slots.back();
}

void ResidentAgent::note(const ReplayWrite& write, std::span<const float> observation) {
  if (static_cast<Index>(observation.size()) != width_)
    fail("an observation of ", observation.size(), " elements, the replay's have ", width_);
  if (bytes_) check_bytes(observation);
  news_.observation_slots.push_back(as_int(write.slot));
  news_.observations.insert(news_.observations.end(), observation.begin(), observation.end());
  if (uniform_) uniform_->on_write(write);
  if (write.evicted) {
    news_.changed_slots.push_back(as_int(*write.evicted));
    news_.changed_to.push_back(0);
  }
  for (const Index slot : write.completed) {
    news_.changed_slots.push_back(as_int(slot));
    news_.changed_to.push_back(1);
    note_completed(slot);
  }
}

/// A window of n steps is complete: what it sums to never changes any more.
void ResidentAgent::note_completed(Index slot) {
  one_.slots[0] = slot;
  ring_.assemble(one_, 1);
  news_.completed_slots.push_back(as_int(slot));
  news_.actions.push_back(one_.actions[0]);
  news_.next_slots.push_back(as_int(one_.next_slots[0]));
  news_.rewards.push_back(one_.rewards[0]);
  news_.discounts.push_back(one_.discounts[0]);
  news_.terminated.push_back(one_.terminated[0]);
}

void ResidentAgent::send_news() {
  packet_.clear();
  const auto ints = [&](const std::vector<std::int32_t>& v) { return packet_.append(std::span(v)); };
  const auto floats = [&](const std::vector<float>& v) { return packet_.append(std::span(v)); };
  lane_slots_there_ = ints(lane_slots_);
  batch_slots_there_ = ints(batch_slots_);
  const ConstIntTensor rows = ints(news_.observation_slots);
  const Shape row_shape = {rows[0], width_};
  const ConstTensor observations = floats(news_.observations).reshaped(row_shape);
  const ConstIntTensor completed = ints(news_.completed_slots);
  const auto mutable_ints = [](ConstIntTensor t) {  // TransitionTensors are written or read, as the op says
    return IntTensor(const_cast<std::int32_t*>(t.data()), t.shape());
  };
  const auto mutable_floats = [](ConstTensor t) { return Tensor(const_cast<float*>(t.data()), t.shape()); };
  const TransitionTensors transitions = {
      mutable_ints(ints(news_.actions)), mutable_ints(ints(news_.next_slots)),
      mutable_floats(floats(news_.rewards)), mutable_floats(floats(news_.discounts)),
      mutable_floats(floats(news_.terminated))};
  const ConstIntTensor changed = ints(news_.changed_slots), changed_to = ints(news_.changed_to);
  packet_.send(backend_);

  const Index slots = ring_.capacity();
  if (rows[0] > 0) {
    if (bytes_)
      ops_.scatter_bytes(observations_.view<std::uint8_t>({slots, width_}), observations, rows);
    else
      ops_.scatter(observations_.view<float>({slots, width_}), observations, rows);
  }
  if (completed[0] > 0) ops_.scatter_transitions(transitions_.view(slots), transitions, completed);
  if (!uniform_ && changed[0] > 0)
    ops_.prioritized_add(nodes_.view<double>({tree_nodes(slots)}), max_priority_.view<const double>({1}),
                         changed, changed_to, options_.priorities.alpha);
  news_.clear();
  std::fill(noted_.begin(), noted_.end(), Index{0});
}

void ResidentAgent::gather(Tensor x, ConstIntTensor slot) {
  const Tensor rows = x.reshaped({slot[0], width_});
  if (bytes_)
    ops_.gather_bytes(rows, observations_.view<const std::uint8_t>({ring_.capacity(), width_}), slot);
  else
    ops_.gather(rows, observations_.view<const float>({ring_.capacity(), width_}), slot);
}

// ---- acting

void ResidentAgent::act(std::span<std::int32_t> actions, std::span<const float> /*observations*/,
                        const EpsilonGreedy& exploration) {
  if (explore(actions, exploration, static_cast<std::uint32_t>(actions_))) return;
  if (!news_.observation_slots.empty()) send_news();
  gather(update_.acting_observations(lanes_), lane_slots_there_);
  const IntTensor chosen = act_actions_.view<std::int32_t>({lanes_});
  ops_.epsilon_greedy(chosen, update_.q_values(lanes_), exploration);
  backend_.download(actions.data(), chosen.data(), actions.size_bytes());
}

void ResidentAgent::q_values(std::span<float> q, std::span<const float> observations, Index n) {
  const Tensor input = update_.acting_observations(n);
  if (static_cast<Index>(q.size()) != n * actions_ || static_cast<Index>(observations.size()) != n * width_)
    fail("q_values of ", n, " observations: q has ", q.size(), " numbers, observations have ",
         observations.size(), "; expected ", n * actions_, " and ", n * width_);
  backend_.upload(input.data(), observations.data(), observations.size_bytes());
  backend_.download(q.data(), update_.q_values(n).data(), q.size_bytes());
}

// ---- learning

bool ResidentAgent::learn(const LearnStep& step) {
  if (ring_.size() == 0) return false;  // no window of n steps is complete yet
  if (uniform_) {
    uniform_->sample(step.number, drawn_, ones_);
    std::transform(drawn_.begin(), drawn_.end(), batch_slots_.begin(), as_int);
    send_news();
  } else if (!news_.observation_slots.empty()) {
    send_news();
  }
  step_ = step;
  backend_.run_recorded(recording_, [this] { learn_on_backend(); });
  ++steps_since_summary_;
  ++learn_steps_;
  return true;
}

void ResidentAgent::learn_on_backend() {
  const DqnUpdate::Batch batch = update_.batch(batch_size_);
  ConstIntTensor slots = batch_slots_there_;
  if (!uniform_) {
    const IntTensor drawn = slots_.view<std::int32_t>({batch_size_});
    ops_.prioritized_sample(drawn, batch.weights, tree(), {options_.seed, step_.number, step_.beta});
    slots = drawn;
  }
  ops_.gather_transitions(batch.transitions, transitions_.view(ring_.capacity()), slots);
  gather(batch.observations, slots);
  gather(batch.next_observations, batch.transitions.next_slot);
  update_.run(batch_size_, step_.learning_rate);
  ops_.add_learn_stats(sums_.view<double>({4}), update_.loss(), update_.gradient_norm(),
                       update_.y(batch_size_), update_.td_error(batch_size_));
  if (!uniform_)
    ops_.prioritized_update(nodes_.view<double>({tree_nodes(ring_.capacity())}),
                            max_priority_.view<double>({1}), slots, update_.td_error(batch_size_),
                            {options_.priorities.alpha, options_.priorities.epsilon});
}

LearnSummary ResidentAgent::take_summary() {
  if (steps_since_summary_ == 0) return {};
  std::array<double, 4> sums{};
  backend_.download(sums.data(), sums_.data(), sizeof sums);
  const std::array<double, 4> zeros{};
  backend_.upload(sums_.data(), zeros.data(), sizeof zeros);
  const double n = sums[3];
  if (!std::isfinite(sums[0]))
    fail("a loss among the gradient updates ", learn_steps_ - steps_since_summary_ + 1, " to ", learn_steps_,
         ", the last at environment step ", step_.timestep, ", is not finite: their sum is ", sums[0]);
  steps_since_summary_ = 0;
  LearnSummary summary = {sums[0] / n, sums[1] / n, sums[2] / n};
  if (!update_.gradient_norm()) summary.gradient_norm = std::numeric_limits<double>::quiet_NaN();
  return summary;
}

float ResidentAgent::last_loss() {
  float loss = std::numeric_limits<float>::quiet_NaN();
  if (learn_steps_ > 0) backend_.download(&loss, update_.loss().data(), sizeof loss);
  return loss;
}

// ---- state

void ResidentAgent::save(StateWriter& out) {
  send_news();
  ring_.save(out);
  if (uniform_) uniform_->save(out);
  std::vector<std::byte> observations(observations_.bytes());
  backend_.download(observations.data(), observations_.data(), observations.size());
  out.add("replay.observations", observations);
  if (!uniform_) {
    std::vector<double> weights(static_cast<std::size_t>(ring_.capacity()));
    const std::size_t leaves = nodes_.bytes() / 2;  // the first half of the nodes are sums
    backend_.download(weights.data(), static_cast<const std::byte*>(nodes_.data()) + leaves,
                      weights.size() * sizeof(double));
    double max_priority = 0;
    backend_.download(&max_priority, max_priority_.data(), sizeof max_priority);
    out.add("sampler.weights", weights);
    out.add("sampler.max_priority", max_priority);
  }
  update_.save(out);
  std::vector<double> sums(4);
  backend_.download(sums.data(), sums_.data(), sums.size() * sizeof(double));
  out.add("summary.sums", sums);
  out.add("summary.steps", steps_since_summary_);
  out.add("summary.learn_steps", learn_steps_);
  out.add("summary.last_loss", last_loss());
  out.add("replay.lane_slots", lane_slots_);
}

void ResidentAgent::load(const StateReader& in) {
  ring_.load(in, actions_);
  if (uniform_) uniform_->load(in, ring_);
  const auto observations = in.get<std::byte>("replay.observations", observations_.bytes());
  backend_.upload(observations_.data(), observations.data(), observations.size());
  restore_transitions();
  if (!uniform_) restore_priorities(in);
  update_.load(in);
  const auto sums = in.get<double>("summary.sums", 4);
  backend_.upload(sums_.data(), sums.data(), sums.size() * sizeof(double));
  steps_since_summary_ = in.count("summary.steps");
  learn_steps_ = in.count("summary.learn_steps");
  const auto loss = in.number<float>("summary.last_loss");
  backend_.upload(const_cast<float*>(update_.loss().data()), &loss, sizeof loss);
  lane_slots_ = in.get<std::int32_t>("replay.lane_slots", lane_slots_.size());
  for (const std::int32_t slot : lane_slots_)
    if (slot < 0 || slot >= ring_.capacity()) fail(in.source(), ": replay.lane_slots names the slot ", slot);
  send_news();
}

/// What the ring knows, slot by slot.
void ResidentAgent::restore_transitions() {
  const auto slots = static_cast<std::size_t>(ring_.capacity());
  std::vector<std::int32_t> actions(slots), next_slots(slots);
  std::vector<float> rewards(slots), discounts(slots), terminated(slots);
  for (std::size_t slot = 0; slot < slots; ++slot) {
    if (!ring_.sampleable(static_cast<Index>(slot))) continue;
    one_.slots[0] = static_cast<Index>(slot);
    ring_.assemble(one_, 1);
    actions[slot] = one_.actions[0];
    next_slots[slot] = as_int(one_.next_slots[0]);
    rewards[slot] = one_.rewards[0];
    discounts[slot] = one_.discounts[0];
    terminated[slot] = one_.terminated[0];
  }
  const TransitionTensors there = transitions_.view(ring_.capacity());
  backend_.upload(there.action.data(), actions.data(), slots * sizeof(std::int32_t));
  backend_.upload(there.next_slot.data(), next_slots.data(), slots * sizeof(std::int32_t));
  backend_.upload(there.reward.data(), rewards.data(), slots * sizeof(float));
  backend_.upload(there.discount.data(), discounts.data(), slots * sizeof(float));
  backend_.upload(there.terminated.data(), terminated.data(), slots * sizeof(float));
}

/// Leaves from the file, sums as SumTree makes them.
void ResidentAgent::restore_priorities(const StateReader& in) {
  PrioritizedSampler checked(ring_.capacity(), options_.seed, options_.priorities);
  checked.load(in, ring_);
  std::vector<double> nodes(static_cast<std::size_t>(tree_nodes(ring_.capacity())));
  const std::span<const double> weights = checked.state().weights;
  std::copy(weights.begin(), weights.end(), nodes.begin() + static_cast<std::ptrdiff_t>(nodes.size() / 2));
  for (std::size_t i = nodes.size() / 2 - 1; i > 0; --i) nodes[i] = nodes[2 * i] + nodes[2 * i + 1];
  backend_.upload(nodes_.data(), nodes.data(), nodes.size() * sizeof(double));
  const double max_priority = checked.max_priority();
  backend_.upload(max_priority_.data(), &max_priority, sizeof max_priority);
}

}  // namespace bellman
