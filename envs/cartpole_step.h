// The cart and the pole: one step of their equations, for host and device alike.
//
// Barto, Sutton & Anderson 1983, "Neuronlike adaptive elements that can solve difficult learning control
// problems", with the equations of Florian 2007, "Correct equations for the dynamics of the cart-pole
// system", without friction. Step for step the environment that Gymnasium calls CartPole-v1.
#pragma once

#include <cmath>
#include <cstdint>

#include "core/host_device.h"
#include "core/rng.h"

namespace bellman {

struct CartPoleState {
  double x = 0;          // cart position, m
  double x_dot = 0;      // cart velocity, m/s
  double theta = 0;      // pole angle from upright, rad, positive to the right
  double theta_dot = 0;  // pole angular velocity, rad/s
};

struct CartPolePhysics {
  static constexpr double kGravity = 9.8;                                     // m/s^2
  static constexpr double kCartMass = 1.0;                                    // kg
  static constexpr double kPoleMass = 0.1;                                    // kg
  static constexpr double kHalfPoleLength = 0.5;                              // m
  static constexpr double kForceMag = 10.0;                                   // N
  static constexpr double kTau = 0.02;                                        // s between steps
  static constexpr double kMaxX = 2.4;                                        // m
  static constexpr double kMaxTheta = 12 * 2 * 3.14159265358979323846 / 360;  // rad: 12 degrees
  static constexpr double kResetRange = 0.05;  // each number of an initial state is within +-0.05
  static constexpr int kActions = 2;           // 0 pushes left, 1 right
};

/// One explicit Euler step of kTau seconds: positions move with the *old* velocities.
///
/// Florian 2007, eqs. 23 and 24 without friction. With M = m_cart + m_pole and half length l:
///   temp         = (F + m_pole l theta_dot^2 sin theta) / M
///   theta_dotdot = (g sin theta - cos theta temp) / (l (4/3 - m_pole cos^2 theta / M))
///   x_dotdot     = temp - m_pole l theta_dotdot cos theta / M
BELLMAN_HOST_DEVICE inline CartPoleState cartpole_step(const CartPoleState& s, int action) {
  using P = CartPolePhysics;
  constexpr double total_mass = P::kPoleMass + P::kCartMass;
  constexpr double pole_mass_length = P::kPoleMass * P::kHalfPoleLength;
  const double force = action == 1 ? P::kForceMag : -P::kForceMag;
  const double cos_theta = std::cos(s.theta);
  const double sin_theta = std::sin(s.theta);

  const double temp = (force + pole_mass_length * (s.theta_dot * s.theta_dot) * sin_theta) / total_mass;
  const double theta_acceleration =
      (P::kGravity * sin_theta - cos_theta * temp) /
      (P::kHalfPoleLength * (4.0 / 3.0 - P::kPoleMass * (cos_theta * cos_theta) / total_mass));
  const double x_acceleration = temp - pole_mass_length * theta_acceleration * cos_theta / total_mass;

  return {s.x + P::kTau * s.x_dot, s.x_dot + P::kTau * x_acceleration, s.theta + P::kTau * s.theta_dot,
          s.theta_dot + P::kTau * theta_acceleration};
}

/// The cart left its track or the pole fell: strictly beyond the limits.
BELLMAN_HOST_DEVICE inline bool cartpole_failed(const CartPoleState& s) {
  using P = CartPolePhysics;
  return s.x < -P::kMaxX || s.x > P::kMaxX || s.theta < -P::kMaxTheta || s.theta > P::kMaxTheta;
}

/// 1 for every step, the failing one included. With `sutton_barto`: 0, and -1 for the failing step.
BELLMAN_HOST_DEVICE constexpr double cartpole_reward(bool failed, bool sutton_barto) {
  if (!sutton_barto) return 1.0;
  return failed ? -1.0 : 0.0;
}

/// The initial state of one draw: each number uniform on [-0.05, 0.05).
BELLMAN_HOST_DEVICE inline CartPoleState cartpole_reset(const RandomStream& stream, std::uint64_t draw) {
  constexpr double range = CartPolePhysics::kResetRange;
  const RandomWords a = random_words(stream, draw, 0);
  const RandomWords b = random_words(stream, draw, 1);
  return {-range + 2 * range * uniform_double(a[0], a[1]), -range + 2 * range * uniform_double(a[2], a[3]),
          -range + 2 * range * uniform_double(b[0], b[1]), -range + 2 * range * uniform_double(b[2], b[3])};
}

}  // namespace bellman
