# The sources that are compiled twice: for the device (cuda/CMakeLists.txt) and for the SIMT executor (cuda/simt/).
set(BELLMAN_KERNELS
    add.cu
    cuda_backend.cu
    dense.cu)
list(TRANSFORM BELLMAN_KERNELS PREPEND "${CMAKE_CURRENT_LIST_DIR}/")
