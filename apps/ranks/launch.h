// Who started this process: mpirun, srun, or a user at a prompt.
#pragma once

#include <functional>
#include <string>

namespace bellman {

/// What started the process as one of several, by the environment variables that it leaves.
struct Launch {
  std::string
      plugin;  // the MPI library to use, "openmpi" or "mpich"; empty: started alone, or by tasks without MPI
  std::string evidence;    // the variable that says so: "PMI_FD"; empty: started alone
  int rank = 0, size = 1;  // as far as the environment tells before MPI starts

  bool is_alone() const { return evidence.empty(); }
};

using Environment = std::function<const char*(const char* name)>;

/// Throws: Error for numbers that are none.
Launch launch_of(const Environment& environment);
/// This process's.
Launch launch_of_this_process();

/// Before an error is printed that other ranks may have, too: gives lower ranks the time to print it and, by their exit
/// code, to end this one. No time where this process is alone. (Before MPI has started, MPICH's mpirun ends none for that.)
void let_lower_ranks_speak() noexcept;

}  // namespace bellman
