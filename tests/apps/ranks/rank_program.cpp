// What tests start by mpirun. Its first argument says what the ranks do:
//   contract BYTES    the words of rl/ranks/ranks.h, and a line "rank 1 of 2: MPICH Version: ... holds"
//   late RANK         this rank comes to a collective late: 2.5 s later than the patience of the others
//   words KEY=VALUE   compare words: rank 1 has another value
//   fail RANK         this rank throws, the others wait for it; "all": each throws
//   status N          rank 0 ends with this exit code
#include <array>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "apps/base/process.h"
#include "apps/ranks/mpi_ranks.h"
#include "apps/ranks/rank_words.h"
#include "core/base/check.h"
#include "tests/support/ranks/ranks_contract.h"

namespace bellman::test {
namespace {

/// A collective that says nothing.
void meet(Ranks& ranks) {
  const auto count = static_cast<std::size_t>(ranks.size());
  std::vector<std::byte> all(count);
  ranks.all_gather(all, std::vector<std::size_t>(count, 1));
}

void be_late(Ranks& ranks, const std::string& late, double patience) {
  meet(ranks);
  if (std::to_string(ranks.rank()) == late)
    std::this_thread::sleep_for(std::chrono::duration<double>(patience + 2.5));
  meet(ranks);
  meet(ranks);
}

void compare(Ranks& ranks, const std::string& word) {
  std::vector<RankWord> words = program_words();
  words.push_back({"env_id", "CartPole-v1"});
  require_same_words(ranks, words);
  const std::size_t equals = word.find('=');
  words.push_back({word.substr(0, equals), ranks.rank() == 1 ? word.substr(equals + 1) : "the first\nof 2"});
  require_same_words(ranks, words);
}

int run(Ranks& ranks, const std::string& library, const std::string& what, const std::string& argument,
        double patience) {
  const std::string name = "rank " + std::to_string(ranks.rank()) + " of " + std::to_string(ranks.size());
  if (what == "contract") {
    check_ranks_contract(ranks, std::stoull(argument));
    std::cout << name + ": " + library + " holds\n" << std::flush;
  } else if (what == "late") {
    be_late(ranks, argument, patience);
  } else if (what == "words") {
    compare(ranks, argument);
  } else if (what == "fail") {
    if (argument == "all" || std::to_string(ranks.rank()) == argument) fail("the disk\nis full");
    meet(ranks);
    meet(ranks);
  } else if (what == "status") {
    return ranks.rank() == 0 ? std::stoi(argument) : 0;
  } else {
    fail("unknown word ", what);
  }
  return 0;
}

int start(const std::string& what, const std::string& argument) {
  constexpr double kPatience = 0.5;
  std::unique_ptr<MpiRanks> ranks = ranks_of_this_launch(kPatience);
  if (!ranks) {
    std::cout << "alone\n";
    return 0;
  }
  const int status = on_rank(*ranks, "rank_program",
                             [&] { return run(*ranks, ranks->mpi_name(), what, argument, kPatience); });
  return leave_ranks(std::move(ranks), status);
}

}  // namespace
}  // namespace bellman::test

int main(int argc, char** argv) {
  try {
    if (argc != 3) bellman::fail("two arguments are needed");
    return bellman::test::start(argv[1], argv[2]);
  } catch (const std::exception& error) {
    std::cerr << "rank_program: " + bellman::error_text(error) + "\n";
    return 2;
  }
}
