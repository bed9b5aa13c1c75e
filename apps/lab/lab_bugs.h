// The lab's bugs: what each does, how it is trained beside the sound version, and which instrument notices it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "apps/lab/faulty_parts.h"
#include "rl/config/train_config.h"

namespace bellman {

struct LabBug {
  std::string_view name;
  Fault fault;
  std::string_view what;    // the wrong line, in a sentence
  std::string_view lesson;  // what to look at, and why it shows there or does not
  std::string_view test_program,
      test_case;  // of the suite: fails for the same bug in the product (tests/mutants/)
};

std::span<const LabBug> lab_bugs();
/// Throws: Error, with the nearest name or all of them, for an unknown one.
const LabBug& find_bug(std::string_view name);

/// Small settings in which the bug shows within seconds; the seed is the caller's.
TrainConfig lab_config(const LabBug& bug);

}  // namespace bellman
