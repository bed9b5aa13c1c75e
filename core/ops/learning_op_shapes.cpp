// Of the ops that learning is made of beside layers: targets, losses, and what goes over the whole arena.
#include "core/ops/op_check.h"
#include "core/ops/op_shapes.h"
#include "core/ops/step_guard.h"

namespace bellman {

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
