# Finds nvcc and enables CUDA as a language; sets BELLMAN_HAVE_CUDA. Without nvcc everything else is still built.
set(BELLMAN_CUDA AUTO CACHE STRING "Build the GPU plugin: AUTO (where nvcc is found), ON, OFF")
set(BELLMAN_CUDA_ARCHITECTURES "80-real;90-real;90-virtual" CACHE STRING
    "What the GPU plugin is compiled for: sm_80 and sm_90, and PTX that newer GPUs translate for themselves")

set(BELLMAN_HAVE_CUDA OFF)
if(BELLMAN_CUDA STREQUAL "OFF")
  return()
endif()

# check_language() sees nvcc on PATH or in CUDACXX only.
if(NOT DEFINED ENV{CUDACXX})
  find_program(BELLMAN_NVCC nvcc HINTS ENV CUDA_HOME ENV CUDA_PATH PATHS /usr/local/cuda PATH_SUFFIXES bin)
  if(BELLMAN_NVCC)
    set(ENV{CUDACXX} "${BELLMAN_NVCC}")
  endif()
endif()
set(CMAKE_CUDA_ARCHITECTURES "${BELLMAN_CUDA_ARCHITECTURES}")  # before the language: "native" fails without a GPU
include(CheckLanguage)
check_language(CUDA)
if(NOT CMAKE_CUDA_COMPILER)
  if(BELLMAN_CUDA STREQUAL "ON")
    message(FATAL_ERROR "BELLMAN_CUDA is ON and there is no nvcc: put it on PATH or name it in CUDACXX")
  endif()
  message(STATUS "No nvcc: the GPU plugin is not built")
  return()
endif()

enable_language(CUDA)
if(CMAKE_VERSION VERSION_LESS 3.25.2)  # which is the first to know how nvcc spells C++20
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
  set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
endif()
set(CMAKE_CUDA_STANDARD 20)
set(CMAKE_CUDA_STANDARD_REQUIRED ON)
set(CMAKE_CUDA_EXTENSIONS OFF)
if(CMAKE_CUDA_COMPILER_VERSION VERSION_LESS 12.4)
  if(BELLMAN_CUDA STREQUAL "ON")
    message(FATAL_ERROR "BELLMAN_CUDA is ON and nvcc is ${CMAKE_CUDA_COMPILER_VERSION}: 12.4 or newer is needed")
  endif()
  message(STATUS "nvcc is ${CMAKE_CUDA_COMPILER_VERSION}, older than 12.4: the GPU plugin is not built")
  return()
endif()
set(BELLMAN_HAVE_CUDA ON)
