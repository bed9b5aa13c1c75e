# The sources that are compiled twice: for the device (cuda/CMakeLists.txt) and for the SIMT executor (cuda/simt/).
set(BELLMAN_KERNELS
    adam.cu
    add.cu
    argmax.cu
    cuda_backend.cu
    dense.cu
    dueling.cu
    epsilon_greedy.cu
    fill.cu
    gather.cu
    global_norm.cu
    layer_norm.cu
    leaky_relu.cu
    learn_stats.cu
    polyak.cu
    prioritized.cu
    relu.cu
    rmsprop.cu
    sgd.cu
    sigmoid.cu
    softmax_cross_entropy.cu
    sum_tree.cu
    tanh.cu
    td_loss.cu
    td_target.cu
    transitions.cu)
list(TRANSFORM BELLMAN_KERNELS PREPEND "${CMAKE_CURRENT_LIST_DIR}/")
