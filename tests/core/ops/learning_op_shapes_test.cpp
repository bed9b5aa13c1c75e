// The shapes of core/ops/backend_ops.cpp.
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/ops/backend_ops.h"
#include "tests/core/ops/shape_only.h"
#include "tests/support/error_message.h"
#include "tests/support/not_finite.h"

namespace bellman::test {
namespace {

TEST_CASE("op shapes: argmax and td_target") {
  const auto q = of({3, 2}), each = of({3});
  const auto action = of<std::int32_t>({3});
  CHECK_NOTHROW(check_argmax(action, q));
  CHECK(error_message([&] { check_argmax(of<std::int32_t>({2}), q); }) ==
        "argmax: action has shape (2) but (3) follows from q (3,2)");
  CHECK(error_message([&] {
          check_argmax(action, of({3, 0}));
        }) == "argmax: q has shape (3,0) but there must be at least one action");

  CHECK_NOTHROW(check_td_target(each, TdTargetInputs<double>{q, none, each, each, each}));
  CHECK_NOTHROW(check_td_target(each, TdTargetInputs<double>{q, q, each, each, each}));
  CHECK(error_message([&] {
          check_td_target(each, TdTargetInputs<double>{q, of({3, 3}), each, each, each});
        }) == "td_target: q_online has shape (3,3) but q_target has (3,2)");
  // [B] against [B,1] would broadcast elsewhere; here it is refused.
  CHECK(error_message([&] {
          check_td_target(each, TdTargetInputs<double>{q, none, of({3, 1}), each, each});
        }) == "td_target: reward has shape (3,1) but (3) follows from q_target (3,2)");
  CHECK(error_message([&] {
          check_td_target(each, TdTargetInputs<double>{q, none, each, of({2}), each});
        }) == "td_target: discount has shape (2) but (3) follows from q_target (3,2)");
  CHECK(error_message([&] {
          check_td_target(each, TdTargetInputs<double>{q, none, each, each, none});
        }) == "td_target: terminated is missing");
  CHECK(error_message([&] {
          check_td_target(of({4}), TdTargetInputs<double>{q, none, each, each, each});
        }) == "td_target: y has shape (4) but (3) follows from q_target (3,2)");
}

TEST_CASE("op shapes: td_target of Munchausen") {
  const auto q = of({3, 2}), each = of({3});
  const auto action = of<std::int32_t>({3});
  TdTargetInputs<double> in = {q, none, each, each, each, q, action, 0.9, 0.03, -1};
  const auto message = [&] { return error_message([&] { check_td_target(each, in); }); };
  CHECK(message() == "no error");
  const auto with = [&](auto&& change) {
    const TdTargetInputs<double> right = in;
    change();
    const std::string said = message();
    in = right;
    return said;
  };
  CHECK(with([&] { in.q_online = q; }) ==
        "td_target: q_online is given, but Munchausen's targets have no action to choose");
  CHECK(with([&] { in.q_now = of({3, 3}); }) == "td_target: q_now has shape (3,3) but q_target has (3,2)");
  CHECK(with([&] { in.action = of<std::int32_t>({2}); }) ==
        "td_target: action has shape (2) but (3) follows from q_target (3,2)");
  CHECK(with([&] { in.alpha = kNan; }) == "td_target: alpha is nan but must be finite");
  CHECK(with([&] { in.temperature = 0; }) == "td_target: temperature is 0 but must be above 0");
  CHECK(with([&] { in.clip = 0.5; }) == "td_target: clip is 0.5 but must be at most 0");
}

TEST_CASE("op shapes: losses") {
  const auto q = of({3, 2}), each = of({3}), one = of({1});
  const auto action = of<std::int32_t>({3});
  const auto td_loss = [&](const Operand& loss, const Operand& y, const Operand& weight, LossKind kind,
                           double delta) {
    return error_message([&] { check_td_loss(q, each, loss, q, action, y, weight, kind, delta); });
  };
  CHECK(td_loss(one, each, each, LossKind::kHuber, 1.0) == "no error");
  CHECK(td_loss(one, each, each, LossKind::kMeanSquaredError, kNan) == "no error");  // delta is not used
  CHECK(td_loss(one, each, each, LossKind::kHuber, 0.0) == "td_loss: delta is 0 but must be above 0");
  CHECK(td_loss(one, each, each, LossKind::kHuber, kNan) == "td_loss: delta is nan but must be above 0");
  CHECK(td_loss(each, each, each, LossKind::kHuber, 1.0) ==
        "td_loss: loss has shape (3) but (1) is expected");
  CHECK(td_loss(none, each, each, LossKind::kHuber, 1.0) == "td_loss: loss is missing");
  CHECK(td_loss(one, of({3, 1}), each, LossKind::kHuber, 1.0) ==
        "td_loss: y has shape (3,1) but (3) follows from q (3,2)");
  CHECK(td_loss(one, each, of({2}), LossKind::kHuber, 1.0) ==
        "td_loss: weight has shape (2) but (3) follows from q (3,2)");
  const auto empty = of({0, 2}), no_numbers = of({0});
  CHECK(error_message([&] {
          check_td_loss(empty, no_numbers, one, empty, of<std::int32_t>({0}), no_numbers, no_numbers,
                        LossKind::kHuber, 1.0);
        }) == "td_loss: q has shape (0,2), which holds no elements");

  const auto cross_entropy = [&](const Operand& dlogits, const Operand& loss, const Operand& label) {
    return error_message([&] { check_softmax_cross_entropy(dlogits, loss, q, label); });
  };
  CHECK(cross_entropy(q, one, action) == "no error");
  CHECK(cross_entropy(each, one, action) ==
        "softmax_cross_entropy: dlogits has shape (3) but logits has (3,2)");
  CHECK(cross_entropy(q, q, action) == "softmax_cross_entropy: loss has shape (3,2) but (1) is expected");
  CHECK(cross_entropy(q, one, of<std::int32_t>({3, 1})) ==
        "softmax_cross_entropy: label has shape (3,1) but (3) follows from logits (3,2)");
}

TEST_CASE("op shapes: clipping and optimisers") {
  const auto p = of({8}), other = of({9}), one = of({1});
  CHECK_NOTHROW(check_global_norm(one, p));
  CHECK(error_message([&] { check_global_norm(p, p); }) ==
        "global_norm: norm has shape (8) but (1) is expected");
  CHECK_NOTHROW(check_clip_by_global_norm(p, one, 10.0));
  CHECK(error_message([&] { check_clip_by_global_norm(p, one, -1.0); }) ==
        "clip_by_global_norm: max_norm is -1 but must be above 0");

  const auto adam = [&](const Operand& v, double learning_rate, Index step, const AdamOptions& options) {
    return error_message([&] { check_adam_step(p, p, v, p, learning_rate, step, options); });
  };
  CHECK(adam(p, 1e-3, 1, {}) == "no error");
  CHECK(adam(other, 1e-3, 1, {}) == "adam_step: v has shape (9) but p has (8)");
  CHECK(adam(p, -1.0, 1, {}) == "adam_step: learning_rate is -1 but must be at least 0 and finite");
  CHECK(adam(p, kNan, 1, {}) == "adam_step: learning_rate is nan but must be at least 0 and finite");
  CHECK(adam(p, 1e-3, 0, {}) == "adam_step: step is 0 but steps count from 1");
  CHECK(adam(p, 1e-3, 1, {.beta1 = 1}) == "adam_step: beta1 is 1 but must be at least 0 and below 1");
  CHECK(adam(p, 1e-3, 1, {.beta2 = -0.1}) == "adam_step: beta2 is -0.1 but must be at least 0 and below 1");
  CHECK(adam(p, 1e-3, 1, {.epsilon = 0}).starts_with("adam_step: epsilon is 0 but must be at least 1.175"));
  CHECK(adam(p, 1e-3, 1, {.weight_decay = -1}) ==
        "adam_step: weight_decay is -1 but must be at least 0 and finite");

  const auto rmsprop = [&](const Operand& mean, const Operand& velocity, const RmsPropOptions& options) {
    return error_message([&] { check_rmsprop_step(p, p, mean, velocity, p, 1e-3, options); });
  };
  CHECK(rmsprop(none, none, {}) == "no error");
  CHECK(rmsprop(p, p, {.momentum = 0.9, .centered = true}) == "no error");
  CHECK(rmsprop(none, none, {.centered = true}) == "rmsprop_step: mean is missing");
  CHECK(rmsprop(p, none, {}) == "rmsprop_step: mean is given, of shape (8), but centered is off");
  CHECK(rmsprop(none, other, {.momentum = 0.9}) == "rmsprop_step: velocity has shape (9) but p has (8)");
  CHECK(rmsprop(none, none, {.alpha = 1.5}) ==
        "rmsprop_step: alpha is 1.5 but must be at least 0 and below 1");

  const auto sgd = [&](const Operand& velocity, Index step, const SgdOptions& options) {
    return error_message([&] { check_sgd_step(p, velocity, p, 1e-3, step, options); });
  };
  CHECK(sgd(none, 1, {}) == "no error");
  CHECK(sgd(p, 1, {.momentum = 0.9, .nesterov = true}) == "no error");
  CHECK(sgd(none, 1, {.momentum = 0.9}) == "sgd_step: velocity is missing");
  CHECK(sgd(p, 1, {}) == "sgd_step: velocity is given, of shape (8), but momentum is off");
  CHECK(sgd(none, 0, {}) == "sgd_step: step is 0 but steps count from 1");
  CHECK(sgd(none, 1, {.momentum = -1}).starts_with("sgd_step: velocity is missing"));
  CHECK(sgd(p, 1, {.momentum = -1}) == "sgd_step: momentum is -1 but must be at least 0 and finite");
  CHECK(sgd(p, 1, {.momentum = 0.9, .dampening = 0.1, .nesterov = true}) ==
        "sgd_step: nesterov needs momentum and no dampening, but momentum is 0.9 and dampening 0.1");

  CHECK_NOTHROW(check_polyak_update(p, p, 1.0));
  CHECK(error_message([&] { check_polyak_update(p, other, 0.5); }) ==
        "polyak_update: target has shape (8) but online has (9)");
  CHECK(error_message([&] { check_polyak_update(p, p, 1.5); }) ==
        "polyak_update: tau is 1.5 but must be from 0 to 1");
}

TEST_CASE("check_indices: the first index out of range is named") {
  const std::vector<std::int32_t> values = {0, 1, 5, -1};
  CHECK_NOTHROW(check_indices("op", "action", {values.data(), {2}}, 2));
  CHECK(error_message([&] {
          check_indices("op", "action", {values.data(), {4}}, 2);
        }) == "op: action[2] is 5 but there are 2");
}

}  // namespace
}  // namespace bellman::test
