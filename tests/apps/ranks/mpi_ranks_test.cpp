// Ranks by MPI, with real mpirun of each library. rank_program.cpp is what it starts.
#include <algorithm>
#include <string>

#include <doctest/doctest.h>

#include "tests/apps/ranks/mpirun.h"
#include "tests/support/error_message.h"

namespace bellman::test {

namespace {

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

CommandResult ranks(const MpiLibrary& library, int count, const std::string& what,
                    const std::string& argument, const CommandOptions& options = {}) {
  return mpirun(library, count, BELLMAN_RANK_PROGRAM, {what, argument}, options);
}

}  // namespace

TEST_CASE("ranks by MPI keep the words of the interface") {
  for (const MpiLibrary& library : mpi_libraries())
    for (const int size : {1, 2, 3, 8}) {
      CAPTURE(library.name);
      CAPTURE(size);
      // Once more than 64 MiB.
      const CommandResult result = ranks(library, size, "contract", size == 2 ? "67108869" : "300001");
      CAPTURE(result.err);
      CHECK(result.exit_code == 0);
      CHECK(count(result.out, " holds\n") == static_cast<std::size_t>(size));
      CHECK(count(result.out, library.name == "mpich" ? "MPICH" : "Open MPI") ==
            static_cast<std::size_t>(size));
    }
}

TEST_CASE("a program that nobody started as a rank opens no MPI library") {
  const CommandResult result = run_program(BELLMAN_RANK_PROGRAM, {"contract", "1"});
  CHECK(result.out == "alone\n");
  CHECK(result.exit_code == 0);
}

TEST_CASE("one rank says which one is late, once, and when it goes on") {
  for (const MpiLibrary& library : mpi_libraries()) {
    const std::string late = library.name == "mpich" ? "0" : "2";
    CAPTURE(library.name);
    const CommandResult result = ranks(library, 3, "late", late);
    CAPTURE(result.err);
    CHECK(result.exit_code == 0);
    CHECK(count(result.err, " of 3 has waited 0.5 s for ") == 1);
    CHECK(count(result.err, " has waited 0.5 s for rank " + late + "\n") == 1);
    CHECK(count(result.err, " s of waiting for rank " + late + "\n") == 1);
  }
}

TEST_CASE("a rank that starts late is waited for, with a line") {
  for (const MpiLibrary& library : mpi_libraries()) {
    CAPTURE(library.name);
    const std::string program = BELLMAN_RANK_PROGRAM;
    const CommandResult result = mpirun(
        library, 2, "/bin/sh",
        {"-c", "[ \"$OMPI_COMM_WORLD_RANK$PMI_RANK\" = 0 ] || sleep 2; exec '" + program + "' contract 100"});
    CHECK(result.exit_code == 0);
    CHECK(count(result.err,
                "bellman: rank 0 of 2 has waited 0.5 s in MPI's start: not all ranks have started") == 1);
  }
}

TEST_CASE("ranks that do not have the same words are refused in one line") {
  for (const MpiLibrary& library : mpi_libraries()) {
    CAPTURE(library.name);
    const CommandResult result = ranks(library, 3, "words", "gamma=0.9");
    CAPTURE(result.err);
    CHECK(result.exit_code == 2);
    CHECK(count(result.err, "rank_program: ") == 1);
    CHECK(contains(result.err,
                   "rank_program: rank 0 of 3: gamma is 0.9 on rank 1, and the first\\x0aof 2 on rank 0: "
                   "all ranks must have the same\n"));
  }
}

TEST_CASE("a rank that throws ends all of them with its line and its exit code") {
  for (const MpiLibrary& library : mpi_libraries())
    for (const std::string failing : {"2", "all"}) {
      CAPTURE(library.name);
      CAPTURE(failing);
      const CommandResult result = ranks(library, 3, "fail", failing);
      CAPTURE(result.err);
      CHECK(result.exit_code == 2);
      CHECK(count(result.err, "rank_program: ") == 1);
      CHECK(contains(result.err, "rank_program: rank " + std::string(failing == "all" ? "0" : "2") +
                                     " of 3: the disk is full\n"));
    }
}

TEST_CASE("the exit code of rank 0 is mpirun's") {
  for (const MpiLibrary& library : mpi_libraries()) CHECK(ranks(library, 2, "status", "7").exit_code == 7);
}

TEST_CASE("ranks without their plugin are refused, or alone when that is what is asked for") {
  for (const MpiLibrary& library : mpi_libraries()) {
    CAPTURE(library.name);
    const auto with_plugin = [&](const std::string& plugin) {
      return ranks(library, 2, "contract", "1", {.environment = {{"BELLMAN_MPI_PLUGIN", plugin}}});
    };
    const CommandResult missing = with_plugin("/nowhere.so");
    CHECK(missing.exit_code == 2);
    CHECK(contains(missing.err, "rank_program: the MPI plugin cannot be opened: /nowhere.so"));
    const CommandResult alone = with_plugin("none");
    CHECK(alone.exit_code == 0);
    CHECK(alone.out == "alone\nalone\n");
  }
}

}  // namespace bellman::test
