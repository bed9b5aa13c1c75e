# Finds MPI libraries; sets BELLMAN_MPI_LIBRARIES to those there are, "openmpi" and "mpich". Without any everything else is
# still built. CMake's own FindMPI finds one of several.
set(BELLMAN_MPI AUTO CACHE STRING "Build the MPI plugins: AUTO (for each library found), ON, OFF")

set(BELLMAN_MPI_LIBRARIES "")
if(BELLMAN_MPI STREQUAL "OFF" OR NOT BELLMAN_APPS)
  return()
endif()
if(CMAKE_CROSSCOMPILING)
  message(STATUS "Cross-compiled: the MPI plugins are not built")  # pkg-config would find this machine's
  return()
endif()

find_package(PkgConfig QUIET)
if(PkgConfig_FOUND)
  pkg_check_modules(BELLMAN_MPI_openmpi QUIET IMPORTED_TARGET ompi-c)
  pkg_check_modules(BELLMAN_MPI_mpich QUIET IMPORTED_TARGET mpich)
endif()
foreach(library openmpi mpich)
  if(BELLMAN_MPI_${library}_FOUND)
    list(APPEND BELLMAN_MPI_LIBRARIES ${library})
    find_program(BELLMAN_MPIRUN_${library} NAMES mpirun.${library} mpirun)  # for the tests
  endif()
endforeach()
if(NOT BELLMAN_MPI_LIBRARIES)
  if(BELLMAN_MPI STREQUAL "ON")
    message(FATAL_ERROR "BELLMAN_MPI is ON and pkg-config finds neither ompi-c (libopenmpi-dev) nor mpich (libmpich-dev)")
  endif()
  message(STATUS "No MPI: the MPI plugins are not built")
else()
  message(STATUS "MPI plugins: ${BELLMAN_MPI_LIBRARIES}")
endif()
