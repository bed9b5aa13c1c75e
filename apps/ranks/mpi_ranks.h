// The ranks that mpirun or srun started, by MPI.
#pragma once

#include <memory>
#include <string>

#include "rl/ranks/ranks.h"

namespace bellman {

/// Ranks whose library can say what it is.
class MpiRanks : public Ranks {
 public:
  /// "Open MPI v4.1.4, ...".
  virtual std::string mpi_name() const = 0;
};

/// Null when this process was started alone: then no MPI library is opened. Waits for all ranks. When they keep this one
/// waiting for `patience` seconds, here or later in a collective, a line on stderr names the ranks that are late; one rank
/// prints it. BELLMAN_MPI_PLUGIN names another plugin; "none": this process is alone whatever started it.
/// Throws: Error in one line when a plugin is needed and missing, or does not fit.
/// REQUIRES: called once in a process.
std::unique_ptr<MpiRanks> ranks_of_this_launch(double patience = 10);

/// Waits for all ranks, and ends MPI; returns `status`. MPI_Finalize of MPICH 4.0 may never return when messages went over
/// UCX's TCP: after five seconds the process then ends without it, with this status. What the caller has to write is written.
int leave_ranks(std::unique_ptr<MpiRanks> ranks, int status);

}  // namespace bellman
