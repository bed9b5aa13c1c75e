#include "tests/apps/ranks/mpirun.h"

#include <doctest/doctest.h>

namespace bellman::test {

const std::vector<MpiLibrary>& mpi_libraries() {
  static const std::vector<MpiLibrary> libraries = {
#if defined(BELLMAN_MPIRUN_openmpi)
    {"openmpi", BELLMAN_MPIRUN_openmpi},
#endif
#if defined(BELLMAN_MPIRUN_mpich)
    {"mpich", BELLMAN_MPIRUN_mpich},
#endif
  };
  if (libraries.empty()) MESSAGE("SKIPPED: no MPI library here, or a build with sanitizers");
  return libraries;
}

CommandResult mpirun(const MpiLibrary& library, int count, const std::string& program,
                     const std::vector<std::string>& arguments, const CommandOptions& options) {
  std::vector<std::string> all;
  if (library.name == "openmpi") all = {"--oversubscribe", "--allow-run-as-root"};
  all.insert(all.end(), {"-n", std::to_string(count), program});
  all.insert(all.end(), arguments.begin(), arguments.end());
  return run_program(library.mpirun, all, options);
}

}  // namespace bellman::test
