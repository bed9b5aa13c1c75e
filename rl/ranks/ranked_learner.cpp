#include "rl/ranks/ranked_learner.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <string>
#include <utility>

#include "core/base/check.h"
#include "rl/state/rank_share.h"

namespace bellman {

void deal_batch(BatchDeal& deal, int ranks) {
  const auto batch = static_cast<Index>(deal.owners.size());
  constexpr int kNobody = -1;
  deal.ranks.assign(deal.owners.size(), kNobody);
  std::vector<Index> room;
  for (int r = 0; r < ranks; ++r) room.push_back(share_of(batch, r, ranks).count);
  for (std::size_t n = 0; n < deal.owners.size(); ++n) {
    Index& own = room[static_cast<std::size_t>(deal.owners[n])];
    if (own == 0) continue;
    --own;
    deal.ranks[n] = deal.owners[n];
  }
  std::size_t next = 0;
  for (int& rank : deal.ranks) {
    if (rank != kNobody) continue;
    while (room[next] == 0) ++next;
    --room[next];
    rank = static_cast<int>(next);
  }
}

RankedLearner::RankedLearner(std::unique_ptr<Learner> inner, Lockstep& lockstep, HostReplay& replay,
                             Index max_batch)
    : LearnerAround(std::move(inner)),
      lockstep_(lockstep),
      replay_(replay),
      row_bytes_(static_cast<std::size_t>(2 * replay.frame_stack()) * replay.observations().bytes_of_one()),
      arrays_(share_of(max_batch, 0, lockstep.size()).count, replay.frame_stack()) {
  if (max_batch < lockstep.size())
    fail("batch_size is ", max_batch, ", fewer than the ", lockstep.size(),
         " ranks: each learns from a transition at least. Set it to ", lockstep.size(), " or more");
}

std::string RankedLearner::description() const {
  return LearnerAround::description() + ", on " + std::to_string(lockstep_.size()) + " ranks";
}

LearnStats RankedLearner::learn(const Batch& batch, float learning_rate, std::span<float> td_error) {
  if (td_error.size() != batch.slots.size())
    fail("td_error has room for ", td_error.size(), " numbers, the batch has ", batch.slots.size(),
         " transitions");
  deal_.owners.clear();
  for (const Index slot : batch.slots) deal_.owners.push_back(lockstep_.owner(replay_.env_of(slot)));
  deal_batch(deal_, lockstep_.size());
  exchange_observations(batch);
  const Batch own = own_part(batch);
  td_errors_.resize(own.slots.size());
  LearnStats stats = inner().learn(own, learning_rate, td_errors_);
  gather_results(td_error, stats);
  return stats;
}

/// Observations that another rank learns from go there. Where nobody has too many, nothing is sent.
void RankedLearner::exchange_observations(const Batch& batch) {
  const int self = lockstep_.rank();
  const auto ranks = static_cast<std::size_t>(lockstep_.size());
  sent_sizes_.assign(ranks, 0), received_sizes_.assign(ranks, 0);
  bool none = true;
  for (std::size_t n = 0; n < deal_.owners.size(); ++n) {
    const int owner = deal_.owners[n], rank = deal_.ranks[n];
    if (owner == rank) continue;
    none = false;
    if (owner == self) sent_sizes_[static_cast<std::size_t>(rank)] += row_bytes_;
    if (rank == self) received_sizes_[static_cast<std::size_t>(owner)] += row_bytes_;
  }
  if (none) return;

  places_.assign(ranks, 0);
  std::exclusive_scan(sent_sizes_.begin(), sent_sizes_.end(), places_.begin(), std::size_t{0});
  sent_.resize(std::reduce(sent_sizes_.begin(), sent_sizes_.end()));
  received_.resize(std::reduce(received_sizes_.begin(), received_sizes_.end()));
  const auto stack = static_cast<std::size_t>(replay_.frame_stack());
  for (std::size_t n = 0; n < deal_.owners.size(); ++n) {
    if (deal_.owners[n] != self || deal_.ranks[n] == self) continue;
    std::size_t& place = places_[static_cast<std::size_t>(deal_.ranks[n])];
    for (const std::span<const Index> slots : {batch.state_slots(), batch.next_state_slots()})
      for (const Index slot : slots.subspan(n * stack, stack)) {
        const std::span<const std::byte> frame = replay_.observations().bytes(replay_.kept_slot(slot));
        std::ranges::copy(frame, sent_.begin() + static_cast<std::ptrdiff_t>(place));
        place += frame.size();
      }
  }
  lockstep_.ranks().all_to_all(sent_, sent_sizes_, received_, received_sizes_);
}

/// The transitions that this rank learns from, in the batch's order: slots are those of the replay's observations here,
/// and what came from other ranks lies in the landing rows.
Batch RankedLearner::own_part(const Batch& batch) {
  const int self = lockstep_.rank();
  const auto ranks = static_cast<std::size_t>(lockstep_.size());
  const auto stack = static_cast<std::size_t>(replay_.frame_stack());
  places_.assign(ranks, 0);
  std::exclusive_scan(received_sizes_.begin(), received_sizes_.end(), places_.begin(), std::size_t{0});
  const std::span<Index> states = stack > 1 ? std::span(arrays_.frames) : std::span(arrays_.slots);
  const std::span<Index> next = stack > 1 ? std::span(arrays_.next_frames) : std::span(arrays_.next_slots);
  ObservationStore& observations = replay_.observations();
  std::size_t b = 0;
  Index landing = replay_.first_landing_row();
  for (std::size_t n = 0; n < deal_.owners.size(); ++n) {
    if (deal_.ranks[n] != self) continue;
    const bool is_here = deal_.owners[n] == self;
    for (const bool is_next : {false, true}) {
      const auto from = (is_next ? batch.next_state_slots() : batch.state_slots()).subspan(n * stack, stack);
      const std::span<Index> to = (is_next ? next : states).subspan(b * stack, stack);
      for (std::size_t j = 0; j < stack; ++j) {
        if (is_here) {
          to[j] = replay_.kept_slot(from[j]);
          continue;
        }
        std::size_t& place = places_[static_cast<std::size_t>(deal_.owners[n])];
        const std::size_t frame = observations.bytes_of_one();
        observations.set_bytes(landing, std::span(received_).subspan(place, frame));
        place += frame;
        to[j] = landing++;
      }
      if (stack > 1) (is_next ? arrays_.next_slots : arrays_.slots)[b] = to[stack - 1];
    }
    arrays_.actions[b] = batch.actions[n];
    arrays_.rewards[b] = batch.rewards[n];
    arrays_.discounts[b] = batch.discounts[n];
    arrays_.terminated[b] = batch.terminated[n];
    arrays_.weights[b] = batch.weights[n];
    ++b;
  }
  // The mean over ranks of means over unequal parts is to be the mean over the batch.
  const double share = static_cast<double>(b * ranks) / static_cast<double>(deal_.owners.size());
  if (share != 1)
    for (float& weight : std::span(arrays_.weights).first(b))
      weight = static_cast<float>(static_cast<double>(weight) * share);
  return arrays_.first(static_cast<Index>(b), &observations);
}

/// TD errors and the mean Q of the whole batch.
void RankedLearner::gather_results(std::span<float> td_error, LearnStats& stats) {
  const int ranks = lockstep_.size();
  const auto batch = static_cast<Index>(td_error.size());
  sizes_.clear();
  for (int r = 0; r < ranks; ++r)
    sizes_.push_back(static_cast<std::size_t>(share_of(batch, r, ranks).count + 1) * sizeof(float));
  results_.resize(sizes_[static_cast<std::size_t>(lockstep_.rank())]);
  std::memcpy(results_.data(), &stats.mean_q, sizeof(float));
  std::memcpy(results_.data() + sizeof(float), td_errors_.data(), std::span(td_errors_).size_bytes());
  const std::span<const std::byte> all = lockstep_.gather(results_, sizes_);

  double q = 0;
  std::size_t place = 0;
  for (int r = 0; r < ranks; ++r) {
    float mean = 0;
    std::memcpy(&mean, all.data() + place, sizeof mean);
    places_[static_cast<std::size_t>(r)] = place + sizeof mean;
    place += sizes_[static_cast<std::size_t>(r)];
    q += static_cast<double>(mean) * static_cast<double>(share_of(batch, r, ranks).count);
  }
  stats.mean_q = static_cast<float>(q / static_cast<double>(batch));
  for (std::size_t n = 0; n < td_error.size(); ++n) {
    std::size_t& from = places_[static_cast<std::size_t>(deal_.ranks[n])];
    std::memcpy(&td_error[n], all.data() + from, sizeof(float));
    from += sizeof(float);
  }
}

}  // namespace bellman
