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
#include "envs/sin_cos.h"

namespace bellman {

/// T: double for one cart, a vector of doubles (core/double_vec.h) for a cart in each of its lanes.
template <class T>
struct CartPoleStateOf {
  T x{};          // cart position, m
  T x_dot{};      // cart velocity, m/s
  T theta{};      // pole angle from upright, rad, positive to the right
  T theta_dot{};  // pole angular velocity, rad/s
};
using CartPoleState = CartPoleStateOf<double>;

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

/// One explicit Euler step of kTau seconds under `force`: positions move with the *old* velocities. The same
/// operations in the same order for one cart and for many: with -ffp-contract=off, by which this folder is
/// compiled, the same bits.
///
/// Florian 2007, eqs. 23 and 24 without friction. With M = m_cart + m_pole and half length l:
///   temp         = (F + m_pole l theta_dot^2 sin theta) / M
///   theta_dotdot = (g sin theta - cos theta temp) / (l (4/3 - m_pole cos^2 theta / M))
///   x_dotdot     = temp - m_pole l theta_dotdot cos theta / M
/// Only theta_dotdot divides by what changes; the other quotients are products with constants.
template <class T>
BELLMAN_HOST_DEVICE inline CartPoleStateOf<T> cartpole_step(const CartPoleStateOf<T>& s, T force,
                                                            const SinCos<T>& of_theta) {
  using P = CartPolePhysics;
  constexpr double total_mass = P::kPoleMass + P::kCartMass;
  constexpr double pole_mass_length = P::kPoleMass * P::kHalfPoleLength;
  const T sin_theta = of_theta.sin, cos_theta = of_theta.cos;

  const T temp = (force + pole_mass_length * (s.theta_dot * s.theta_dot) * sin_theta) * (1.0 / total_mass);
  const T theta_acceleration = (P::kGravity * sin_theta - cos_theta * temp) /
                               (P::kHalfPoleLength * 4.0 / 3.0 -
                                P::kHalfPoleLength * P::kPoleMass / total_mass * (cos_theta * cos_theta));
  const T x_acceleration = temp - pole_mass_length / total_mass * theta_acceleration * cos_theta;

  return {s.x + P::kTau * s.x_dot, s.x_dot + P::kTau * x_acceleration, s.theta + P::kTau * s.theta_dot,
          s.theta_dot + P::kTau * theta_acceleration};
}

/// What `action` pushes with, N.
BELLMAN_HOST_DEVICE constexpr double cartpole_force(int action) {
  return action == 1 ? CartPolePhysics::kForceMag : -CartPolePhysics::kForceMag;
}

BELLMAN_HOST_DEVICE inline CartPoleState cartpole_step(const CartPoleState& s, int action) {
  return cartpole_step(s, cartpole_force(action), sin_cos(s.theta));
}

/// The cart left its track or the pole fell: strictly beyond the limits.
template <class T>
BELLMAN_HOST_DEVICE inline auto cartpole_failed(const CartPoleStateOf<T>& s) {
  using P = CartPolePhysics;
  return (s.x < -P::kMaxX) | (s.x > P::kMaxX) | (s.theta < -P::kMaxTheta) | (s.theta > P::kMaxTheta);
}
BELLMAN_HOST_DEVICE inline bool cartpole_failed(const CartPoleState& s) {
  return cartpole_failed<double>(s) != 0;
}

/// 1 for every step, the failing one included. With `sutton_barto`: 0, and -1 for the failing step.
BELLMAN_HOST_DEVICE constexpr double cartpole_reward(bool failed, bool sutton_barto) {
  if (!sutton_barto) return 1.0;
  return failed ? -1.0 : 0.0;
}

/// The initial state of four numbers uniform on [0, 1): each uniform on [-0.05, 0.05).
template <class T>
BELLMAN_HOST_DEVICE inline CartPoleStateOf<T> cartpole_initial(T a, T b, T c, T d) {
  constexpr double range = CartPolePhysics::kResetRange;
  return {-range + 2 * range * a, -range + 2 * range * b, -range + 2 * range * c, -range + 2 * range * d};
}

/// The initial state of one draw.
BELLMAN_HOST_DEVICE inline CartPoleState cartpole_reset(const RandomStream& stream, std::uint64_t draw) {
  const RandomWords a = random_words(stream, draw, 0);
  const RandomWords b = random_words(stream, draw, 1);
  return cartpole_initial(uniform_double(a[0], a[1]), uniform_double(a[2], a[3]), uniform_double(b[0], b[1]),
                          uniform_double(b[2], b[3]));
}

}  // namespace bellman
