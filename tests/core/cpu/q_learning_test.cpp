#include <algorithm>

#include "core/nn/device_backend.h"
#include "core/reference/reference_backend.h"
#include "tests/core/cpu/sizes.h"
#include "tests/support/backends.h"
#include "tests/support/op_run.h"

namespace bellman::test {
namespace {

using Indices = HostTensor<std::int32_t>;

Indices random_indices(RandomSequence& random, Index n, Index count) {
  Indices indices({n});
  for (std::int32_t& index : indices.values())
    index = static_cast<std::int32_t>(uniform_index(random.word(), static_cast<std::uint32_t>(count)));
  return indices;
}

struct QLearning {
  Index B, A;
  Numbers q, other_q, v, reward, discount, terminated, y, weight;
  Indices action;

  QLearning(Index batch, Index actions) : B(batch), A(actions) {
    RandomSequence random = test_sequence(16);
    q = random_tensor<float>(random, {B, A}, -3, 3);
    other_q = random_tensor<float>(random, {B, A}, -3, 3);
    v = random_tensor<float>(random, {B, 1});
    reward = random_tensor<float>(random, {B});
    discount = random_tensor<float>(random, {B}, 0, 1);
    terminated = random_tensor<float>(random, {B}, 0, 1);
    for (float& value : terminated.values()) value = std::round(value);
    y = random_tensor<float>(random, {B}, -3, 3);
    weight = random_tensor<float>(random, {B}, 0, 1);
    action = random_indices(random, B, A);
  }
};

template <class T>
Outputs dueling_forward(BasicBackend<T>& backend, const Numbers& v, const Numbers& a) {
  OpRun<T> run(backend);
  backend.dueling_forward(run.out(a.shape()), run.in(v), run.in(a));
  return run.outputs();
}

template <class T>
Outputs dueling_backward(BasicBackend<T>& backend, const Numbers& dq) {
  OpRun<T> run(backend);
  const auto dv = run.out(Shape{dq.shape()[0], 1}), da = run.out(dq.shape());
  backend.dueling_backward(dv, da, run.in(dq));
  return run.outputs();
}

template <class T>
Outputs td_target(BasicBackend<T>& backend, const QLearning& l, bool double_q) {
  OpRun<T> run(backend);
  const auto online = double_q ? run.in(l.other_q) : TensorView<const T>();
  backend.td_target(run.out(Shape{l.B}),
                    {run.in(l.q), online, run.in(l.reward), run.in(l.discount), run.in(l.terminated)});
  return run.outputs();
}

template <class T>
Outputs munchausen_target(BasicBackend<T>& backend, const QLearning& l) {
  OpRun<T> run(backend);
  TdTargetInputs<T> in = {run.in(l.q), {}, run.in(l.reward), run.in(l.discount), run.in(l.terminated)};
  in.q_now = run.in(l.other_q);
  in.action = run.in(l.action);
  in.alpha = 0.9;
  in.temperature = 0.25;
  in.clip = -1;
  backend.td_target(run.out(Shape{l.B}), in);
  return run.outputs();
}

template <class T>
Outputs td_loss(BasicBackend<T>& backend, const QLearning& l, LossKind kind) {
  OpRun<T> run(backend);
  const auto dq = run.out(Shape{l.B, l.A}), td_error = run.out(Shape{l.B}), loss = run.out(Shape{1});
  backend.td_loss(dq, td_error, loss, run.in(l.q), run.in(l.action), run.in(l.y), run.in(l.weight), kind,
                  T(1));
  return run.outputs();
}

template <class T>
Outputs softmax_cross_entropy(BasicBackend<T>& backend, const Numbers& logits, const Indices& label) {
  OpRun<T> run(backend);
  const auto dlogits = run.out(logits.shape()), loss = run.out(Shape{1});
  backend.softmax_cross_entropy(dlogits, loss, run.in(logits), run.in(label));
  return run.outputs();
}

Outputs constant_scale(const Outputs& like, double value) {
  Outputs scale;
  for (const auto& output : like) scale.emplace_back(output.size(), value);
  return scale;
}

void check_q_learning(const std::vector<NamedBackend>& backends, const QLearning& l) {
  INFO("B ", l.B, ", A ", l.A);
  ReferenceBackend<double> definition;
  const double actions = double(l.A);
  const Outputs q = dueling_forward(definition, l.v, l.q), dv_da = dueling_backward(definition, l.q);
  const Outputs plain = td_target(definition, l, false), with_double = td_target(definition, l, true);
  const Outputs munchausen = munchausen_target(definition, l);
  const Outputs squared = td_loss(definition, l, LossKind::kMeanSquaredError);
  const Outputs huber = td_loss(definition, l, LossKind::kHuber);
  for_each_backend(backends, [&](Backend& backend) {
    check_output(dueling_forward(backend, l.v, l.q), q, constant_scale(q, 7), 0, actions + 3);
    const Outputs gradient = dueling_backward(backend, l.q);
    check_output(gradient, dv_da, constant_scale(dv_da, 3 * actions), 0, actions);
    check_output(gradient, dv_da, constant_scale(dv_da, 6), 1, actions + 2);

    check_output(td_target(backend, l, false), plain, constant_scale(plain, 4), 0, 3);
    check_output(td_target(backend, l, true), with_double, constant_scale(with_double, 4), 0, 3);
    // Two soft values of numbers below 3: each of its exponentials is of (q - largest) / tau, at most 24.
    check_output(munchausen_target(backend, l), munchausen, constant_scale(munchausen, 8), 0, actions + 8);

    // |y - q| < 6: losses below 36, slopes below 12 / B. The loss is summed in double.
    for (const auto& [kind, expected] :
         {std::pair(LossKind::kMeanSquaredError, &squared), {LossKind::kHuber, &huber}}) {
      const Outputs actual = td_loss(backend, l, kind);
      check_output(actual, *expected, constant_scale(*expected, 12 / double(l.B)), 0, 4);
      check_output(actual, *expected, constant_scale(*expected, 6), 1, 1);
      check_output(actual, *expected, constant_scale(*expected, 36), 2, 4);
    }

    OpRun<float> run(backend);
    Block<float> block(backend, static_cast<std::size_t>(l.B) * sizeof(std::int32_t));
    const IntTensor action = block.view<std::int32_t>({l.B});
    backend.argmax(action, run.in(l.q));
    Indices chosen({l.B});
    backend.download(chosen.values().data(), action.data(), block.bytes());
    for (std::size_t n = 0; n < std::size_t(l.B); ++n) {
      const auto row = l.q.values().begin() + std::ptrdiff_t(n) * l.A;
      CHECK(chosen[n] == std::max_element(row, row + l.A) - row);
    }
  });
}

TEST_CASE("dueling, targets, losses and argmax are their definitions") {
  const std::vector<NamedBackend> backends = float_backends();
  for (Index B : kSizes)
    for (Index A : {1, 2, 3, 6, 18, 33}) check_q_learning(backends, QLearning(B, A));
}

TEST_CASE("argmax takes the first of equals") {
  const Numbers q({2, 4}, {1, 3, 3, 2, 0, 0, 0, 0});
  for_each_backend(float_backends(), [&](Backend& backend) {
    OpRun<float> run(backend);
    Block<float> block(backend, 2 * sizeof(std::int32_t));
    backend.argmax(block.view<std::int32_t>({2}), run.in(q));
    Indices chosen({2});
    backend.download(chosen.values().data(), block.data(), block.bytes());
    CHECK(chosen[0] == 1);
    CHECK(chosen[1] == 0);
  });
}

TEST_CASE("a NaN of the target network reaches the loss and dq") {
  QLearning l(4, 2);
  l.y[2] = std::numeric_limits<float>::quiet_NaN();
  for_each_backend(float_backends(), [&](Backend& backend) {
    for (LossKind kind : {LossKind::kMeanSquaredError, LossKind::kHuber}) {
      const Outputs actual = td_loss(backend, l, kind);
      CHECK(std::isnan(actual[0][4 + std::size_t(l.action[2])]));
      CHECK(std::isnan(actual[1][2]));
      CHECK(std::isnan(actual[2][0]));
    }
  });
}

// An exponential of z <= 0 is off by |z| + 4 roundings (z is rounded, and exp is good to a few units), a
// probability by those and the O of the sum.
void check_softmax(const std::vector<NamedBackend>& backends, Index B, Index O, double largest) {
  INFO("B ", B, ", O ", O);
  RandomSequence random = test_sequence(17);
  const Numbers logits = random_tensor<float>(random, {B, O}, -largest, largest);
  const Indices label = random_indices(random, B, O);
  ReferenceBackend<double> definition;
  const Outputs expected = softmax_cross_entropy(definition, logits, label);
  const double terms = 2 * largest + double(O) + 6;
  for_each_backend(backends, [&](Backend& backend) {
    const Outputs actual = softmax_cross_entropy(backend, logits, label);
    check_output(actual, expected, constant_scale(expected, 1 / double(B)), 0, terms);
    check_output(actual, expected, constant_scale(expected, 1 + 2 * largest), 1, terms);
  });
}

TEST_CASE("softmax_cross_entropy is its definition") {
  const std::vector<NamedBackend> backends = float_backends();
  for (Index B : kSizes)
    for (Index O : kSizes) check_softmax(backends, B, O, 3);
  check_softmax(backends, 5, 18, 200);
}

TEST_CASE("actions and labels that are none are refused") {
  QLearning l(3, 2);
  for_each_backend(host_backends(), [&](Backend& backend) {
    l.action[1] = 2;
    CHECK_THROWS_WITH_AS(td_loss(backend, l, LossKind::kHuber), "td_loss: action[1] is 2 but there are 2",
                         Error);
    l.action[1] = -1;
    CHECK_THROWS_AS(softmax_cross_entropy(backend, l.q, l.action), Error);
  });
}

TEST_CASE("actions and labels that are none make NaN where a kernel can refuse nothing") {
  QLearning l(3, 2);
  for (const std::unique_ptr<DeviceBackend>& backend : device_backends())
    for (const std::int32_t none : {2, -1}) {
      l.action[1] = none;
      const Outputs td = td_loss(*backend, l, LossKind::kHuber);
      const Outputs softmax = softmax_cross_entropy(*backend, l.q, l.action);
      for (std::size_t i = 0; i < 6; ++i) {
        CHECK(std::isnan(td[0][i]) == (i / 2 == 1));
        CHECK(std::isnan(softmax[0][i]) == (i / 2 == 1));
      }
      CHECK(std::isnan(td[1][1]));
      CHECK(std::isnan(td[2][0]));
      CHECK(std::isnan(softmax[1][0]));
    }
}

}  // namespace
}  // namespace bellman::test
