#include <string>

#include <doctest/doctest.h>

#include "core/reference/layers.h"
#include "core/reference/reference_backend.h"
#include "tests/support/compare.h"
#include "tests/support/golden.h"
#include "tests/support/gradcheck.h"

namespace bellman::test {
namespace {

TEST_CASE("dense: finite differences in x, w and b") {
  ReferenceBackend<double> ops;
  RandomSequence random = test_sequence(1);
  for (const auto& [B, I, O] : {std::array<Index, 3>{3, 4, 5}, {1, 1, 1}, {2, 7, 3}}) {
    auto x = random_tensor(random, {B, I}), w = random_tensor(random, {O, I}), b = random_tensor(random, {O});
    const auto dy = random_tensor(random, {B, O});
    HostTensor<double> y({B, O}), dx(x.shape()), dw(w.shape()), db(b.shape());
    ops.dense_backward(dx, dw, db, dy, x, w);
    const auto loss = [&] {
      ops.dense_forward(y, x, w, b);
      return dot(dy, y);
    };
    check_gradient("x", loss, x, dx);
    check_gradient("w", loss, w, dw);
    check_gradient("b", loss, b, db);
  }
}

TEST_CASE("dense agrees with PyTorch") {
  ReferenceBackend<double> ops;
  const Golden golden("golden_ops");
  for (const std::string& name : golden.keys("dense")) {
    const std::string at = "dense." + name + ".";
    INFO(at);
    const auto &x = golden[at + "x"], &w = golden[at + "w"], &b = golden[at + "b"];
    HostTensor<double> y(golden[at + "y"].shape()), dx(x.shape()), dw(w.shape()), db(b.shape());
    ops.dense_forward(y, x, w, b);
    ops.dense_backward(dx, dw, db, golden[at + "dy"], x, w);
    check_golden(y, golden[at + "y"]);
    check_golden(dx, golden[at + "dx"]);
    check_golden(dw, golden[at + "dw"]);
    check_golden(db, golden[at + "db"]);
  }
}

TEST_CASE("dense_backward adds to dw and db, overwrites dx, and skips a dx that is no tensor") {
  ReferenceBackend<double> ops;
  RandomSequence random = test_sequence(2);
  const auto x = random_tensor(random, {3, 4}), w = random_tensor(random, {2, 4});
  const auto dy = random_tensor(random, {3, 2});
  HostTensor<double> dx(x.shape()), dw(w.shape()), db({2});
  ops.dense_backward(dx, dw, db, dy, x, w);

  HostTensor<double> dx_again(x.shape(), 7.0), dw_again(w.shape(), 10.0), db_again({2}, 20.0);
  ops.dense_backward(dx_again, dw_again, db_again, dy, x, w);
  CHECK(dx_again.values() == dx.values());
  check_added(dw_again, 10.0, dw);
  check_added(db_again, 20.0, db);

  HostTensor<double> dw_alone(w.shape()), db_alone({2});
  ops.dense_backward({}, dw_alone, db_alone, dy, x, w);
  CHECK(dw_alone.values() == dw.values());
  CHECK(db_alone.values() == db.values());
}

}  // namespace
}  // namespace bellman::test
