// Every op's forward and backward pass on NumPy arrays, by a backend's name: bellman.ops.
//
// Each function is bound twice, for float32 and for float64. The reference backend has both, the CPU's has float32.
// core/ops/backend.h has each op's mathematics.
#include "python/src/ops.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>

namespace bellman::python {
namespace {

using Pair = std::pair<Index, Index>;  // rows, columns

template <class T>
void bind_layers(nb::module_& m) {
  m.def(
      "dense_forward",
      [](const In<T>& x, const In<T>& w, const In<T>& b, const Name& backend) {
        New<T> y({extent(in(x), 0, "x"), extent(in(w), 0, "w")});
        backend_of<T>(backend).dense_forward(y.view(), in(x), in(w), in(b));
        return y.array();
      },
      nb::arg("x"), nb::arg("w"), nb::arg("b"), nb::kw_only(), nb::arg("backend") = nb::none(),
      "y(B,O) = x(B,I) w(O,I)^T + b(O).");
  m.def(
      "dense_backward",
      [](const In<T>& dy, const In<T>& x, const In<T>& w, const Name& backend) {
        New<T> dx(shape_of(x)), dw(shape_of(w)), db({extent(in(w), 0, "w")});
        backend_of<T>(backend).dense_backward(dx.view(), dw.view(), db.view(), in(dy), in(x), in(w));
        return nb::make_tuple(dx.array(), dw.array(), db.array());
      },
      nb::arg("dy"), nb::arg("x"), nb::arg("w"), nb::kw_only(), nb::arg("backend") = nb::none(),
      "(dx(B,I), dw(O,I), db(O)) of dy(B,O).");
  m.def(
      "layer_norm_forward",
      [](const In<T>& x, const In<T>& gamma, const In<T>& beta, double epsilon, const Name& backend) {
        const Index rows = extent(in(x), 0, "x");
        New<T> y(shape_of(x)), mean({rows}), rstd({rows});
        backend_of<T>(backend).layer_norm_forward(y.view(), mean.view(), rstd.view(), in(x), in(gamma),
                                                  in(beta), static_cast<T>(epsilon));
        return nb::make_tuple(y.array(), mean.array(), rstd.array());
      },
      nb::arg("x"), nb::arg("gamma"), nb::arg("beta"), nb::arg("epsilon") = 1e-5, nb::kw_only(),
      nb::arg("backend") = nb::none(),
      "(y(B,I), mean(B), rstd(B)) of x(B,I): each row normalised, times gamma, plus beta.");
  m.def(
      "layer_norm_backward",
      [](const In<T>& dy, const In<T>& x, const In<T>& gamma, const In<T>& mean, const In<T>& rstd,
         const Name& backend) {
        New<T> dx(shape_of(x)), dgamma(shape_of(gamma)), dbeta(shape_of(gamma));
        backend_of<T>(backend).layer_norm_backward(dx.view(), dgamma.view(), dbeta.view(), in(dy), in(x),
                                                   in(gamma), in(mean), in(rstd));
        return nb::make_tuple(dx.array(), dgamma.array(), dbeta.array());
      },
      nb::arg("dy"), nb::arg("x"), nb::arg("gamma"), nb::arg("mean"), nb::arg("rstd"), nb::kw_only(),
      nb::arg("backend") = nb::none(), "(dx(B,I), dgamma(I), dbeta(I)).");
  m.def(
      "dueling_forward",
      [](const In<T>& v, const In<T>& a, const Name& backend) {
        New<T> q(shape_of(a));
        backend_of<T>(backend).dueling_forward(q.view(), in(v), in(a));
        return q.array();
      },
      nb::arg("v"), nb::arg("a"), nb::kw_only(), nb::arg("backend") = nb::none(),
      "q(B,A) = v(B,1) + a(B,A) - mean_a a.");
  m.def(
      "dueling_backward",
      [](const In<T>& dq, const Name& backend) {
        New<T> dv({extent(in(dq), 0, "dq"), 1}), da(shape_of(dq));
        backend_of<T>(backend).dueling_backward(dv.view(), da.view(), in(dq));
        return nb::make_tuple(dv.array(), da.array());
      },
      nb::arg("dq"), nb::kw_only(), nb::arg("backend") = nb::none(), "(dv(B,1), da(B,A)).");
}

// ---- activations

/// Throws: Error for an unknown name, with the nearest.
Activation activation_by_name(const std::string& name, std::optional<double> parameter) {
  std::vector<std::string_view> names;
  for (const ActivationInfo& info : kActivations) {
    if (name == info.name) return {info.kind, parameter.value_or(info.usual)};
    names.emplace_back(info.name);
  }
  fail("unknown activation \"", printable(name), "\"", suggestion(name, names));
}

template <class T>
void bind_activations(nb::module_& m) {
  m.def(
      "activation_forward",
      [](const In<T>& x, const std::string& name, std::optional<double> parameter, const Name& backend) {
        New<T> y(shape_of(x));
        backend_of<T>(backend).activation_forward(y.view(), in(x), activation_by_name(name, parameter));
        return y.array();
      },
      nb::arg("x"), nb::arg("name"), nb::arg("parameter") = nb::none(), nb::kw_only(),
      nb::arg("backend") = nb::none(),
      "y = f(x), elementwise: relu, leaky_relu (parameter: its slope), tanh, sigmoid, gelu, gelu_tanh, "
      "silu.");
  m.def(
      "activation_backward",
      [](const In<T>& dy, const In<T>& x, const std::string& name, std::optional<double> parameter,
         const Name& backend) {
        const Activation f = activation_by_name(name, parameter);
        BasicBackend<T>& ops = backend_of<T>(backend);
        New<T> y(shape_of(x)), dx(shape_of(x));
        if (info_of(f.kind).keeps_output) ops.activation_forward(y.view(), in(x), f);
        ops.activation_backward(dx.view(), in(dy),
                                info_of(f.kind).keeps_output ? TensorView<const T>(y.view()) : in(x), f);
        return dx.array();
      },
      nb::arg("dy"), nb::arg("x"), nb::arg("name"), nb::arg("parameter") = nb::none(), nb::kw_only(),
      nb::arg("backend") = nb::none(), "dx = dy f'(x).");
}

// ---- images

Window window_of(Index kernel_h, Index kernel_w, const Pair& stride, const Pair& padding) {
  return {kernel_h, kernel_w, stride.first, stride.second, padding.first, padding.second};
}

template <class T>
void bind_images(nb::module_& m) {
  m.def(
      "conv2d_forward",
      [](const In<T>& x, const In<T>& w, const In<T>& b, const Pair& stride, const Pair& padding,
         const Name& backend) {
        BasicBackend<T>& ops = backend_of<T>(backend);
        const Window window = window_of(extent(in(w), 2, "w"), extent(in(w), 3, "w"), stride, padding);
        New<T> scratch({std::max<Index>(1, ops.conv2d_scratch(shape_of(x), shape_of(w), window))});
        New<T> y(checked_conv2d_output("conv2d_forward", shape_of(x), shape_of(w), window));
        ops.conv2d_forward(y.view(), in(x), in(w), in(b), window, scratch.view());
        return y.array();
      },
      nb::arg("x"), nb::arg("w"), nb::arg("b"), nb::arg("stride") = Pair(1, 1),
      nb::arg("padding") = Pair(0, 0), nb::kw_only(), nb::arg("backend") = nb::none(),
      "y(B,O,OH,OW): x(B,C,H,W) correlated with w(O,C,KH,KW), plus b(O). stride and padding are (rows, "
      "columns).");
  m.def(
      "conv2d_backward",
      [](const In<T>& dy, const In<T>& x, const In<T>& w, const Pair& stride, const Pair& padding,
         const Name& backend) {
        BasicBackend<T>& ops = backend_of<T>(backend);
        const Window window = window_of(extent(in(w), 2, "w"), extent(in(w), 3, "w"), stride, padding);
        New<T> scratch({std::max<Index>(1, ops.conv2d_scratch(shape_of(x), shape_of(w), window))});
        New<T> dx(shape_of(x)), dw(shape_of(w)), db({extent(in(w), 0, "w")});
        ops.conv2d_backward(dx.view(), dw.view(), db.view(), in(dy), in(x), in(w), window, scratch.view());
        return nb::make_tuple(dx.array(), dw.array(), db.array());
      },
      nb::arg("dy"), nb::arg("x"), nb::arg("w"), nb::arg("stride") = Pair(1, 1),
      nb::arg("padding") = Pair(0, 0), nb::kw_only(), nb::arg("backend") = nb::none(),
      "(dx, dw, db) of dy(B,O,OH,OW).");
  m.def(
      "max_pool2d_forward",
      [](const In<T>& x, const Pair& kernel, const std::optional<Pair>& stride, const Pair& padding,
         const Name& backend) {
        const Window window = window_of(kernel.first, kernel.second, stride.value_or(kernel), padding);
        New<T> y(checked_max_pool2d_output("max_pool2d_forward", shape_of(x), window));
        backend_of<T>(backend).max_pool2d_forward(y.view(), in(x), window);
        return y.array();
      },
      nb::arg("x"), nb::arg("kernel"), nb::arg("stride") = nb::none(), nb::arg("padding") = Pair(0, 0),
      nb::kw_only(), nb::arg("backend") = nb::none(),
      "y(B,C,OH,OW), the largest of each window of x(B,C,H,W). The stride is the kernel unless it is given.");
  m.def(
      "max_pool2d_backward",
      [](const In<T>& dy, const In<T>& x, const Pair& kernel, const std::optional<Pair>& stride,
         const Pair& padding, const Name& backend) {
        const Window window = window_of(kernel.first, kernel.second, stride.value_or(kernel), padding);
        New<T> dx(shape_of(x));
        backend_of<T>(backend).max_pool2d_backward(dx.view(), in(dy), in(x), window);
        return dx.array();
      },
      nb::arg("dy"), nb::arg("x"), nb::arg("kernel"), nb::arg("stride") = nb::none(),
      nb::arg("padding") = Pair(0, 0), nb::kw_only(), nb::arg("backend") = nb::none(),
      "dx: each dy goes to the first largest of its window.");
}

template <class T>
void bind_ops_of(nb::module_& m) {
  bind_layers<T>(m);
  bind_activations<T>(m);
  bind_images<T>(m);
  bind_learning_ops<T>(m);
}

}  // namespace

void bind_ops(nb::module_& m) {
  nb::module_ ops =
      m.def_submodule("ops",
                      "Each op's forward and backward pass on NumPy arrays. backend is \"cpu\" (float32) "
                      "or \"reference\" (float32 and float64); by default the first that has the type.");
  bind_ops_of<float>(ops);
  bind_ops_of<double>(ops);
}

}  // namespace bellman::python
