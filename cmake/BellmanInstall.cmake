# `cmake --install`: headers under include/bellman, static libraries, the command, and find_package(bellman).
include(CMakePackageConfigHelpers)

install(TARGETS bellman_core bellman_envs bellman_rl EXPORT bellmanTargets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
foreach(folder core envs rl)
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/${folder}" DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/bellman
          FILES_MATCHING PATTERN "*.h")
endforeach()
if(TARGET bellman)
  install(TARGETS bellman RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/bellman)
install(EXPORT bellmanTargets NAMESPACE bellman:: DESTINATION ${package_dir})
configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/bellmanConfig.cmake.in"
                              "${PROJECT_BINARY_DIR}/bellmanConfig.cmake" INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file("${PROJECT_BINARY_DIR}/bellmanConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/bellmanConfig.cmake" "${PROJECT_BINARY_DIR}/bellmanConfigVersion.cmake"
        DESTINATION ${package_dir})
