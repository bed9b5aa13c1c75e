# Installs the headers of `source` under `include_dir`/bellman, part of every installation (BellmanInstall.cmake). The
# tree writes #include "core/nn/network.h"; installed it reads #include "bellman/core/nn/network.h", so that a user's own
# core/nn/network.h and bellman's are two files. A header that has not changed keeps its time.
cmake_path(ABSOLUTE_PATH include_dir BASE_DIRECTORY "${CMAKE_INSTALL_PREFIX}" NORMALIZE)
file(GLOB_RECURSE headers RELATIVE "${source}" "${source}/core/*.h" "${source}/envs/*.h" "${source}/rl/*.h")
foreach(header IN LISTS headers)
  file(READ "${source}/${header}" text)
  string(REGEX REPLACE "#include \"(core|envs|rl)/" "#include \"bellman/\\1/" text "${text}")
  set(before "")
  if(EXISTS "$ENV{DESTDIR}${include_dir}/bellman/${header}")
    file(READ "$ENV{DESTDIR}${include_dir}/bellman/${header}" before)
  endif()
  if(NOT text STREQUAL before)
    message(STATUS "Installing: $ENV{DESTDIR}${include_dir}/bellman/${header}")
    file(WRITE "$ENV{DESTDIR}${include_dir}/bellman/${header}" "${text}")
  endif()
  list(APPEND CMAKE_INSTALL_MANIFEST_FILES "${include_dir}/bellman/${header}")
endforeach()
