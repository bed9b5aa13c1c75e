// Each group of columns of diagnostics.csv by itself: what a row spends on it, in time or in instructions. A training is
// made, and its groups are then measured as rl/train/recorder.cpp measures them, as often as one likes.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "core/base/tensor.h"
#include "rl/config/train_config.h"

namespace bellman::bench {

/// Columns that are made together.
struct ColumnGroup {
  std::string_view name;  // its columns are those that begin with it, or with what is between commas
  bool full;              // with Diagnostics::kFull alone
  bool of_tables;         // of gridworlds, in rows of evaluations alone
};
inline constexpr ColumnGroup kColumnGroups[] = {{"dormant_share", false, false},
                                                {"batch/effective_size", false, false},
                                                {"target_gap/parameters", false, false},
                                                {"q/", false, true},
                                                {"value_error", false, true},
                                                {"target_gap/q,policy_churn/target", true, false},
                                                {"policy_churn/step", true, false},
                                                {"effective_rank", true, false}};

/// Throws: Error for another name.
const ColumnGroup& find_group(std::string_view name);

/// Whether this training's rows have the group, and it is measured on it: "cartpole" is prioritised, the lakes are
/// gridworlds. The larger lake is for the tables alone.
inline bool is_measured(std::string_view loop, const ColumnGroup& group) {
  if (loop == "cartpole") return !group.of_tables;
  if (loop == "frozen_lake_8x8") return group.of_tables;
  return loop == "frozen_lake" && group.name != "batch/effective_size";
}

/// Environment steps between two rows with the group.
Index steps_between(const TrainConfig& config, const ColumnGroup& group);

class RowColumns {
 public:
  /// Trains to the end, with Diagnostics::kFull. Throws: Error where a group's numbers are not those of the last row that
  /// the Recorder wrote of them.
  explicit RowColumns(const TrainConfig& config);
  ~RowColumns();

  /// Whether rows of this training have it.
  bool has(const ColumnGroup& group) const;
  /// The sum of its numbers. REQUIRES: has(group).
  double measure(const ColumnGroup& group);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace bellman::bench
