#include "apps/page/axis.h"

#include <algorithm>
#include <cmath>

#include "apps/base/numbers.h"
#include "core/base/text.h"

namespace bellman {

double round_step(double rough) {
  const double power = std::pow(10, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (factor * power >= rough) return factor * power;
  return 10 * power;
}

bool fits(double value, Scale scale) {
  constexpr double kLargest = 1e307;
  return std::abs(value) <= kLargest && (scale == Scale::kLinear || value > 0);
}

Axis::Axis(double low, double high, Scale scale, int parts)
    : scale_(scale), low_(position(low)), high_(position(high)) {
  constexpr double kTiny = 1e-300;  // smaller differences have no steps that a double can hold
  if (const double pad = std::abs(low_) > kTiny ? std::abs(low_) / 2 : 1; !(high_ - low_ > kTiny))
    low_ -= pad, high_ += pad;
  constexpr double kFewDecades = 1.5;
  is_fine_ = scale == Scale::kLog10 && high_ - low_ <= kFewDecades;
  step_ = scale == Scale::kLog10 ? std::max(1.0, std::ceil((high_ - low_) / parts))
                                 : round_step((high_ - low_) / parts);
  add_ticks();
  if (is_fine_) cut_to_range();
  low_ = positions_.front(), high_ = positions_.back();
}

void Axis::add_ticks() {
  constexpr int kMost = 12;
  const double first = step_ * std::floor(low_ / step_ + 1e-9),
               last = step_ * std::ceil(high_ / step_ - 1e-9);
  const int count = static_cast<int>(std::min<double>(kMost, std::floor((last - first) / step_ + 1e-9)));
  for (int i = 0; i <= count; ++i) {
    const double at = first + i * step_;
    positions_.push_back(at);
    if (is_fine_ && i < count) positions_.insert(positions_.end(), {at + std::log10(2), at + std::log10(5)});
  }
}

/// Leaves the ticks in the range and the next ones on both sides.
void Axis::cut_to_range() {
  constexpr double kSlack = 1e-9;
  const auto inside = std::upper_bound(positions_.begin() + 1, positions_.end(), low_ + kSlack),
             beyond = std::lower_bound(inside, positions_.end(), high_ - kSlack);
  positions_ = std::vector<double>(inside - 1, beyond == positions_.end() ? beyond : beyond + 1);
}

std::vector<Axis::Tick> Axis::ticks() const {
  std::vector<Tick> ticks;
  for (const double at : positions_) {
    const double value = scale_ == Scale::kLog10 ? std::pow(10, at) : at;
    ticks.push_back({(at - low_) / (high_ - low_),
                     tick_text(std::abs(at) < step_ / 2 && scale_ == Scale::kLinear ? 0 : value)});
  }
  return ticks;
}

double Axis::position(double value) const { return scale_ == Scale::kLog10 ? std::log10(value) : value; }

/// With so many digits that neighbours differ.
std::string Axis::tick_text(double value) const {
  if (const double power = std::log10(std::abs(value)); scale_ == Scale::kLog10 && std::abs(power) > 4.5) {
    const int exponent = static_cast<int>(std::floor(power + 1e-9));
    return formatted("%.0fe%d", value / std::pow(10, exponent), exponent);
  }
  return scale_ == Scale::kLinear && step_ < 1 && std::abs(value) >= 1 ? formatted("%.7g", value)
                                                                       : short_number(value);
}

}  // namespace bellman
