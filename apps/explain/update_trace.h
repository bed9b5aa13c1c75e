// Every number of one gradient step, under its name: what `bellman show` prints and `bellman explain` draws.
//
// The step is made again op by op, on the host, from the state and the batch that the run had
// (apps/explain/captured_update.h). Where the run's own learner is that one, all numbers are the run's to the last bit. A
// fused learner and a device round otherwise, and the trace says by how much: draw, batch and the state before the step
// are then the run's, and what the step makes of them is the repeat's.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "apps/explain/captured_update.h"
#include "core/nn/network.h"

namespace bellman {

struct TracedTensor {
  std::string name;
  std::vector<Index> shape;
  std::vector<double> values;  // row-major

  double at(Index row, Index column) const {
    return values[static_cast<std::size_t>(row * shape.back() + column)];
  }
};

/// A node of the sum-tree on the way to a leaf: the draw goes left when its mass is less than the left child's sum, else
/// right, with what is left of the mass.
struct TreeStep {
  double mass = 0, left = 0, right = 0;
  bool goes_right = false;
};

/// How a transition of the batch was drawn.
struct TracedDraw {
  Index slot = 0;
  Index age = 0;                          // slots that its environment has filled since: ReplayRing::age
  double probability = 0;                 // of a single draw
  double priority = 0, new_priority = 0;  // p, before the power alpha; prioritised replay alone
  std::vector<TreeStep> descent;          // likewise; from the root
};

/// What of the arithmetic can be recomputed from other numbers of the trace:
///   q.now, q.after (of s, with the parameters after the step), q.next.online, q.next.target (B,A); y, td_error, weight, reward, discount, terminated, action (B); loss (1)
///   a0 .. aL, da1 .. daL and the layers' inner tensors, by the workspace's names (core/nn/network.h)
///   theta.*, target.*, gradient.* (before clipping), clipped.*, <moment>.*, <moment>.after.*, theta.after.*
///   run.theta.*: the run's own parameters after the step
///   difference.*: central differences of the loss in double precision; NaN where none was taken
struct UpdateTrace {
  CapturedUpdate update;
  std::vector<std::string> layers;  // texts: "dense 64"
  std::vector<TracedTensor> tensors;
  std::vector<TracedDraw> draws;  // (B)
  Index replay_size = 0;          // transitions that could be drawn
  double replay_mass = 0;         // the tree's total; 0 for uniform draws
  double gradient_norm = 0;       // before clipping
  double clip_factor = 1;         // that the gradient was multiplied by
  Index optimizer_step = 0;       // t, from 1
  std::string optimizer;          // "adam", as the settings name it
  /// Loss or gradient was not finite: nothing moved, neither parameters nor moments nor priorities (on_nan skip). The
  /// optimiser's step is then its last one.
  bool skipped = false;
  /// The largest distance between a parameter that the run had after the step and the same one made op by op.
  double distance_from_run = 0;
  /// The same in roundings: units of 2^-24 times the largest parameter of its tensor.
  double roundings_from_run = 0;

  /// Throws: Error, with the nearest name or all of them, when there is none.
  const TracedTensor& tensor(std::string_view name) const;
  const TracedTensor* find(std::string_view name) const;
};

/// Whether the run made the step op by op, so that every number is its own to the last bit.
inline bool is_runs_own(const UpdateTrace& trace) {
  return !trace.update.on_device && trace.update.learner == "op by op" && trace.distance_from_run == 0;
}

/// The names of all tensors of a step of a run with these settings. Nothing is trained for it.
std::vector<std::string> traced_names(const TrainConfig& config, const EnvSpec& env);

struct TraceOptions {
  /// Differences are taken of at most so many elements of each parameter, those of the largest gradient first.
  Index differences = 64;
};

/// Throws: Error as Network and DqnUpdate do.
UpdateTrace trace_update(CapturedUpdate update, const TraceOptions& options = {});

}  // namespace bellman
