// The columns of diagnostics.csv, and what tensors they are measured from.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/tensor.h"

namespace bellman {

class Trainer;

/// A layer that is an activation function, and the tensor that it leaves (DqnUpdate::Watcher).
struct ActivationLayer {
  std::size_t layer = 0;
  std::string tensor;
  Index units = 0;       // channels, where there are such
  bool is_relu = false;  // its outputs can be 0 for good
};

/// Where each group of columns begins among `names`. A group that this run's rows do not have is nothing.
struct RecorderColumns {
  explicit RecorderColumns(const Trainer& trainer);

  std::vector<std::string> names;  // of all columns but time/total_timesteps, in their order
  std::vector<ActivationLayer> activations;
  Index table_entries = 0;  // S A of a gridworld whose Q-table is recorded, otherwise 0

  std::size_t weight_norm = 0, grad_norm = 0, update_ratio = 0;  // a column a tensor of the network
  std::size_t dead_share = 0;                                    // a column a relu
  std::size_t dormant_share = 0;                                 // a column of each of `activations`
  std::size_t td_error = 0;                                      // kTdErrorQuantiles
  std::size_t q = 0, value_error = 0;                            // table_entries, kValueErrorNames; or none
  std::size_t seconds = 0;                                       // kPhaseNames
  std::optional<std::size_t> target_gap, effective_size;         // a column each
  std::optional<std::size_t> churn_step, churn_target, target_gap_q, effective_rank;  // of Diagnostics::kFull

 private:
  std::size_t add(std::string_view kind, std::string_view name);
};

/// diagnostics.csv, with PARAMETER, LAYER and N for the network's own names and numbers.
std::vector<std::pair<std::string, std::string>> diagnostics_meanings();

struct TdErrorQuantile {
  const char* name;
  double share;
};
inline constexpr TdErrorQuantile kTdErrorQuantiles[] = {{"p10", 0.1}, {"p50", 0.5}, {"p90", 0.9}, {"max", 1}};

}  // namespace bellman
