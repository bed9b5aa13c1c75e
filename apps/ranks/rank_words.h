// What all ranks of a run must agree on before it starts, and how a rank that cannot go on ends the others.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "rl/ranks/ranks.h"

namespace bellman {

/// Something that must be equal on all ranks: {"gamma", "0.99"}.
struct RankWord {
  std::string key, value;
};

/// What the program itself brings: its version, its build, and the kernels that this processor can run.
std::vector<RankWord> program_words();

/// The first difference from rank 0 as a line that names rank, key and both values; empty: all agree. The same on all ranks.
/// Every rank calls it.
std::string difference_in_words(Ranks& ranks, const std::vector<RankWord>& words);

/// Every rank calls it. Throws: on all ranks the Error with difference_in_words(), when there is one.
void require_same_words(Ranks& ranks, const std::vector<RankWord>& words);

/// Calls `work` and returns its result. Where ranks run another program or another command, which `label` names, all end as
/// after an exception. An exception ends all ranks with exit code 2, after the line
/// "<label>: rank 1 of 4: <error>" on stderr; of an error that many ranks have, the lowest prints it. With a single rank
/// the exception passes on.
int on_rank(Ranks& ranks, const std::string& label, const std::function<int()>& work);

}  // namespace bellman
