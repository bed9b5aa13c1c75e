// Which environment variables make a process a rank.
#include "apps/ranks/launch.h"

#include <map>
#include <string>

#include <doctest/doctest.h>

#include "tests/support/error_message.h"

namespace bellman::test {

namespace {

Launch launch(const std::map<std::string, std::string>& variables) {
  return launch_of([&](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

}  // namespace

TEST_CASE("a process is a rank of what started it") {
  CHECK(launch({}).is_alone());
  CHECK(launch({{"HOME", "/root"}, {"SLURM_JOB_ID", "3"}, {"SLURM_NTASKS", "8"}, {"SLURM_PROCID", "0"}})
            .is_alone());

  struct Case {
    std::map<std::string, std::string> variables;
    std::string plugin;
    int rank, size;
  };
  const std::vector<Case> cases = {
      // mpirun of Open MPI, and of MPICH
      {{{"OMPI_COMM_WORLD_RANK", "1"}, {"OMPI_COMM_WORLD_SIZE", "4"}, {"PMIX_RANK", "1"}}, "openmpi", 1, 4},
      {{{"PMI_RANK", "2"}, {"PMI_SIZE", "3"}, {"PMI_FD", "6"}}, "mpich", 2, 3},
      {{{"PMI_RANK", "2"}, {"PMI_SIZE", "3"}, {"PMI_PORT", "host:1"}}, "mpich", 2, 3},
      // srun --mpi=pmi2, --mpi=pmix and --mpi=none
      {{{"PMI_RANK", "1"}, {"PMI_SIZE", "2"}, {"PMI_FD", "9"}, {"SLURM_STEP_NUM_TASKS", "2"}}, "mpich", 1, 2},
      {{{"PMIX_RANK", "1"}, {"SLURM_PROCID", "1"}, {"SLURM_STEP_NUM_TASKS", "2"}}, "openmpi", 1, 2},
      {{{"SLURM_PROCID", "1"}, {"SLURM_STEP_NUM_TASKS", "2"}}, "", 1, 2},
      // one rank
      {{{"OMPI_COMM_WORLD_RANK", "0"}, {"OMPI_COMM_WORLD_SIZE", "1"}}, "openmpi", 0, 1},
  };
  for (const Case& c : cases) {
    const Launch found = launch(c.variables);
    CHECK_FALSE(found.is_alone());
    CHECK(found.plugin == c.plugin);
    CHECK(found.rank == c.rank);
    CHECK(found.size == c.size);
  }
  // One task of srun without MPI trains by itself.
  CHECK(launch({{"SLURM_PROCID", "0"}, {"SLURM_STEP_NUM_TASKS", "1"}}).is_alone());
}

TEST_CASE("a variable that is no number is named") {
  CHECK(contains(error_message([] { launch({{"PMI_RANK", "x"}, {"PMI_FD", "6"}}); }), "PMI_RANK"));
}

}  // namespace bellman::test
