// A car in a valley, too weak to drive straight up: it gets out by going back and forth.
//
// Moore 1990, "Efficient memory-based learning for robot control", with the numbers of Sutton & Barto 2018,
// example 10.1. Step for step the environment that Gymnasium calls MountainCar-v0.
#pragma once

#include "envs/control/continuous_task.h"
#include "envs/control/lane_math.h"

namespace bellman {

struct MountainCar {
  static constexpr TaskVariant kVariants[] = {
      {"MountainCar-v0", "drive a weak car out of a valley, -1 a step, 200 at most; solved at -110", 200,
       -110}};
  static constexpr std::string_view kActions[] = {"left", "coast", "right"};
  static constexpr std::string_view kObservation[] = {
      "position, -1.2 to 0.6; the valley's bottom is at -0.52, an episode ends at 0.5",
      "velocity, a step, -0.07 to 0.07"};
  static constexpr double kMinPosition = -1.2, kMaxPosition = 0.6, kMaxSpeed = 0.07;
  static constexpr StateNumber kState[] = {{"position", kMinPosition, kMaxPosition},
                                           {"velocity", -kMaxSpeed, kMaxSpeed}};
  static constexpr StepRewards kRewards = {-1, -1};
  static constexpr int kDraws = 1;

  static constexpr double kGoalPosition = 0.5;
  static constexpr double kForce = 0.001, kGravity = 0.0025;

  template <class T>
  using State = Numbers<T, 2>;

  /// At rest, uniform on [-0.6, -0.4).
  template <class T>
  BELLMAN_HOST_DEVICE static State<T> initial(const Numbers<T, kDraws>& u) {
    return {{-0.6 + 0.2 * u.at[0], T{}}};
  }

  /// The height is sin 3x. The wall on the left takes the velocity, the one on the right leaves it.
  template <class T>
  BELLMAN_HOST_DEVICE static State<T> step(const State<T>& s, T action) {
    const T pull = (action - 1.0) * kForce + sin_cos(3.0 * s.at[0]).cos * -kGravity;
    const T velocity = clamped(s.at[1] + pull, -kMaxSpeed, kMaxSpeed);
    const T position = clamped(s.at[0] + velocity, kMinPosition, kMaxPosition);
    return {{position, select((position > kMinPosition) | (velocity > 0.0), velocity, T{})}};
  }

  template <class T>
  BELLMAN_HOST_DEVICE static auto terminated(const State<T>& s) {
    return (s.at[0] >= kGoalPosition) & (s.at[1] >= 0.0);
  }

  template <class T, class AnyState>
  BELLMAN_HOST_DEVICE static T observed(const AnyState& s, int i) {
    return s.at[i];
  }
};

}  // namespace bellman
