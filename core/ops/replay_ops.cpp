#include "core/ops/replay_ops.h"

#include <bit>

#include "core/ops/op_check.h"
#include "core/ops/op_options.h"

namespace bellman {
namespace {

void check_nodes(const OpCheck& check, const Operand& nodes) {
  check.rank("nodes", nodes, 1, "(2 L)");
  const Index n = nodes.shape()[0];
  if (n < 2 || !std::has_single_bit(static_cast<std::uint64_t>(n)))
    check.wrong("nodes has ", n, " elements but twice a power of two is expected");
}

void check_each_of(const OpCheck& check, const TransitionTensors& t, const Shape& shape, const char* name) {
  const Operand parts[] = {t.action, t.next_slot, t.reward, t.discount, t.terminated};
  for (const Operand& part : parts) check.shape(name, part, shape, "its size");
}

}  // namespace

void check_gather(const char* op, const Operand& x, const Operand& memory, const Operand& slot) {
  const OpCheck check(op);
  check.rank("memory", memory, 2, "(S,I)");
  check.rank("slot", slot, 1, "(B)");
  check.shape("x", x, {slot.shape()[0], memory.shape()[1]}, "slot ", slot.shape(), " and memory ",
              memory.shape());
}

void check_transitions(const char* op, const TransitionTensors& batch, const TransitionTensors& memory,
                       const Operand& slot) {
  const OpCheck check(op);
  check.rank("slot", slot, 1, "(B)");
  check.rank("memory", memory.action, 1, "(S)");
  check_each_of(check, batch, slot.shape(), "a tensor of the batch");
  check_each_of(check, memory, memory.action.shape(), "a tensor of the memory");
}

void check_sum_tree(const char* op, const Operand& nodes, const Operand& leaf, const Operand& value) {
  const OpCheck check(op);
  check_nodes(check, nodes);
  check.rank("leaf", leaf, 1, "(B)");
  check.same("the values", value, "leaf", leaf);
}

void check_prioritized_add(const Operand& nodes, const Operand& max_priority, const Operand& slot,
                           const Operand& added) {
  const OpCheck check("prioritized_add");
  check_nodes(check, nodes);
  check.scalar("max_priority", max_priority);
  check.rank("slot", slot, 1, "(B)");
  check.same("added", added, "slot", slot);
}

void check_prioritized_sample(const Operand& slot, const Operand& weight, const Operand& nodes) {
  const OpCheck check("prioritized_sample");
  check_nodes(check, nodes);
  check.rank("slot", slot, 1, "(B)");
  check.not_empty("slot", slot);
  check.same("weight", weight, "slot", slot);
}

void check_prioritized_update(const Operand& nodes, const Operand& max_priority, const Operand& slot,
                              const Operand& td_error, const Operand& guard) {
  const OpCheck check("prioritized_update");
  if (guard) check.shape("guard", guard, {kGuardWords}, "its words");
  check_nodes(check, nodes);
  check.scalar("max_priority", max_priority);
  check.rank("slot", slot, 1, "(B)");
  check.same("td_error", td_error, "slot", slot);
}

void check_epsilon_greedy(const Operand& action, const Operand& q, const EpsilonGreedy& options) {
  const OpCheck check("epsilon_greedy");
  check.rank("q", q, 2, "(B,A)");
  if (q.shape()[1] < 1) check.wrong("q has shape ", q.shape(), ", which has no actions");
  check.shape("action", action, {q.shape()[0]}, "q ", q.shape());
  if (!(options.epsilon >= 0 && options.epsilon <= 1))
    check.wrong("epsilon is ", options.epsilon, " but must be from 0 to 1");
}

void check_add_learn_stats(const Operand& sums, const Operand& loss, const Operand& norm, const Operand& y,
                           const Operand& td_error, const Operand& guard) {
  const OpCheck check("add_learn_stats");
  if (guard) check.shape("guard", guard, {kGuardWords}, "its words");
  check.shape("sums", sums, {4}, "what is summed: loss, norm, q, 1");
  check.scalar("loss", loss);
  if (norm) check.scalar("norm", norm);
  check.rank("y", y, 1, "(B)");
  check.not_empty("y", y);
  check.same("td_error", td_error, "y", y);
}

void check_report_step(const Operand& report, const Operand& guard, const Operand& loss, const Operand& slot,
                       const Operand& td_error, const Operand& reward) {
  const OpCheck check("report_step");
  check.shape("report", report, {kReportWords}, "its words");
  check.shape("guard", guard, {kGuardWords}, "its words");
  check.scalar("loss", loss);
  check.rank("slot", slot, 1, "(B)");
  check.not_empty("slot", slot);
  check.same("td_error", td_error, "slot", slot);
  check.same("reward", reward, "slot", slot);
}

}  // namespace bellman
