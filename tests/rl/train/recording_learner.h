// A learner that learns nothing and records its calls.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "rl/learn/learner.h"

namespace bellman::test {

/// What the trainer asked for, in order.
struct LearnerRecord {
  struct Sample {
    std::vector<float> observation, next_observation;
    std::int32_t action;
    float reward, discount, terminated, weight;
  };
  std::string events;                        // 'L' a learn step, 'S' a target update
  std::vector<std::vector<Sample>> batches;  // of every learn step
  std::vector<float> learning_rates, taus;   // of every learn step, target update
  Index first_slots = 0;                     // of the replay, so many are looked at at every learn step,
  std::vector<std::vector<float>> stored;    // and these are their observations at the last one
  std::vector<std::vector<float>> acted_on;  // every observation that Q-values were asked for
  LearnerOptions options;
  /// q of one observation; greedy action 0 unless set.
  std::function<void(std::span<float> q, std::span<const float> observation)> q_of;
  LearnStats stats;  // what learn() answers
  std::function<float(const Sample&)> td_error_of = [](const Sample&) { return 1.0F; };
  float parameter = 0;  // every parameter's value: the number of learn steps, unless set_parameters
};

class RecordingLearner final : public Learner {
 public:
  RecordingLearner(const Network& network, const LearnerOptions& options, LearnerRecord& record)
      : record_(record),
        width_(static_cast<std::size_t>(network.input_shape().elements())),
        actions_(static_cast<std::size_t>(network.output_shape().elements())) {
    record_.options = options;
  }

  void q_values(std::span<float> q, std::span<const float> observations, Index n) override {
    for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) {
      const auto observation = observations.subspan(i * width_, width_);
      const auto out = q.subspan(i * actions_, actions_);
      record_.acted_on.emplace_back(observation.begin(), observation.end());
      std::fill(out.begin(), out.end(), 0.0F);
      if (record_.q_of) record_.q_of(out, observation);
    }
  }
  LearnStats learn(const Batch& batch, float learning_rate, std::span<float> td_error) override {
    record_.events += 'L';
    record_.learning_rates.push_back(learning_rate);
    auto& samples = record_.batches.emplace_back();
    for (std::size_t n = 0; n < batch.slots.size(); ++n) {
      samples.push_back({observation(batch, batch.slots[n]), observation(batch, batch.next_slots[n]),
                         batch.actions[n], batch.rewards[n], batch.discounts[n], batch.terminated[n],
                         batch.weights[n]});
      td_error[n] = record_.td_error_of(samples.back());
    }
    record_.stored.clear();
    for (Index slot = 0; slot < record_.first_slots; ++slot)
      record_.stored.push_back(observation(batch, slot));
    record_.parameter = static_cast<float>(record_.batches.size());
    return record_.stats;
  }
  void update_target(float tau) override {
    record_.events += 'S';
    record_.taus.push_back(tau);
  }
  void save(StateWriter&) const override { fail("a recording learner is not kept"); }
  void load(const StateReader&) override { fail("a recording learner is not kept"); }
  void get_parameters(std::span<float> out) override { std::fill(out.begin(), out.end(), record_.parameter); }
  void set_parameters(std::span<const float> in) override { record_.parameter = in[0]; }

 private:
  std::vector<float> observation(const Batch& batch, Index slot) const {
    std::vector<float> numbers(width_);
    batch.observations->gather(numbers, {&slot, 1});
    return numbers;
  }

  LearnerRecord& record_;
  std::size_t width_, actions_;
};

/// REQUIRES: the record outlives the learner.
inline LearnerFactory recording_learner(LearnerRecord& record) {
  return [&record](const Network& network, const LearnerOptions& options) {
    return std::make_unique<RecordingLearner>(network, options, record);
  };
}

}  // namespace bellman::test
