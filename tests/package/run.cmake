# Installs the build tree to a fresh prefix; builds an outside program and the examples against it, and runs them. Then
# installs without one built file after the other: the prefix must be complete, or there must be none.
# cmake -D BUILD_DIR=... -D PROJECT_DIR=... -D WORK_DIR=... -D GENERATOR=... -D CXX=... -P run.cmake
cmake_minimum_required(VERSION 3.25)

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "${ARGN} failed (${result}):\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

# build(SOURCE NAME): builds a project of its own in WORK_DIR/NAME, against the prefix.
function(build source name)
  run("${CMAKE_COMMAND}" -S "${source}" -B "${WORK_DIR}/${name}" -G "${GENERATOR}" -D CMAKE_BUILD_TYPE=Release
      -D "CMAKE_CXX_COMPILER=${CXX}" -D "CMAKE_CXX_FLAGS=-Wall -Wextra -Werror"
      -D "CMAKE_PREFIX_PATH=${WORK_DIR}/prefix")
  run("${CMAKE_COMMAND}" --build "${WORK_DIR}/${name}")
endfunction()

# run_example(NAME REGEX): what the example prints must match.
function(run_example name expected)
  run("${WORK_DIR}/examples/${name}")
  if(NOT output MATCHES "${expected}")
    message(FATAL_ERROR "The example ${name} printed:\n${output}which does not match ${expected}")
  endif()
endfunction()

file(REMOVE_RECURSE "${WORK_DIR}")
run("${CMAKE_COMMAND}" --install "${BUILD_DIR}" --prefix "${WORK_DIR}/prefix")

# Nothing but these folders: the Python module is a wheel's, also where this build has made it.
file(GLOB folders RELATIVE "${WORK_DIR}/prefix" "${WORK_DIR}/prefix/*")
if(NOT folders MATCHES "^bin;include;lib[^;]*$")
  message(FATAL_ERROR "The prefix holds ${folders}")
endif()

# Whatever an installed header includes of ours is beside it, under the project's name.
file(GLOB_RECURSE headers "${WORK_DIR}/prefix/include/*.h")
list(LENGTH headers count)
if(count LESS 100)
  message(FATAL_ERROR "Only these headers were installed: ${headers}")
endif()
foreach(header ${headers})
  file(STRINGS "${header}" includes REGEX "^ *# *include *\"")
  foreach(line ${includes})
    string(REGEX REPLACE ".*\"(.*)\".*" "\\1" name "${line}")
    if(NOT name MATCHES "^bellman/" OR NOT EXISTS "${WORK_DIR}/prefix/include/${name}")
      message(FATAL_ERROR "${header} has ${line}, which is not installed")
    endif()
  endforeach()
endforeach()

# Another installation over this one changes no header: users need not build again.
run("${CMAKE_COMMAND}" --install "${BUILD_DIR}" --prefix "${WORK_DIR}/prefix")
if(output MATCHES "Installing: [^\n]*[.]h\n")
  message(FATAL_ERROR "A second installation wrote headers again:\n${output}")
endif()

build("${PROJECT_DIR}/tests/package" build)
run("${WORK_DIR}/build/bellman_user")

build("${PROJECT_DIR}/examples" examples)
run_example(train_network "step   0  loss 0[.][67].*\nstep 500  loss 0[.]0.*accuracy 100[.]0 %\n$")
run_example(own_environment "^mean return 9[.]50 over 100 episodes; the optimum is 9[.]50\n$")
run_example(one_learn_step "\nb\\[1\\] - 0[.]1 dloss/db\\[1\\] +[0-9.]+ +formula +[0-9.]+\n$")

# README's C++ stands in an example, line by line and in this order.
file(READ "${PROJECT_DIR}/README.md" readme)
file(READ "${PROJECT_DIR}/examples/train_network.cpp" example)
if(NOT readme MATCHES "```cpp\n([^`]*)```")
  message(FATAL_ERROR "README.md shows no C++")
