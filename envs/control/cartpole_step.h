// The cart and the pole: pushing the cart left or right keeps the pole on it upright.
//
// Barto, Sutton & Anderson 1983, "Neuronlike adaptive elements that can solve difficult learning control
// problems", with the equations of Florian 2007, "Correct equations for the dynamics of the cart-pole
// system", without friction. Step for step the environment that Gymnasium calls CartPole-v1.
#pragma once

#include "envs/control/continuous_task.h"
#include "envs/control/lane_math.h"

namespace bellman {

struct CartPole {
  static constexpr TaskVariant kVariants[] = {
      {"CartPole-v1", "balance a pole on a cart, 500 steps at most; solved at a mean return of 475", 500,
       475},
      {"CartPole-v0", "the same, 200 steps at most; solved at 195", 200, 195}};
  static constexpr std::string_view kActions[] = {"left", "right"};
  static constexpr std::string_view kObservation[] = {
      "cart position, m; an episode begins near 0 and ends beyond 2.4 on either side", "cart velocity, m/s",
      "pole angle, rad, 0 upright; an episode ends beyond 0.2095 (12 degrees)",
      "pole angular velocity, rad/s"};
  static constexpr double kFar = 1e30;  // observations are floats
  static constexpr StateNumber kState[] = {
      {"x", -kFar, kFar},           // cart position, m
      {"x_dot", -kFar, kFar},       // cart velocity, m/s
      {"theta", -kFar, kFar},       // pole angle from upright, rad, positive to the right
      {"theta_dot", -kFar, kFar}};  // pole angular velocity, rad/s
  static constexpr StepRewards kRewards = {1, 1}, kSuttonBartoRewards = {0, -1};
  static constexpr int kDraws = 4;

  static constexpr double kGravity = 9.8;                                     // m/s^2
  static constexpr double kCartMass = 1.0;                                    // kg
  static constexpr double kPoleMass = 0.1;                                    // kg
  static constexpr double kHalfPoleLength = 0.5;                              // m
  static constexpr double kForceMag = 10.0;                                   // N
  static constexpr double kTau = 0.02;                                        // s between steps
  static constexpr double kMaxX = 2.4;                                        // m
  static constexpr double kMaxTheta = 12 * 2 * 3.14159265358979323846 / 360;  // rad: 12 degrees
  static constexpr double kResetRange = 0.05;  // each number of an initial state is within +-0.05

  template <class T>
  using State = Numbers<T, 4>;

  template <class T>
  BELLMAN_HOST_DEVICE static State<T> initial(const Numbers<T, kDraws>& u) {
    constexpr double range = kResetRange;
    return {{-range + 2 * range * u.at[0], -range + 2 * range * u.at[1], -range + 2 * range * u.at[2],
             -range + 2 * range * u.at[3]}};
  }

  /// One explicit Euler step of kTau seconds: positions move with the *old* velocities.
  ///
  /// Florian 2007, eqs. 23 and 24 without friction. With M = m_cart + m_pole and half length l:
  ///   temp         = (F + m_pole l theta_dot^2 sin theta) / M
  ///   theta_dotdot = (g sin theta - cos theta temp) / (l (4/3 - m_pole cos^2 theta / M))
  ///   x_dotdot     = temp - m_pole l theta_dotdot cos theta / M
  /// Only theta_dotdot divides by what changes; the other quotients are products with constants.
  /// REQUIRES: a state that is not terminal: a running episode's angle is small.
  template <class T>
  BELLMAN_HOST_DEVICE static State<T> step(const State<T>& s, T action) {
    static_assert(kMaxTheta <= kSmallAngle);
    constexpr double total_mass = kPoleMass + kCartMass;
    constexpr double pole_mass_length = kPoleMass * kHalfPoleLength;
    const T x = s.at[0], x_dot = s.at[1], theta = s.at[2], theta_dot = s.at[3];
    const T force = -kForceMag + 2 * kForceMag * action;
    const SinCos<T> of_theta = sin_cos_of_small(theta);
    const T sin_theta = of_theta.sin, cos_theta = of_theta.cos;

    const T temp = (force + pole_mass_length * (theta_dot * theta_dot) * sin_theta) * (1.0 / total_mass);
    const T theta_acceleration =
        (kGravity * sin_theta - cos_theta * temp) /
        (kHalfPoleLength * 4.0 / 3.0 - kHalfPoleLength * kPoleMass / total_mass * (cos_theta * cos_theta));
    const T x_acceleration = temp - pole_mass_length / total_mass * theta_acceleration * cos_theta;

    return {{x + kTau * x_dot, x_dot + kTau * x_acceleration, theta + kTau * theta_dot,
             theta_dot + kTau * theta_acceleration}};
  }

  /// The cart left its track or the pole fell: strictly beyond the limits.
  template <class T>
  BELLMAN_HOST_DEVICE static auto terminated(const State<T>& s) {
    const T x = s.at[0], theta = s.at[2];
    return (x < -kMaxX) | (x > kMaxX) | (theta < -kMaxTheta) | (theta > kMaxTheta);
  }

  template <class T, class AnyState>
  BELLMAN_HOST_DEVICE static T observed(const AnyState& s, int i) {
    return s.at[i];
  }
};

}  // namespace bellman
