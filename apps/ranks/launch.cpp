#include "apps/ranks/launch.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <initializer_list>
#include <iterator>
#include <thread>

#include "apps/base/numbers.h"
#include "core/base/check.h"

namespace bellman {
namespace {

constexpr Index kMostRanks = 1'000'000;

/// The first of the variables that is set; the default when none is.
int number_of(const Environment& environment, std::initializer_list<const char*> names, int otherwise) {
  for (const char* const name : names)
    if (const char* const value = environment(name))
      return static_cast<int>(parse_integer(name, value, 0, kMostRanks));
  return otherwise;
}

}  // namespace

Launch launch_of(const Environment& environment) {
  struct Sign {
    const char *variable, *plugin;
  };
  // mpirun of Open MPI also sets PMIX_RANK, and so does Slurm's `srun --mpi=pmix`, which Debian's MPICH does not speak.
  // Hydra, MPICH's mpirun, and `srun --mpi=pmi2` leave a descriptor or a port of their process manager.
  constexpr Sign kSigns[] = {{"OMPI_COMM_WORLD_SIZE", "openmpi"},
                             {"PMI_FD", "mpich"},
                             {"PMI_PORT", "mpich"},
                             {"PMIX_RANK", "openmpi"}};
  Launch launch;
  const auto* const sign = std::find_if(std::begin(kSigns), std::end(kSigns),
                                        [&](const Sign& s) { return environment(s.variable) != nullptr; });
  launch.rank = number_of(environment, {"OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK", "SLURM_PROCID"}, 0);
  launch.size = number_of(environment, {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"}, 1);
  if (sign != std::end(kSigns)) {
    launch.plugin = sign->plugin;
    launch.evidence = sign->variable;
  } else if (environment("SLURM_STEP_NUM_TASKS") && launch.size > 1) {
    launch.evidence = "SLURM_STEP_NUM_TASKS";  // srun without MPI
  } else {
    launch.rank = 0;
    launch.size = 1;
  }
  return launch;
}

Launch launch_of_this_process() {
  return launch_of([](const char* name) { return std::getenv(name); });
}

void let_lower_ranks_speak() noexcept {
  constexpr int kMost = 5;
  try {
    std::this_thread::sleep_for(std::chrono::milliseconds(400) *
                                std::min(launch_of_this_process().rank, kMost));
  } catch (const Error&) {  // a variable that is no number: then it is the error
  }
}

}  // namespace bellman
