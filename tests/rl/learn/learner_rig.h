// A learner whose numbers a test can set and read.
#pragma once

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/reference/reference_backend.h"
#include "rl/learn/learner.h"
#include "rl/replay/replay.h"
#include "tests/support/transfer.h"

namespace bellman::test {

template <class AnyLearner>
struct LearnerRig {
  LearnerRig(const std::string& text, const Shape& input, const LearnerOptions& options)
      : LearnerRig(reference, text, input, options) {}
  /// `more`: what the learner's constructor takes beside.
  template <class... More>
  LearnerRig(Backend& b, const std::string& text, const Shape& input, const LearnerOptions& options,
             const More&... more)
      : backend(b),
        network(text, input),
        observations(2 * options.max_batch, input.elements(), options.observation_type),
        arrays(options.max_batch),
        learner(b, network, options, more...) {}

  /// The tensors' numbers one after the other, without the arena's gaps.
  void set_online(const std::vector<float>& values) {
    std::vector<float> flat(static_cast<std::size_t>(network.layout().size()));
    std::size_t next = 0;
    for (const ArenaLayout::Entry& entry : network.layout().entries())
      for (Index i = 0; i < entry.shape.elements(); ++i)
        flat[static_cast<std::size_t>(entry.offset + i)] = values.at(next++);
    REQUIRE(next == values.size());
    learner.set_parameters(flat);
  }
  void set_both(const std::vector<float>& online, const std::vector<float>& target) {
    set_online(target);
    learner.update_target(1.0F);
    set_online(online);
  }
  std::vector<float> numbers_of(const Arena& arena) const {
    std::vector<float> values;
    for (std::size_t i = 0; i < arena.layout().entries().size(); ++i) {
      const std::vector<float> tensor = fetch(backend, arena[i]);
      values.insert(values.end(), tensor.begin(), tensor.end());
    }
    return values;
  }
  std::vector<float> online() const { return numbers_of(learner.online()); }
  std::vector<float> target() const { return numbers_of(learner.target()); }

  /// Transition n goes from slot 2n to slot 2n + 1.
  void set_transition(std::size_t n, std::vector<float> s, std::int32_t action, float reward, float discount,
                      float terminated, std::vector<float> s_next, float weight = 1.0F) {
    arrays.slots[n] = static_cast<Index>(2 * n);
    arrays.next_slots[n] = static_cast<Index>(2 * n + 1);
    observations.store(arrays.slots[n], s);
    observations.store(arrays.next_slots[n], s_next);
    arrays.actions[n] = action;
    arrays.rewards[n] = reward;
    arrays.discounts[n] = discount;
    arrays.terminated[n] = terminated;
    arrays.weights[n] = weight;
  }
  /// The first b transitions.
  Batch batch(Index b) const { return arrays.first(b, &observations); }
  LearnStats learn(Index b, float learning_rate) {
    td_error.resize(static_cast<std::size_t>(b));
    return learner.learn(batch(b), learning_rate, td_error);
  }

  ReferenceBackend<float> reference;
  Backend& backend;
  Network network;
  ObservationStore observations;
  BatchArrays arrays;
  AnyLearner learner;
  std::vector<float> td_error;
};

inline LearnerOptions options_for(Index max_batch) {
  LearnerOptions options;
  options.max_batch = max_batch;
  options.max_acting_batch = max_batch;
  options.optimizer = SgdOptions{};
  return options;
}

}  // namespace bellman::test
