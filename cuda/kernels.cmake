# The sources that are compiled twice: for the device (cuda/CMakeLists.txt) and for the SIMT executor (cuda/simt/).
set(BELLMAN_KERNELS
    ops/activations.cu
    ops/arena_ops.cu
    ops/conv2d.cu
    ops/conv2d_implicit_gemm.cu
    backend/cuda_backend.cu
    ops/dense.cu
    fused/dqn.cu
    fused/dqn_layout.cu
    ops/layer_norm.cu
    ops/learn_report.cu
    ops/max_pool2d.cu
    ops/optimizers.cu
    ops/prioritized_replay.cu
    ops/q_learning.cu
    ops/rank_mean.cu
    ops/replay_rows.cu
    agent_kernel/agent_kernel.cu
    agent_kernel/agent_state.cu
    agent_kernel/device_agents.cu
    ops/softmax_cross_entropy.cu)
list(TRANSFORM BELLMAN_KERNELS PREPEND "${CMAKE_CURRENT_LIST_DIR}/")
