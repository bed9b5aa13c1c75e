// The numbers on the pages of docs/backprop about layers.
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/nn/layers/feature_layers.h"
#include "core/reference/reference_backend.h"
#include "tests/docs/worked_page.h"

namespace bellman::test {
namespace {

using Numbers = std::vector<double>;

TEST_CASE("worked numbers: dense and ReLU") {
  check_worked_page("dense.md", [](WorkedPage& page) {
    ReferenceBackend<double> backend;
    const Numbers x = page["x"], w = page["w"], b = page["b"], dr = page["dr"];
    Numbers y(4), r(4), dy(4), dw(6), db(2), dx(6);
    const Shape in{2, 3}, out{2, 2};
    const TensorView<double> yv = view(y, out), rv = view(r, out), dyv = view(dy, out);
    backend.dense_forward(yv, view(x, in), view(w, {2, 3}), view(b, {2}));
    backend.activation_forward(rv, yv, Activation::kRelu);
    backend.activation_backward(dyv, view(dr, out), rv, Activation::kRelu);
    backend.dense_backward(view(dx, in), view(dw, {2, 3}), view(db, {2}), dyv, view(x, in), view(w, {2, 3}));
    page.check("y", y);
    page.check("r", r);
    page.check("dy", dy);
    page.check("dw", dw);
    page.check("db", db);
    page.check("dx", dx);
  });
}

// ---- images: one channel, 3x3, a window of 2x2, 2x2 outputs

constexpr Shape kImage{1, 1, 3, 3}, kKernel{1, 1, 2, 2}, kOutput{1, 1, 2, 2};
constexpr Window kOverlapping{.kernel_h = 2, .kernel_w = 2};
constexpr Window kApart{
    .kernel_h = 2, .kernel_w = 2, .stride_h = 2, .stride_w = 2, .padding_h = 1, .padding_w = 1};

struct Convolved {
  Numbers y, dw, db, dx;
};

Convolved convolve(const Numbers& x, const Numbers& w, const Numbers& b, const Numbers& dy,
                   const Window& window) {
  ReferenceBackend<double> backend;
  Convolved done{Numbers(4), Numbers(4), Numbers(1), Numbers(9)};
  backend.conv2d_forward(view(done.y, kOutput), view(x, kImage), view(w, kKernel), view(b, {1}), window, {});
  backend.conv2d_backward(view(done.dx, kImage), view(done.dw, kKernel), view(done.db, {1}),
                          view(dy, kOutput), view(x, kImage), view(w, kKernel), window, {});
  return done;
}

TEST_CASE("worked numbers: convolution") {
  check_worked_page("convolution.md", [](WorkedPage& page) {
    const Numbers x = page["x"], w = page["w"], b = page["b"], dy = page["dy"];
    const Convolved overlapping = convolve(x, w, b, dy, kOverlapping);
    page.check("y", overlapping.y);
    page.check("dw", overlapping.dw);
    page.check("db", overlapping.db);
    page.check("dx", overlapping.dx);
    const Convolved apart = convolve(x, w, b, dy, kApart);
    page.check("stride=2 padding=1/y", apart.y);
    page.check("stride=2 padding=1/dw", apart.dw);
    page.check("stride=2 padding=1/dx", apart.dx);
  });
}

void check_max_pool(WorkedPage& page, const std::string& block, const Window& window) {
  ReferenceBackend<double> backend;
  const Numbers x = page[block + "x"], dy = page["dy"];
  Numbers y(4), dx(9);
  backend.max_pool2d_forward(view(y, kOutput), view(x, kImage), window);
  backend.max_pool2d_backward(view(dx, kImage), view(dy, kOutput), view(x, kImage), window);
  page.check(block + "y", y);
  page.check(block + "dx", dx);
}

TEST_CASE("worked numbers: pooling") {
  check_worked_page("pooling.md", [](WorkedPage& page) {
    check_max_pool(page, "", kOverlapping);
    check_max_pool(page, "stride=2 padding=1/", kApart);
    const Convolved average = convolve(page["x"], page["average/w"], {0}, page["dy"], kOverlapping);
    page.check("average/y", average.y);
    page.check("average/dx", average.dx);
  });
}

// ---- features

TEST_CASE("worked numbers: activations") {
  check_worked_page("tanh-and-sigmoid.md", [](WorkedPage& page) {
    ReferenceBackend<double> backend;
    const Numbers x = page["x"], dy = page["dy"];
    const Shape shape{static_cast<Index>(x.size())};
    for (const ActivationInfo& info : kActivations) {
      if (info.kind == Activation::kRelu || info.parameter || info.kind == Activation::kGeluTanh) continue;
      Numbers y(x.size()), dx(x.size());
      backend.activation_forward(view(y, shape), view(x, shape), info.kind);
      backend.activation_backward(view(dx, shape), view(dy, shape), view(info.keeps_output ? y : x, shape),
                                  info.kind);
      page.check(std::string(info.name) + "/y", y);
      page.check(std::string(info.name) + "/dx", dx);
    }
  });
}

TEST_CASE("worked numbers: layer normalisation") {
  check_worked_page("layer-norm.md", [](WorkedPage& page) {
    ReferenceBackend<double> backend;
    const Numbers x = page["x"], gamma = page["gamma"], beta = page["beta"], dy = page["dy"];
    const Shape rows{2, 4}, row{4}, batch{2};
    Numbers y(8), mean(2), rstd(2), dx(8), dgamma(4), dbeta(4);
    backend.layer_norm_forward(view(y, rows), view(mean, batch), view(rstd, batch), view(x, rows),
                               view(gamma, row), view(beta, row), LayerNormLayer<double>::kEpsilon);
    backend.layer_norm_backward(view(dx, rows), view(dgamma, row), view(dbeta, row), view(dy, rows),
                                view(x, rows), view(gamma, row), view(mean, batch), view(rstd, batch));
    page.check("mean", mean);
    page.check("rstd", rstd);
    page.check("y", y);
    page.check("dgamma", dgamma);
    page.check("dbeta", dbeta);
    page.check("dx", dx);
  });
}

TEST_CASE("worked numbers: dueling") {
  check_worked_page("dueling.md", [](WorkedPage& page) {
    ReferenceBackend<double> backend;
    const Numbers v = page["v"], a = page["a"], dq = page["dq"];
    Numbers q(6), dv(2), da(6);
    backend.dueling_forward(view(q, {2, 3}), view(v, {2, 1}), view(a, {2, 3}));
    backend.dueling_backward(view(dv, {2, 1}), view(da, {2, 3}), view(dq, {2, 3}));
    page.check("q", q);
    page.check("dv", dv);
    page.check("da", da);
  });
}

}  // namespace
}  // namespace bellman::test
