// The ops of a gradient step beside the layers: Q-learning's and losses, optimisers.
#include <cstdint>
#include <optional>

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include "python/src/ops.h"

namespace bellman::python {
namespace {

// ---- losses

LossKind loss_by_name(const std::string& name) {
  if (name == "mse") return LossKind::kMeanSquaredError;
  if (name == "huber") return LossKind::kHuber;
  fail("unknown loss \"", printable(name), "\" (known: mse, huber)");
}

template <class T>
void bind_losses(nb::module_& m) {
  m.def(
      "argmax",
      [](const In<T>& q, const Name& backend) {
        New<std::int32_t> action({extent(in(q), 0, "q")});
        backend_of<T>(backend).argmax(action.view(), in(q));
        return action.array();
      },
      nb::arg("q"), nb::kw_only(), nb::arg("backend") = nb::none(),
      "action(B): the smallest index of each row's largest q(B,A).");
  m.def(
      "td_target",
      [](const In<T>& q_target, const In<T>& reward, const In<T>& discount, const In<T>& terminated,
         const std::optional<In<T>>& q_online, const Name& backend) {
        New<T> y({extent(in(q_target), 0, "q_target")});
        backend_of<T>(backend).td_target(y.view(), {.q_target = in(q_target),
                                                    .q_online = in(q_online),
                                                    .reward = in(reward),
                                                    .discount = in(discount),
                                                    .terminated = in(terminated)});
        return y.array();
      },
      nb::arg("q_target"), nb::arg("reward"), nb::arg("discount"), nb::arg("terminated"),
      nb::arg("q_online") = nb::none(), nb::kw_only(), nb::arg("backend") = nb::none(),
      "y(B) = reward + discount (1 - terminated) q_target(B,A)[a*]; a* is the best action of q_online "
      "(Double DQN) or, "
      "without it, of q_target.");
  m.def(
      "td_loss",
      [](const In<T>& q, const In<std::int32_t>& action, const In<T>& y, const std::optional<In<T>>& weight,
         const std::string& kind, double delta, const Name& backend) {
        const Index rows = extent(in(q), 0, "q");
        const std::vector<T> ones(static_cast<std::size_t>(rows), T{1});
        New<T> dq(shape_of(q)), td_error({rows}), loss({1});
        backend_of<T>(backend).td_loss(dq.view(), td_error.view(), loss.view(), in(q), in(action), in(y),
                                       weight ? in(*weight) : TensorView<const T>(ones.data(), {rows}),
                                       loss_by_name(kind), static_cast<T>(delta));
        return nb::make_tuple(dq.array(), td_error.array(), static_cast<double>(loss.number()));
      },
      nb::arg("q"), nb::arg("action"), nb::arg("y"), nb::arg("weight") = nb::none(), nb::arg("kind") = "mse",
      nb::arg("delta") = 1.0, nb::kw_only(), nb::arg("backend") = nb::none(),
      "(dq(B,A), td_error(B), loss): td_error = y(B) - q(B,A)[action(B)], the loss is the weighted mean of "
      "its square or "
      "of Huber's function.");
  m.def(
      "softmax_cross_entropy",
      [](const In<T>& logits, const In<std::int32_t>& label, const Name& backend) {
        New<T> dlogits(shape_of(logits)), loss({1});
        backend_of<T>(backend).softmax_cross_entropy(dlogits.view(), loss.view(), in(logits), in(label));
        return nb::make_tuple(dlogits.array(), static_cast<double>(loss.number()));
      },
      nb::arg("logits"), nb::arg("label"), nb::kw_only(), nb::arg("backend") = nb::none(),
      "(dlogits(B,A), loss): the mean of -log softmax(logits)[label].");
}

// ---- optimisers, in place

template <class T>
void bind_optimizer_steps(nb::module_& m) {
  m.def(
      "global_norm",
      [](const In<T>& g, const Name& backend) {
        New<T> norm({1});
        backend_of<T>(backend).global_norm(norm.view(), in(g));
        return static_cast<double>(norm.number());
      },
      nb::arg("g"), nb::kw_only(), nb::arg("backend") = nb::none(), "sqrt(sum g^2).");
  m.def(
      "clip_by_global_norm",
      [](const Out<T>& g, double max_norm, const Name& backend) {
        New<T> norm({1});
        BasicBackend<T>& ops = backend_of<T>(backend);
        ops.global_norm(norm.view(), out(g));
        ops.clip_by_global_norm(out(g), norm.view(), static_cast<T>(max_norm));
        return static_cast<double>(norm.number());
      },
      nb::arg("g").noconvert(), nb::arg("max_norm"), nb::kw_only(), nb::arg("backend") = nb::none(),
      "Scales g in place to at most this norm; the norm before.");
  m.def(
      "adam_step",
      [](const Out<T>& p, const Out<T>& m1, const Out<T>& v, const In<T>& g, double learning_rate, Index step,
         double beta1, double beta2, double epsilon, double weight_decay, bool decoupled,
         const Name& backend) {
        backend_of<T>(backend).adam_step(out(p), out(m1), out(v), in(g), static_cast<T>(learning_rate), step,
                                         {beta1, beta2, epsilon, weight_decay, decoupled});
      },
      nb::arg("p").noconvert(), nb::arg("m").noconvert(), nb::arg("v").noconvert(), nb::arg("g"),
      nb::arg("learning_rate"), nb::arg("step"), nb::kw_only(), nb::arg("beta1") = 0.9,
      nb::arg("beta2") = 0.999, nb::arg("epsilon") = 1e-8, nb::arg("weight_decay") = 0.0,
      nb::arg("decoupled") = false, nb::arg("backend") = nb::none(),
      "The step-th step (from 1) of Adam, in place in p, m and v. decoupled: AdamW.");
  m.def(
      "rmsprop_step",
      [](const Out<T>& p, const Out<T>& square, const In<T>& g, double learning_rate,
         const std::optional<Out<T>>& mean, const std::optional<Out<T>>& velocity, double alpha,
         double epsilon, bool epsilon_in_root, double momentum, double weight_decay, const Name& backend) {
        const RmsPropOptions options{alpha,    epsilon,      epsilon_in_root,
                                     momentum, weight_decay, mean.has_value()};
        backend_of<T>(backend).rmsprop_step(out(p), out(square), out(mean), out(velocity), in(g),
                                            static_cast<T>(learning_rate), options);
      },
      nb::arg("p").noconvert(), nb::arg("square").noconvert(), nb::arg("g"), nb::arg("learning_rate"),
      nb::kw_only(), nb::arg("mean").noconvert() = nb::none(), nb::arg("velocity").noconvert() = nb::none(),
      nb::arg("alpha") = 0.99, nb::arg("epsilon") = 1e-8, nb::arg("epsilon_in_root") = false,
      nb::arg("momentum") = 0.0, nb::arg("weight_decay") = 0.0, nb::arg("backend") = nb::none(),
      "A step of RMSprop, in place; centred when mean is given, with momentum when velocity is.");
  m.def(
      "sgd_step",
      [](const Out<T>& p, const In<T>& g, double learning_rate, Index step,
         const std::optional<Out<T>>& velocity, double momentum, double dampening, double weight_decay,
         bool nesterov, const Name& backend) {
        backend_of<T>(backend).sgd_step(out(p), out(velocity), in(g), static_cast<T>(learning_rate), step,
                                        {momentum, dampening, weight_decay, nesterov});
      },
      nb::arg("p").noconvert(), nb::arg("g"), nb::arg("learning_rate"), nb::arg("step") = 1, nb::kw_only(),
      nb::arg("velocity").noconvert() = nb::none(), nb::arg("momentum") = 0.0, nb::arg("dampening") = 0.0,
      nb::arg("weight_decay") = 0.0, nb::arg("nesterov") = false, nb::arg("backend") = nb::none(),
      "The step-th step (from 1) of SGD, in place; with momentum when velocity is given.");
  m.def(
      "polyak_update",
      [](const Out<T>& target, const In<T>& online, double tau, const Name& backend) {
        backend_of<T>(backend).polyak_update(out(target), in(online), static_cast<T>(tau));
      },
      nb::arg("target").noconvert(), nb::arg("online"), nb::arg("tau"), nb::kw_only(),
      nb::arg("backend") = nb::none(), "target <- tau online + (1 - tau) target, in place.");
}

}  // namespace

template <class T>
void bind_learning_ops(nb::module_& m) {
  bind_losses<T>(m);
  bind_optimizer_steps<T>(m);
}
template void bind_learning_ops<float>(nb::module_& m);
template void bind_learning_ops<double>(nb::module_& m);

}  // namespace bellman::python
