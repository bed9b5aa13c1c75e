# How every target of this project is compiled.

# Options that all targets of this project share, and that users of the library do not inherit.
add_library(bellman_options INTERFACE)
target_compile_options(bellman_options INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wpedantic -Wconversion -Wno-sign-conversion>)
# Files that are compiled as one see each other's names, and may hide them.
target_compile_options(bellman_options INTERFACE
  $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<NOT:$<BOOL:$<TARGET_PROPERTY:UNITY_BUILD>>>>:-Wshadow>)
# gcc 12 sees overlapping copies in "text" + std::string() where there are none (gcc bug 105651).
target_compile_options(bellman_options INTERFACE
  $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-restrict>)
# Conditions on many numbers at a time are joined by | and &, which make no branches; loops of kernels that clang does not unroll
# are right all the same.
target_compile_options(bellman_options INTERFACE
  $<$<COMPILE_LANG_AND_ID:CXX,Clang>:-Wno-bitwise-instead-of-logical> $<$<COMPILE_LANG_AND_ID:CXX,Clang>:-Wno-pass-failed>)
# a*b+c is computed as it is written or fused as the compiler likes, the same way for the same binary: -ffast-math never.
if(BELLMAN_NATIVE)
  target_compile_options(bellman_options INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-march=native>)
endif()
if(BELLMAN_WERROR)
  target_compile_options(bellman_options INTERFACE -Werror)
endif()
if(BELLMAN_SANITIZE)
  target_compile_options(bellman_options INTERFACE -fsanitize=${BELLMAN_SANITIZE} -fno-sanitize-recover=all
                                                   -fno-omit-frame-pointer -g1)
  # A null pointer that is used, an access beside an object and one that an overflowing index leads to stop at the address
  # sanitizer, too. The kernels compile in half the time without these checks; the preset `undefined` has them.
  if(BELLMAN_SANITIZE MATCHES "address" AND BELLMAN_SANITIZE MATCHES "undefined")
    target_compile_options(bellman_options INTERFACE -fno-sanitize=null,object-size,pointer-overflow)
  endif()
  target_link_options(bellman_options INTERFACE -fsanitize=${BELLMAN_SANITIZE})
endif()
if(BELLMAN_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "BELLMAN_FUZZ needs clang (libFuzzer), this is ${CMAKE_CXX_COMPILER_ID}")
  endif()
  # Comparisons are not traced: the seeds hold the words of the formats, and tracing took a third of the time.
  target_compile_options(bellman_options INTERFACE -fsanitize=fuzzer-no-link,address,undefined
                                                   -fno-sanitize-coverage=trace-cmp
                                                   -fno-sanitize-recover=all -fno-omit-frame-pointer -g1)
  target_link_options(bellman_options INTERFACE -fsanitize=address,undefined)
endif()

# Random123's headers would include all of the compiler's intrinsics, a third of the input of many files. Philox needs
# none of them.
target_compile_definitions(bellman_options INTERFACE R123_USE_SSE=0)

# Headers that nearly every file includes are precompiled. Only the standard's and other libraries': ours change too often.
# A file still includes what it uses: the preset dev compiles without.
set(BELLMAN_PRECOMPILED_HEADERS <algorithm> <array> <cmath> <cstdint> <filesystem> <functional> <memory> <optional> <span>
                                <sstream> <string> <variant> <vector>)

# bellman_library(NAME): the static library bellman_NAME, alias bellman::NAME. Sources follow with target_sources.
function(bellman_library name)
  add_library(bellman_${name} STATIC)
  add_library(bellman::${name} ALIAS bellman_${name})
  set_target_properties(bellman_${name} PROPERTIES EXPORT_NAME ${name} POSITION_INDEPENDENT_CODE ON)
  target_link_libraries(bellman_${name} PRIVATE $<BUILD_INTERFACE:bellman_options>)
  target_include_directories(bellman_${name} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>
                                                    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_compile_features(bellman_${name} PUBLIC cxx_std_20)
  if(name STREQUAL "core")
    target_precompile_headers(bellman_core PRIVATE ${BELLMAN_PRECOMPILED_HEADERS})
  else()
    target_precompile_headers(bellman_${name} REUSE_FROM bellman_core)
  endif()
endfunction()

# bellman_compile_quickly(TARGET LEVEL [SANITIZED]): for code that is slow to compile and quick to run. With little optimisation
# it compiles in half the time. LEVEL is the release's; under sanitizers it is SANITIZED, or -O0.
function(bellman_compile_quickly target level)
  if(BELLMAN_SANITIZE)
    set(sanitized -O0 ${ARGN})
    list(POP_BACK sanitized level)
    target_compile_options(${target} PRIVATE ${level})
  else()
    target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:${level}>)
  endif()
endfunction()

# bellman_optimise_sanitized(TARGET): for a test whose own loops, or templates of the library in it, compute much. Under
# sanitizers at -O0 they take two to four times as long as at -O1, far longer than compiling them does.
function(bellman_optimise_sanitized target)
  if(BELLMAN_SANITIZE)
    target_compile_options(${target} PRIVATE -O1)
    set_target_properties(${target} PROPERTIES DISABLE_PRECOMPILE_HEADERS ON)  # those of the tests are of -O0
  endif()
endfunction()

# The code under test is optimised; the test itself need not be. -Og compiles in four fifths of the time of -O1, as
# quickly as -O0.
function(bellman_test_options target)
  target_link_libraries(${target} PRIVATE bellman_options)
  bellman_compile_quickly(${target} -Og)
endfunction()

# Ten files of the target are compiled as one: most of the time goes into reading headers. Not in the preset dev, which
# compiles each file by itself.
function(bellman_compile_together target)
  if(NOT CMAKE_DISABLE_PRECOMPILE_HEADERS)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 10)
  endif()
endfunction()

# bellman_test(NAME SOURCES...): a doctest program and its CTest test.
function(bellman_test name)
  add_executable(${name} ${ARGN})
  bellman_test_options(${name})
  target_link_libraries(${name} PRIVATE bellman_test_support)
  target_precompile_headers(${name} REUSE_FROM bellman_test_support)
  bellman_compile_together(${name})
  bellman_add_test(${name} ${name})
endfunction()

# bellman_add_test(NAME PROGRAM): the CTest test NAME runs the test program. No path of the checkout is compiled into it:
# tests/support/test_data.h.
function(bellman_add_test name program)
  add_test(NAME ${name} COMMAND ${program})
  set_tests_properties(${name} PROPERTIES
    ENVIRONMENT_MODIFICATION "BELLMAN_TEST_DATA=set:${PROJECT_SOURCE_DIR}/tests/data")
endfunction()

# bellman_needs_python(TEST): it runs after the test python_environment, and finds that Python in BELLMAN_TEST_PYTHON.
function(bellman_needs_python test)
  set_tests_properties(${test} PROPERTIES FIXTURES_REQUIRED python)
  set_property(TEST ${test} APPEND PROPERTY ENVIRONMENT_MODIFICATION
    "BELLMAN_TEST_PYTHON=set:${PROJECT_SOURCE_DIR}/build/python/venv/bin/python")
endfunction()
