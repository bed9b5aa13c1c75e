// A learner that hands every call on to another one: the base of those that look at some of the calls, or change
// what they answer.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <utility>

#include "rl/learn/learner.h"

namespace bellman {

class LearnerAround : public Learner {
 public:
  /// REQUIRES: not null.
  explicit LearnerAround(std::unique_ptr<Learner> inner) : inner_(std::move(inner)) {}

  std::string description() const override { return inner_->description(); }
  void q_values(std::span<float> q, std::span<const float> observations, Index n) override {
    inner_->q_values(q, observations, n);
  }
  LearnStats learn(const Batch& batch, float learning_rate, std::span<float> td_error) override {
    return inner_->learn(batch, learning_rate, td_error);
  }
  void update_target(float tau) override { inner_->update_target(tau); }
  void get_parameters(std::span<float> out) override { inner_->get_parameters(out); }
  void set_parameters(std::span<const float> in) override { inner_->set_parameters(in); }
  void save(StateWriter& out) const override { inner_->save(out); }
  void load(const StateReader& in) override { inner_->load(in); }

 protected:
  Learner& inner() { return *inner_; }

 private:
  std::unique_ptr<Learner> inner_;
};

}  // namespace bellman
