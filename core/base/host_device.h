// Marks a function that is compiled for the host and, by a CUDA compiler, for the device too.
#pragma once

#if defined(__CUDACC__)
#define BELLMAN_HOST_DEVICE __host__ __device__
#else
#define BELLMAN_HOST_DEVICE
#endif
