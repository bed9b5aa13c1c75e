"""CartPole-v1 for many carts at once, in jax.numpy: the rules of envs/control/cartpole_step.h, in float64 as there."""

import math

import jax.numpy as jnp

GRAVITY, MASS_POLE, HALF_LENGTH, FORCE, TAU = 9.8, 0.1, 0.5, 10.0, 0.02
TOTAL_MASS = 1.0 + MASS_POLE
X_LIMIT, THETA_LIMIT, MAX_STEPS = 2.4, 12 * 2 * math.pi / 360, 500
RESET_WORDS = 4  # random words that an initial state is made of


def initial(words):
    """(N,4) float64, each uniform on [-0.05, 0.05), of words (N,4) uint32."""
    return -0.05 + 0.1 * (words.astype(jnp.float64) * 2.0 ** -32)


def step(state, action):
    """state (N,4) float64, action (N): (state after it, terminated). Positions move with the old velocities."""
    x, x_dot, theta, theta_dot = (state[:, i] for i in range(4))
    force = jnp.where(action == 1, FORCE, -FORCE)
    cos, sin = jnp.cos(theta), jnp.sin(theta)
    pole_moment = MASS_POLE * HALF_LENGTH
    temp = (force + pole_moment * theta_dot * theta_dot * sin) / TOTAL_MASS
    theta_acc = (GRAVITY * sin - cos * temp) / (HALF_LENGTH * (4.0 / 3.0 - MASS_POLE * cos * cos / TOTAL_MASS))
    x_acc = temp - pole_moment * theta_acc * cos / TOTAL_MASS
    after = jnp.stack([x + TAU * x_dot, x_dot + TAU * x_acc, theta + TAU * theta_dot, theta_dot + TAU * theta_acc], 1)
    return after, (jnp.abs(after[:, 0]) > X_LIMIT) | (jnp.abs(after[:, 2]) > THETA_LIMIT)
