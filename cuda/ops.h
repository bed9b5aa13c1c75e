// The launchers: one function an op, with the op's name and the shapes of core/backend.h, which says what
// each computes. They queue work on the stream and return. REQUIRES: the shapes were checked
// (core/op_shapes.h); the numbers lie in device memory, which is what 16-byte alignment of a block's start is
// taken from where stated.
//
// Fixed order: the same numbers, shapes and device model give the same bits, run after run.
#pragma once

#include "core/backend.h"
#include "core/replay_ops.h"
#include "cuda/runtime.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

using Out = Tensor;
using In = ConstTensor;

// fill.cu, add.cu
void fill(Stream& stream, Out x, float value);
void add(Stream& stream, Out y, In x);

// dense.cu
void dense_forward(Stream& stream, Out y, In x, In w, In b);
void dense_activation_forward(Stream& stream, Out z, Out y, In x, In w, In b, Activation activation);
void dense_backward(Stream& stream, Out dx, Out dw, Out db, In dy, In x, In w);

// conv2d.cu (direct), conv2d_implicit_gemm.cu
Index conv2d_scratch(const Shape& x, const Shape& w, const Window& window);
void conv2d_forward(Stream& stream, Out y, In x, In w, In b, const Window& window, Out scratch);
void conv2d_backward(Stream& stream, Out dx, Out dw, Out db, In dy, In x, In w, const Window& window,
                     Out scratch);

// max_pool2d.cu
void max_pool2d_forward(Stream& stream, Out y, In x, const Window& window);
void max_pool2d_backward(Stream& stream, Out dx, In dy, In x, const Window& window);

// relu.cu, leaky_relu.cu, tanh.cu, sigmoid.cu
void relu_forward(Stream& stream, Out y, In x);
void relu_backward(Stream& stream, Out dx, In dy, In y);
void leaky_relu_forward(Stream& stream, Out y, In x, float slope);
void leaky_relu_backward(Stream& stream, Out dx, In dy, In x, float slope);
void tanh_forward(Stream& stream, Out y, In x);
void tanh_backward(Stream& stream, Out dx, In dy, In y);
void sigmoid_forward(Stream& stream, Out y, In x);
void sigmoid_backward(Stream& stream, Out dx, In dy, In y);

// layer_norm.cu
void layer_norm_forward(Stream& stream, Out y, Out mean, Out rstd, In x, In gamma, In beta, float epsilon);
void layer_norm_backward(Stream& stream, Out dx, Out dgamma, Out dbeta, In dy, In x, In gamma, In mean,
                         In rstd);

// dueling.cu
void dueling_forward(Stream& stream, Out q, In v, In a);
void dueling_backward(Stream& stream, Out dv, Out da, In dq);

// argmax.cu, td_target.cu, td_loss.cu, softmax_cross_entropy.cu
void argmax(Stream& stream, IntTensor action, In q);
void td_target(Stream& stream, Out y, In q_target, In q_online, In reward, In discount, In terminated);
void td_loss(Stream& stream, Out dq, Out td_error, Out loss, In q, ConstIntTensor action, In y, In weight,
             LossKind kind, float delta);
void softmax_cross_entropy(Stream& stream, Out dlogits, Out loss, In logits, ConstIntTensor label);

// global_norm.cu, guard_step.cu, adam.cu, rmsprop.cu, sgd.cu, polyak.cu
void global_norm(Stream& stream, Out norm, In g);
void clip_by_global_norm(Stream& stream, Out g, In norm, float max_norm);
void guard_step(Stream& stream, IntTensor guard, In loss, In g, Holding holding);
void adam_step(Stream& stream, Out p, Out m, Out v, In g, float learning_rate, Index step,
               const AdamOptions& options, IntTensor guard);
void rmsprop_step(Stream& stream, Out p, Out square, Out mean, Out velocity, In g, float learning_rate,
                  const RmsPropOptions& options, IntTensor guard);
void sgd_step(Stream& stream, Out p, Out velocity, In g, float learning_rate, Index step,
              const SgdOptions& options, IntTensor guard);
void polyak_update(Stream& stream, Out target, In online, float tau);

// gather.cu, transitions.cu, sum_tree.cu, prioritized.cu, epsilon_greedy.cu, learn_stats.cu, report_step.cu:
// core/replay_ops.h
void gather(Stream& stream, Out x, In memory, ConstIntTensor slot);
void gather_bytes(Stream& stream, Out x, ConstByteTensor memory, ConstIntTensor slot);
void scatter(Stream& stream, Out memory, In x, ConstIntTensor slot);
void scatter_bytes(Stream& stream, ByteTensor memory, In x, ConstIntTensor slot);
void gather_transitions(Stream& stream, const TransitionTensors& batch, const TransitionTensors& memory,
                        ConstIntTensor slot);
void scatter_transitions(Stream& stream, const TransitionTensors& memory, const TransitionTensors& batch,
                         ConstIntTensor slot);
void sum_tree_set(Stream& stream, DoubleTensor nodes, ConstIntTensor leaf, ConstDoubleTensor weight);
void sum_tree_find(Stream& stream, IntTensor leaf, ConstDoubleTensor nodes, ConstDoubleTensor mass);
void prioritized_add(Stream& stream, DoubleTensor nodes, ConstDoubleTensor max_priority, ConstIntTensor slot,
                     ConstIntTensor added, double alpha);
void prioritized_sample(Stream& stream, IntTensor slot, Out weight, ConstDoubleTensor nodes,
                        const PrioritizedDraw& draw);
void prioritized_update(Stream& stream, DoubleTensor nodes, DoubleTensor max_priority, ConstIntTensor slot,
                        In td_error, const PriorityPower& power, ConstIntTensor guard);
void epsilon_greedy(Stream& stream, IntTensor action, In q, const EpsilonGreedy& options);
void add_learn_stats(Stream& stream, DoubleTensor sums, In loss, In norm, In y, In td_error,
                     ConstIntTensor guard);
void report_step(Stream& stream, DoubleTensor report, ConstIntTensor guard, const LearnStepName& step,
                 In loss, ConstIntTensor slot, In td_error, In reward);

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
