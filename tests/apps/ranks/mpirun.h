// mpirun of the MPI libraries that CMake found.
#pragma once

#include <string>
#include <vector>

#include "tests/support/run_program.h"

namespace bellman::test {

struct MpiLibrary {
  std::string name;    // "openmpi"
  std::string mpirun;  // its path
};

/// None: there is no MPI here, or this is a build with sanitizers. The test then says that it is skipped.
const std::vector<MpiLibrary>& mpi_libraries();

/// `mpirun -n COUNT PROGRAM ARGUMENTS...`, of more ranks than processors and for root.
CommandResult mpirun(const MpiLibrary& library, int count, const std::string& program,
                     const std::vector<std::string>& arguments, const CommandOptions& options = {});

}  // namespace bellman::test
