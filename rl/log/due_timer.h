// What is due by time, asked at every step of a run.
#pragma once

#include <algorithm>

namespace bellman {

/// Becomes due `period` seconds after it was restarted. Reading a clock costs as much as stepping CartPole: it is read at
/// every step only where a step takes long, and else after 2, 4, .. up to 64 steps, but for steps that say that they were
/// long. So it is late by 1 % of the period, or by 64 steps where they suddenly take longer.
class DueTimer {
 public:
  explicit DueTimer(double period) : period_(period) {}

  /// It is `now`, in seconds.
  void restart(double now) {
    began_ = read_ = now;
    stride_ = left_ = 1;
  }
  /// The step that ends was a long one: the next is_due() reads the clock.
  void after_long_step() { left_ = 1; }
  /// Call it at each step. `now()`: the seconds, by the clock. Once it is due it stays so until restart().
  template <class Now>
  bool is_due(const Now& now) {
    if (--left_ > 0) return false;
    const double time = now(), since = time - read_;
    left_ = 1;
    if (time - began_ >= period_) return true;
    const double most = period_ / 100;
    if (2 * since <= most) stride_ = std::min(kMostSteps, 2 * stride_);
    if (since > most) stride_ = 1;
    read_ = time;
    left_ = stride_;
    return false;
  }

  static constexpr int kMostSteps = 64;

 private:
  double period_;
  double began_ = 0, read_ = 0;
  int stride_ = 1, left_ = 1;  // between two readings; until the next
};

}  // namespace bellman
