# `cmake --install`: headers as <bellman/...>, static libraries, the command, its plugins where they are built, and
# find_package(bellman). All rules are here, in the order in which they run.
include(CMakePackageConfigHelpers)

# A missing file would end the installation half-way, so all are checked before the first is copied.
set(installed bellman_core bellman_envs bellman_rl)
if(TARGET bellman)
  list(APPEND installed bellman)
endif()
list(TRANSFORM installed REPLACE "(.+)" "$<TARGET_FILE:\\1>" OUTPUT_VARIABLE installed_files)
install(CODE "
  set(files \"${installed_files}\")
  foreach(file IN LISTS files)
    if(NOT EXISTS \"\${file}\")
      message(FATAL_ERROR \"Nothing was installed: \${file} is not built. Build first: cmake --build '${PROJECT_BINARY_DIR}'\")
    endif()
  endforeach()")

install(TARGETS bellman_core bellman_envs bellman_rl EXPORT bellmanTargets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(TARGET bellman)
  install(TARGETS bellman RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(CODE "
  set(source \"${PROJECT_SOURCE_DIR}\")
  set(include_dir \"${CMAKE_INSTALL_INCLUDEDIR}\")")
install(SCRIPT "${PROJECT_SOURCE_DIR}/cmake/install_headers.cmake")
if(TARGET bellman_cuda_plugin)  # scripts/train.sh builds it only where there is a GPU
  install(TARGETS bellman_cuda_plugin LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} OPTIONAL)
endif()
foreach(library ${BELLMAN_MPI_LIBRARIES})
  install(TARGETS bellman_mpi_${library} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} OPTIONAL)
endforeach()

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/bellman)
install(EXPORT bellmanTargets NAMESPACE bellman:: DESTINATION ${package_dir})
configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/bellmanConfig.cmake.in"
                              "${PROJECT_BINARY_DIR}/bellmanConfig.cmake" INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file("${PROJECT_BINARY_DIR}/bellmanConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/bellmanConfig.cmake" "${PROJECT_BINARY_DIR}/bellmanConfigVersion.cmake"
        DESTINATION ${package_dir})
