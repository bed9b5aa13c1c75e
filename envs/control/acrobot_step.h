// Two links that hang from a hinge, with a motor in the joint between them: it swings the tip up.
//
// Sutton 1996, "Generalization in reinforcement learning: successful examples using sparse coarse coding",
// with the equations of Sutton & Barto 1998, section 11.3. Step for step the environment that Gymnasium calls
// Acrobot-v1.
#pragma once

#include "envs/control/continuous_task.h"
#include "envs/control/lane_math.h"

namespace bellman {

struct Acrobot {
  static constexpr double kPi = 3.14159265358979323846;
  static constexpr double kMaxVelocity1 = 4 * kPi, kMaxVelocity2 = 9 * kPi;  // rad/s

  static constexpr TaskVariant kVariants[] = {
      {"Acrobot-v1", "swing the tip of two links up by the joint, -1 a step, 500 at most; solved at -100",
       500, -100}};
  static constexpr std::string_view kActions[] = {"torque -1", "no torque", "torque +1"};
  static constexpr std::string_view kObservation[] = {
      // NOLINTNEXTLINE(bugprone-suspicious-missing-comma): one text in two lines
      "cosine of the first link's angle, 1 hanging down; an episode ends with the tip one link above the "
      "hinge",
      "sine of the first link's angle",
      "cosine of the second link's angle, 1 in line with the first",
      "sine of the second link's angle",
      "angular velocity of the first link, rad/s, -12.57 to 12.57",
      "angular velocity of the second link, rad/s, -28.27 to 28.27"};
  static constexpr StateNumber kState[] = {{"theta1", -kPi, kPi},  // from hanging down, rad
                                           {"theta2", -kPi, kPi},  // from the first link's direction, rad
                                           {"theta1_dot", -kMaxVelocity1, kMaxVelocity1},
                                           {"theta2_dot", -kMaxVelocity2, kMaxVelocity2}};
  static constexpr StepRewards kRewards = {-1, 0};
  static constexpr int kDraws = 4;

  static constexpr double kMass = 1.0;     // kg, of either link
  static constexpr double kLength = 1.0;   // m, of either link
  static constexpr double kCentre = 0.5;   // m from a link's beginning to its centre of mass
  static constexpr double kInertia = 1.0;  // kg m^2, of either link
  static constexpr double kGravity = 9.8;  // m/s^2
  static constexpr double kTau = 0.2;      // s between steps

  template <class T>
  using State = Numbers<T, 4>;

  /// Each number uniform on [-0.1, 0.1).
  template <class T>
  BELLMAN_HOST_DEVICE static State<T> initial(const Numbers<T, kDraws>& u) {
    return {{-0.1 + 0.2 * u.at[0], -0.1 + 0.2 * u.at[1], -0.1 + 0.2 * u.at[2], -0.1 + 0.2 * u.at[3]}};
  }

  /// One step of Runge and Kutta's fourth order, of kTau seconds. Then angles are brought within +-pi and
  /// velocities cut to their bounds. From bounded states no angle on the way is beyond 2000.
  template <class T>
  BELLMAN_HOST_DEVICE static State<T> step(const State<T>& s, T action) {
    const T torque = action - 1.0;
    const State<T> k1 = derivative(s, torque);
    const State<T> k2 = derivative(moved(s, kTau / 2, k1), torque);
    const State<T> k3 = derivative(moved(s, kTau / 2, k2), torque);
    const State<T> k4 = derivative(moved(s, kTau, k3), torque);
    State<T> next;
    for (int i = 0; i < 4; ++i)
      next.at[i] = s.at[i] + kTau / 6.0 * (k1.at[i] + 2.0 * k2.at[i] + 2.0 * k3.at[i] + k4.at[i]);
    return {{wrapped(next.at[0]), wrapped(next.at[1]), clamped(next.at[2], -kMaxVelocity1, kMaxVelocity1),
             clamped(next.at[3], -kMaxVelocity2, kMaxVelocity2)}};
  }

  /// The tip, at -cos theta1 - cos(theta1 + theta2), is more than one link above the hinge.
  template <class T>
  BELLMAN_HOST_DEVICE static auto terminated(const State<T>& s) {
    return T{} - sin_cos(s.at[0]).cos - sin_cos(s.at[1] + s.at[0]).cos > 1.0;
  }

  template <class T, class AnyState>
  BELLMAN_HOST_DEVICE static T observed(const AnyState& s, int i) {
    if (i >= 4) return s.at[i - 2];
    const SinCos<T> of_angle = sin_cos<T>(s.at[i / 2]);
    return i % 2 == 0 ? of_angle.cos : of_angle.sin;
  }

 private:
  /// Sutton & Barto 1998, section 11.3: with both links alike, of mass m, length l, centre c, inertia I,
  ///   d1   = m c^2 + m (l^2 + c^2 + 2 l c cos theta2) + 2 I
  ///   d2   = m (c^2 + l c cos theta2) + I
  ///   phi2 = m c g cos(theta1 + theta2 - pi/2)
  ///   phi1 = -m l c theta2_dot^2 sin theta2 - 2 m l c theta2_dot theta1_dot sin theta2
  ///          + (m c + m l) g cos(theta1 - pi/2) + phi2
  ///   theta2_dotdot = (torque + d2/d1 phi1 - m l c theta1_dot^2 sin theta2 - phi2) / (m c^2 + I - d2^2/d1)
  ///   theta1_dotdot = -(d2 theta2_dotdot + phi1) / d1
  template <class T>
  BELLMAN_HOST_DEVICE static State<T> derivative(const State<T>& s, T torque) {
    constexpr double m = kMass, l = kLength, c = kCentre, inertia = kInertia, g = kGravity;
    const T theta1 = s.at[0], theta2 = s.at[1], velocity1 = s.at[2], velocity2 = s.at[3];
    const SinCos<T> of_2 = sin_cos(theta2);
    const T d1 = m * c * c + m * (l * l + c * c + 2 * l * c * of_2.cos) + inertia + inertia;
    const T d2 = m * (c * c + l * c * of_2.cos) + inertia;
    const T phi2 = m * c * g * sin_cos(theta1 + theta2 - kPi / 2).cos;
    const T phi1 = -m * l * c * (velocity2 * velocity2) * of_2.sin -
                   2 * m * l * c * velocity2 * velocity1 * of_2.sin +
                   (m * c + m * l) * g * sin_cos(theta1 - kPi / 2).cos + phi2;
    const T acceleration2 =
        (torque + d2 / d1 * phi1 - m * l * c * (velocity1 * velocity1) * of_2.sin - phi2) /
        (m * c * c + inertia - d2 * d2 / d1);
    return {{velocity1, velocity2, -1.0 * (d2 * acceleration2 + phi1) / d1, acceleration2}};
  }

  /// s + dt rate.
  template <class T>
  BELLMAN_HOST_DEVICE static State<T> moved(const State<T>& s, double dt, const State<T>& rate) {
    State<T> to;
    for (int i = 0; i < 4; ++i) to.at[i] = s.at[i] + dt * rate.at[i];
    return to;
  }

  template <class T>
  BELLMAN_HOST_DEVICE static T wrapped(T angle) {
    while (any_lane(angle > kPi)) angle = select(angle > kPi, angle - 2 * kPi, angle);
    while (any_lane(angle < -kPi)) angle = select(angle < -kPi, angle + 2 * kPi, angle);
    return angle;
  }
};

}  // namespace bellman