endif()
string(REPLACE ";" "\\;" snippet "${CMAKE_MATCH_1}")
string(REGEX REPLACE "\n *" ";" snippet "${snippet}")
foreach(line IN LISTS snippet)
  string(FIND "${example}" "${line}" place)
  if(place EQUAL -1)
    message(FATAL_ERROR "examples/train_network.cpp has not, or not in README's order: ${line}")
  endif()
  string(SUBSTRING "${example}" ${place} -1 example)
endforeach()

# A build tree that holds what is installed and nothing else: the rules of the real one, about files of its own.
set(tree "${WORK_DIR}/tree")
function(link_files)
  foreach(file ${ARGN})
    file(RELATIVE_PATH name "${BUILD_DIR}" "${file}")
    cmake_path(GET name PARENT_PATH folder)
    file(MAKE_DIRECTORY "${tree}/${folder}")
    file(CREATE_LINK "${file}" "${tree}/${name}" COPY_ON_ERROR)
  endforeach()
endfunction()
file(GLOB_RECURSE exports "${BUILD_DIR}/CMakeFiles/Export/*")
file(GLOB built "${BUILD_DIR}/core/libbellman_core.a" "${BUILD_DIR}/envs/libbellman_envs.a"
                "${BUILD_DIR}/rl/libbellman_rl.a" "${BUILD_DIR}/bin/bellman")
file(GLOB plugins "${BUILD_DIR}/lib/libbellman_cuda.so" "${BUILD_DIR}/lib/bellman_mpi_*.so")
file(GLOB configs "${BUILD_DIR}/bellmanConfig*.cmake")
link_files(${exports} ${built} ${plugins} ${configs})
file(GLOB_RECURSE scripts RELATIVE "${BUILD_DIR}" "${BUILD_DIR}/cmake_install.cmake")
list(FILTER scripts EXCLUDE REGEX "^tests/package/")  # what this script has built
foreach(script IN LISTS scripts)
  file(READ "${BUILD_DIR}/${script}" rules)
  string(REPLACE "${BUILD_DIR}" "${tree}" rules "${rules}")
  file(WRITE "${tree}/${script}" "${rules}")
endforeach()

# install_without(FILE): the rest of the tree is installed, or nothing is. Sets `installed`.
function(install_without file)
  file(RELATIVE_PATH name "${BUILD_DIR}" "${file}")
  file(RENAME "${tree}/${name}" "${tree}/${name}.away")
  set(prefix "${WORK_DIR}/without")
  execute_process(COMMAND "${CMAKE_COMMAND}" --install "${tree}" --prefix "${prefix}"
                  RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(result EQUAL 0)
    set(installed yes PARENT_SCOPE)
    file(GLOB_RECURSE there RELATIVE "${prefix}" "${prefix}/*")
    file(GLOB_RECURSE all RELATIVE "${WORK_DIR}/prefix" "${WORK_DIR}/prefix/*")
    get_filename_component(missing "${file}" NAME)
    list(FILTER all EXCLUDE REGEX "/${missing}$")
    if(NOT there STREQUAL all)
      message(FATAL_ERROR "Without ${name} this was installed: ${there}\ninstead of: ${all}")
    endif()
  else()
    set(installed no PARENT_SCOPE)
    if(EXISTS "${prefix}")
      message(FATAL_ERROR "Without ${name} half a prefix was left:\n${output}")
    endif()
    string(REGEX REPLACE "[ \n]+" " " line "${output}")  # CMake wraps long messages
    if(NOT line MATCHES "Nothing was installed: .*${name} is not built")
      message(FATAL_ERROR "Without ${name} the installation said:\n${output}")
    endif()
  endif()
  file(REMOVE_RECURSE "${prefix}")
  file(RENAME "${tree}/${name}.away" "${tree}/${name}")
endfunction()

list(LENGTH built count)
if(count LESS 3)
  message(FATAL_ERROR "Only these were found: ${built}")
endif()
foreach(file ${built})
  install_without("${file}")
  if(installed)
    message(FATAL_ERROR "The installation did without ${file}")
  endif()
endforeach()
foreach(file ${plugins})
  install_without("${file}")
  if(NOT installed)
    message(FATAL_ERROR "The installation needs ${file}")
  endif()
endforeach()
