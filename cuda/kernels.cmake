# The sources that are compiled twice: for the device (cuda/CMakeLists.txt) and for the SIMT executor (cuda/simt/).
set(BELLMAN_KERNELS
    acting_and_telling.cu
    activations.cu
    arena_ops.cu
    conv2d.cu
    conv2d_implicit_gemm.cu
    cuda_backend.cu
    dense.cu
    fused/dqn.cu
    fused/dqn_layout.cu
    layer_norm.cu
    max_pool2d.cu
    optimizers.cu
    prioritized_replay.cu
    q_learning.cu
    replay_rows.cu
    resident/agent_kernel.cu
    resident/agent_state.cu
    resident/check_state.cu
    resident/device_agents.cu
    resident/population.cu
    resident/read_agents.cu
    softmax_cross_entropy.cu)
list(TRANSFORM BELLMAN_KERNELS PREPEND "${CMAKE_CURRENT_LIST_DIR}/")
