// Several of the last observations shown as one, so that a network sees how things move (Mnih et al. 2015 stack 4
// frames of a screen).
//
// A frame is an observation of the environment that is wrapped. A state is k frames, oldest first, joined along the
// first dimension: k of (4) are (4 k), k of (C,H,W) are (k C,H,W), and k of (84,84) are (k,84,84). At an episode's start
// its first frame stands k times, as gymnasium.wrappers.FrameStackObservation pads by default.
//
// A replay needs each frame once: ReplayRing (rl/replay/replay_ring.h) finds the others when a batch is drawn.
#pragma once

#include "envs/env.h"

namespace bellman {

/// Environments of `make_env` with states of k frames; `make_env` itself for k = 1. state() is the k frames, then the
/// state of the environment that is wrapped. Throws: Error as check_frame_stack.
EnvFactory frame_stacked(EnvFactory make_env, Index k);

/// The shape of k frames. Throws: Error when it would have more than 2^31 - 1 elements.
Shape stacked_shape(const Shape& frame, Index k);

/// Throws: Error unless k is from 1 to 1024.
void check_frame_stack(Index k);

}  // namespace bellman
