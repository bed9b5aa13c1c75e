#include "core/ops/backend_ops.h"

#include "core/ops/op_check.h"
#include "core/ops/op_options.h"

namespace bellman {
namespace {

/// x(B,I) and w(O,I) fit together.
void check_dense_inputs(const OpCheck& check, const Operand& x, const Operand& w) {
  check.rank("x", x, 2, "(B,I)");
  check.rank("w", w, 2, "(O,I)");
  if (x.shape()[1] != w.shape()[1])
    check.wrong("x ", x.shape(), " has ", x.shape()[1], " columns but w ", w.shape(), " expects ",
                w.shape()[1]);
}

Shape conv2d_output(const OpCheck& check, const Shape& x, const Shape& w, const Window& window) {
  if (x.rank() != 4) check.wrong("x has shape ", x, " but (B,C,H,W) is expected: 4 dimensions");
  if (w.rank() != 4) check.wrong("w has shape ", w, " but (O,C,KH,KW) is expected: 4 dimensions");
  if (x[1] != w[1]) check.wrong("x ", x, " has ", x[1], " channels but w ", w, " expects ", w[1]);
  check.window(window, "x", x);
  if (w[2] != window.kernel_h || w[3] != window.kernel_w)
    check.wrong("w ", w, " has a kernel of ", w[2], "x", w[3], " but the window's is ", window.kernel_h, "x",
                window.kernel_w);
  return {x[0], w[0], window.output_h(x[2]), window.output_w(x[3])};
}

Shape max_pool2d_output(const OpCheck& check, const Shape& x, const Window& window) {
  if (x.rank() != 4) check.wrong("x has shape ", x, " but (B,C,H,W) is expected: 4 dimensions");
  check.window(window, "x", x);
  if (window.padding_h >= window.kernel_h || window.padding_w >= window.kernel_w)
    check.wrong("the padding ", window.padding_h, "x", window.padding_w, " must be smaller than the kernel ",
                window.kernel_h, "x", window.kernel_w, ": a window of padding alone has no maximum");
  return {x[0], x[1], window.output_h(x[2]), window.output_w(x[3])};
}

}  // namespace

void check_fill(const Operand& x) { OpCheck("fill").given("x", x); }
void check_add(const Operand& y, const Operand& x) {
  const OpCheck check("add");
  check.given("x", x);
  check.same("y", y, "x", x);
}

// ---- dense

void check_dense_forward(const Operand& y, const Operand& x, const Operand& w, const Operand& b) {
  const OpCheck check("dense_forward");
  check_dense_inputs(check, x, w);
  check.shape("b", b, {w.shape()[0]}, "w ", w.shape());
  check.shape("y", y, {x.shape()[0], w.shape()[0]}, "x ", x.shape(), " and w ", w.shape());
}

void check_dense_backward(const Operand& dx, const Operand& dw, const Operand& db, const Operand& dy,
                          const Operand& x, const Operand& w) {
  const OpCheck check("dense_backward");
  check_dense_inputs(check, x, w);
  check.shape("dy", dy, {x.shape()[0], w.shape()[0]}, "x ", x.shape(), " and w ", w.shape());
  check.same("dw", dw, "w", w);
  check.shape("db", db, {w.shape()[0]}, "w ", w.shape());
  if (dx) check.same("dx", dx, "x", x);
}

// ---- images

Shape checked_conv2d_output(const char* op, const Shape& x, const Shape& w, const Window& window) {
  return conv2d_output(OpCheck(op), x, w, window);
}

Shape checked_max_pool2d_output(const char* op, const Shape& x, const Window& window) {
  return max_pool2d_output(OpCheck(op), x, window);
}

void check_conv2d_forward(const Operand& y, const Operand& x, const Operand& w, const Operand& b,
                          const Window& window) {
  const OpCheck check("conv2d_forward");
  check.given("x", x);
  check.given("w", w);
  const Shape expected = conv2d_output(check, x.shape(), w.shape(), window);
  check.shape("b", b, {w.shape()[0]}, "w ", w.shape());
  check.shape("y", y, expected, "x ", x.shape(), " and w ", w.shape());
}

void check_conv2d_backward(const Operand& dx, const Operand& dw, const Operand& db, const Operand& dy,
                           const Operand& x, const Operand& w, const Window& window) {
  const OpCheck check("conv2d_backward");
  check.given("x", x);
  check.given("w", w);
  const Shape expected = conv2d_output(check, x.shape(), w.shape(), window);
  check.shape("dy", dy, expected, "x ", x.shape(), " and w ", w.shape());
  check.same("dw", dw, "w", w);
  check.shape("db", db, {w.shape()[0]}, "w ", w.shape());
  if (dx) check.same("dx", dx, "x", x);
}

void check_scratch(const char* op, const Operand& scratch, Index elements) {
  const Index there = scratch ? scratch.shape().elements() : 0;
  if (there < elements) OpCheck(op).wrong("scratch has ", there, " elements but ", elements, " are needed");
}

void check_max_pool2d_forward(const Operand& y, const Operand& x, const Window& window) {
  const OpCheck check("max_pool2d_forward");
  check.given("x", x);
  check.shape("y", y, max_pool2d_output(check, x.shape(), window), "x ", x.shape(), " and the window");
}

void check_max_pool2d_backward(const Operand& dx, const Operand& dy, const Operand& x, const Window& window) {
  const OpCheck check("max_pool2d_backward");
  check.given("x", x);
  check.shape("dy", dy, max_pool2d_output(check, x.shape(), window), "x ", x.shape(), " and the window");
  check.same("dx", dx, "x", x);
}

// ---- activations

void check_activation_forward(const Operand& y, const Operand& x, Activation f) {
  if (f.kind == Activation::kNone) OpCheck("activation_forward").wrong("there is no function to apply");
  const ActivationInfo& info = info_of(f.kind);
  const OpCheck check(info.name, "_forward");
  check.given("x", x);
  check.same("y", y, "x", x);
  if (info.parameter) check.finite(info.parameter, f.parameter);
}

void check_activation_backward(const Operand& dx, const Operand& dy, const Operand& kept, Activation f) {
  if (f.kind == Activation::kNone) OpCheck("activation_backward").wrong("there is no function to apply");
  const ActivationInfo& info = info_of(f.kind);
  const OpCheck check(info.name, "_backward");
  const char* const kept_name = info.keeps_output ? "y" : "x";
  check.given(kept_name, kept);
  check.same("dy", dy, kept_name, kept);
  check.same("dx", dx, kept_name, kept);
  if (info.parameter) check.finite(info.parameter, f.parameter);
}

// ---- normalisation

void check_layer_norm_forward(const Operand& y, const Operand& mean, const Operand& rstd, const Operand& x,
                              const Operand& gamma, const Operand& beta, double epsilon) {
  const OpCheck check("layer_norm_forward");
  check.rank("x", x, 2, "(B,I)");
  if (x.shape()[1] == 0) check.wrong("x has shape ", x.shape(), " but a row needs a number to have a mean");
  check.shape("gamma", gamma, {x.shape()[1]}, "x ", x.shape());
  check.shape("beta", beta, {x.shape()[1]}, "x ", x.shape());
  check.same("y", y, "x", x);
  check.shape("mean", mean, {x.shape()[0]}, "x ", x.shape());
  check.shape("rstd", rstd, {x.shape()[0]}, "x ", x.shape());
  // A row of equal numbers has no variance: rstd is 1 / sqrt(epsilon).
  check.denominator_epsilon(epsilon);
}

void check_layer_norm_backward(const Operand& dx, const Operand& dgamma, const Operand& dbeta,
                               const Operand& dy, const Operand& x, const Operand& gamma, const Operand& mean,
                               const Operand& rstd) {
  const OpCheck check("layer_norm_backward");
  check.rank("x", x, 2, "(B,I)");
  if (x.shape()[1] == 0) check.wrong("x has shape ", x.shape(), " but a row needs a number to have a mean");
  check.shape("gamma", gamma, {x.shape()[1]}, "x ", x.shape());
  check.shape("mean", mean, {x.shape()[0]}, "x ", x.shape());
  check.shape("rstd", rstd, {x.shape()[0]}, "x ", x.shape());
  check.same("dy", dy, "x", x);
  check.same("dgamma", dgamma, "gamma", gamma);
  check.same("dbeta", dbeta, "gamma", gamma);
  if (dx) check.same("dx", dx, "x", x);
}

// ---- dueling

void check_dueling_forward(const Operand& q, const Operand& v, const Operand& a) {
  const OpCheck check("dueling_forward");
  check.rank("a", a, 2, "(B,A)");
  if (a.shape()[1] == 0) check.wrong("a has shape ", a.shape(), " but a mean needs at least one action");
  check.shape("v", v, {a.shape()[0], 1}, "a ", a.shape());
  check.same("q", q, "a", a);
}

void check_dueling_backward(const Operand& dv, const Operand& da, const Operand& dq) {
  const OpCheck check("dueling_backward");
  check.rank("dq", dq, 2, "(B,A)");
  if (dq.shape()[1] == 0) check.wrong("dq has shape ", dq.shape(), " but a mean needs at least one action");
  check.shape("dv", dv, {dq.shape()[0], 1}, "dq ", dq.shape());
  check.same("da", da, "dq", dq);
}

// ---- Q-learning

void check_argmax(const Operand& action, const Operand& q) {
  const OpCheck check("argmax");
  check.rank("q", q, 2, "(B,A)");
  if (q.shape()[1] == 0) check.wrong("q has shape ", q.shape(), " but there must be at least one action");
  check.shape("action", action, {q.shape()[0]}, "q ", q.shape());
}

template <class T>
void check_td_target(const Operand& y, const TdTargetInputs<T>& in) {
  const OpCheck check("td_target");
  check.rank("q_target", in.q_target, 2, "(B,A)");
  const Shape& q = in.q_target.shape();
  if (q[1] == 0) check.wrong("q_target has shape ", q, " but there must be at least one action");
  if (in.q_online) check.same("q_online", in.q_online, "q_target", in.q_target);
  const Shape batch = {q[0]};
  check.shape("reward", in.reward, batch, "q_target ", q);
  check.shape("discount", in.discount, batch, "q_target ", q);
  check.shape("terminated", in.terminated, batch, "q_target ", q);
  check.shape("y", y, batch, "q_target ", q);
  if (!in.q_now) return;
  if (in.q_online) check.wrong("q_online is given, but Munchausen's targets have no action to choose");
  check.same("q_now", in.q_now, "q_target", in.q_target);
  check.shape("action", in.action, batch, "q_target ", q);
  check.finite("alpha", in.alpha);
  check.positive("temperature", in.temperature);
  if (!(in.clip <= 0)) check.wrong("clip is ", in.clip, " but must be at most 0");
}
template void check_td_target(const Operand& y, const TdTargetInputs<float>& in);
template void check_td_target(const Operand& y, const TdTargetInputs<double>& in);

void check_td_loss(const Operand& dq, const Operand& td_error, const Operand& loss, const Operand& q,
                   const Operand& action, const Operand& y, const Operand& weight, LossKind kind,
                   double delta) {
  const OpCheck check("td_loss");
  check.rank("q", q, 2, "(B,A)");
  check.not_empty("q", q);
  const Shape batch = {q.shape()[0]};
  check.shape("action", action, batch, "q ", q.shape());
  check.shape("y", y, batch, "q ", q.shape());
  check.shape("weight", weight, batch, "q ", q.shape());
  check.same("dq", dq, "q", q);
  check.shape("td_error", td_error, batch, "q ", q.shape());
  check.scalar("loss", loss);
  if (kind == LossKind::kHuber) check.positive("delta", delta);
}

void check_softmax_cross_entropy(const Operand& dlogits, const Operand& loss, const Operand& logits,
                                 const Operand& label) {
  const OpCheck check("softmax_cross_entropy");
  check.rank("logits", logits, 2, "(B,O)");
  check.not_empty("logits", logits);
  check.shape("label", label, {logits.shape()[0]}, "logits ", logits.shape());
  check.same("dlogits", dlogits, "logits", logits);
  check.scalar("loss", loss);
}

// ---- the flat arena

void check_global_norm(const Operand& norm, const Operand& g) {
  const OpCheck check("global_norm");
  check.given("g", g);
  check.scalar("norm", norm);
}

void check_clip_by_global_norm(const Operand& g, const Operand& norm, double max_norm) {
  const OpCheck check("clip_by_global_norm");
  check.given("g", g);
  check.scalar("norm", norm);
  check.positive("max_norm", max_norm);
}

void check_guard_step(const Operand& guard, const Operand& loss, const Operand& g) {
  const OpCheck check("guard_step");
  check.shape("guard", guard, {kGuardWords}, "its words");
  check.scalar("loss", loss);
  check.given("g", g);
}

void check_adam_step(const Operand& p, const Operand& m, const Operand& v, const Operand& g,
                     double learning_rate, Index step, const AdamOptions& options, const Operand& guard) {
  const OpCheck check("adam_step");
  if (guard) check.shape("guard", guard, {kGuardWords}, "its words");
  check.given("p", p);
  check.same("m", m, "p", p);
  check.same("v", v, "p", p);
  check.same("g", g, "p", p);
  check.not_negative("learning_rate", learning_rate);
  check.step_number(step);
  check.decay_rate("beta1", options.beta1);
  check.decay_rate("beta2", options.beta2);
  check.denominator_epsilon(options.epsilon);
  check.not_negative("weight_decay", options.weight_decay);
}

void check_rmsprop_step(const Operand& p, const Operand& square, const Operand& mean, const Operand& velocity,
                        const Operand& g, double learning_rate, const RmsPropOptions& options,
                        const Operand& guard) {
  const OpCheck check("rmsprop_step");
  if (guard) check.shape("guard", guard, {kGuardWords}, "its words");
  check.given("p", p);
  check.same("square", square, "p", p);
  check.optional("mean", mean, p, options.centered, "centered");
  check.optional("velocity", velocity, p, options.momentum != 0.0, "momentum");
  check.same("g", g, "p", p);
  check.not_negative("learning_rate", learning_rate);
  check.decay_rate("alpha", options.alpha);
  check.denominator_epsilon(options.epsilon);
  check.not_negative("momentum", options.momentum);
  check.not_negative("weight_decay", options.weight_decay);
}

void check_sgd_step(const Operand& p, const Operand& velocity, const Operand& g, double learning_rate,
                    Index step, const SgdOptions& options, const Operand& guard) {
  const OpCheck check("sgd_step");
  if (guard) check.shape("guard", guard, {kGuardWords}, "its words");
  check.given("p", p);
  check.optional("velocity", velocity, p, options.momentum != 0.0, "momentum");
  check.same("g", g, "p", p);
  check.not_negative("learning_rate", learning_rate);
  check.step_number(step);
  check.not_negative("momentum", options.momentum);
  check.finite("dampening", options.dampening);
  check.not_negative("weight_decay", options.weight_decay);
  if (options.nesterov && (options.momentum == 0.0 || options.dampening != 0.0))
    check.wrong("nesterov needs momentum and no dampening, but momentum is ", options.momentum,
                " and dampening ", options.dampening);
}

void check_polyak_update(const Operand& target, const Operand& online, double tau) {
  const OpCheck check("polyak_update");
  check.given("online", online);
  check.same("target", target, "online", online);
  if (!(tau >= 0.0 && tau <= 1.0)) check.wrong("tau is ", tau, " but must be from 0 to 1");
}

}  // namespace bellman
