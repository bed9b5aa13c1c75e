#include "core/reference/reference_backend.h"
#include "tests/core/cpu/sizes.h"
#include "tests/support/backends.h"
#include "tests/support/op_run.h"

namespace bellman::test {
namespace {

constexpr float kRate = 0.01F;
constexpr Index kShared = 70001;  // enough for several chunks of every op

/// A few sizes, and one that threads share.
std::vector<Index> sizes() {
  std::vector<Index> all(kSizes.begin(), kSizes.end());
  all.push_back(kShared);
  return all;
}

/// Blocks of one layout in the middle of training.
struct Arenas {
  Numbers p, g, m, v, mean;

  explicit Arenas(Index n) {
    RandomSequence random = test_sequence(18);
    p = random_tensor<float>(random, {n});
    g = random_tensor<float>(random, {n});
    m = random_tensor<float>(random, {n});
    v = random_tensor<float>(random, {n}, 0.5, 1);
    mean = random_tensor<float>(random, {n}, -0.5, 0.5);
  }
};

template <class T>
Outputs adam(BasicBackend<T>& backend, const Arenas& a, Index step, const AdamOptions& options) {
  OpRun<T> run(backend);
  const auto p = run.out(a.p), m = run.out(a.m), v = run.out(a.v);
  backend.adam_step(p, m, v, run.in(a.g), T(kRate), step, options);
  return run.outputs();
}

template <class T>
Outputs rmsprop(BasicBackend<T>& backend, const Arenas& a, const RmsPropOptions& options) {
  OpRun<T> run(backend);
  const auto p = run.out(a.p), square = run.out(a.v);
  const auto mean = run.out(a.mean, options.centered), velocity = run.out(a.m, options.momentum != 0);
  backend.rmsprop_step(p, square, mean, velocity, run.in(a.g), T(kRate), options);
  return run.outputs();
}

template <class T>
Outputs sgd(BasicBackend<T>& backend, const Arenas& a, Index step, const SgdOptions& options) {
  OpRun<T> run(backend);
  const auto p = run.out(a.p), velocity = run.out(a.m, options.momentum != 0);
  backend.sgd_step(p, velocity, run.in(a.g), T(kRate), step, options);
  return run.outputs();
}

// Every number that comes up is at most 2 (p, g, m, v below 1; updates below 2 but for RMSprop's centred
// ones), and stems from at most a dozen roundings, those of the settings included.
void check_step(const Outputs& actual, const Outputs& expected, double largest) {
  Outputs scale;
  for (const auto& output : expected) scale.emplace_back(output.size(), largest);
  REQUIRE(actual.size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) check_output(actual, expected, scale, i, 6);
}

TEST_CASE("adam_step is its definition") {
  const std::vector<NamedBackend> backends = float_backends();
  ReferenceBackend<double> definition;
  AdamOptions plain, l2, decoupled;
  l2.weight_decay = decoupled.weight_decay = 0.1;
  decoupled.decoupled = true;
  for (Index n : sizes())
    for (const AdamOptions& options : {plain, l2, decoupled})
      for (Index step : {1, 1000}) {
        INFO("N ", n, ", step ", step, ", weight decay ", options.weight_decay,
             options.decoupled ? ", decoupled" : "");
        const Arenas a(n);
        const Outputs expected = adam(definition, a, step, options);
        for_each_backend(backends,
                         [&](Backend& backend) { check_step(adam(backend, a, step, options), expected, 2); });
      }
}

TEST_CASE("adam_step leaves the gaps of an arena at zero") {
  Arenas a(48);
  for (Numbers* t : {&a.p, &a.g, &a.m, &a.v}) *t = Numbers({48}, 0.0F);
  for_each_backend(float_backends(), [&](Backend& backend) {
    for (const auto& output : adam(backend, a, 1, {})) CHECK(output == std::vector<double>(48, 0.0));
  });
}

TEST_CASE("rmsprop_step is its definition") {
  const std::vector<NamedBackend> backends = float_backends();
  ReferenceBackend<double> definition;
  RmsPropOptions plain, in_root;
  plain.weight_decay = in_root.weight_decay = 0.1;
  in_root.epsilon_in_root = true;
  in_root.epsilon = 0.3;  // as large as what it is added to
  in_root.alpha = 0.95;
  for (Index n : sizes())
    for (RmsPropOptions options : {plain, in_root})
      for (bool centered : {false, true})
        for (double momentum : {0.0, 0.9}) {
          INFO("N ", n, ", centred ", centered, ", momentum ", momentum, ", epsilon in the root ",
               options.epsilon_in_root);
          options.centered = centered;
          options.momentum = momentum;
          const Arenas a(n);
          const Outputs expected = rmsprop(definition, a, options);
          // Centred: g^2 - mean^2 is at least 0.2, so the division magnifies its rounding by at most 1/0.2.
          for_each_backend(backends, [&](Backend& backend) {
            check_step(rmsprop(backend, a, options), expected, centered ? 10 : 3);
          });
        }
}

TEST_CASE("rmsprop_step, centred: a variance that rounding brought below zero counts as zero") {
  const RmsPropOptions options = {.epsilon = 0.1, .centered = true};
  for (const Index n : {1, 7, 16, 33, 257})
    for (const double momentum : {0.0, 0.9}) {
      RmsPropOptions with = options;
      with.momentum = momentum;
      Arenas a(n);
      // The mean's square exceeds the mean of the squares, which no gradients produce.
      for (std::size_t i = 0; i < a.v.size(); ++i) {
        a.v[i] = 0.2F;
        a.mean[i] = a.g[i] = i % 2 == 0 ? 0.5F : -0.75F;
      }
      ReferenceBackend<double> definition;
      const Outputs expected = rmsprop(definition, a, with);
      for_each_backend(float_backends(), [&](Backend& backend) {
        const Outputs actual = rmsprop(backend, a, with);
        for (const double p : actual[0]) REQUIRE(std::isfinite(p));
        check_step(actual, expected, 10);
      });
    }
}

TEST_CASE("sgd_step is its definition") {
  const std::vector<NamedBackend> backends = float_backends();
  ReferenceBackend<double> definition;
  const SgdOptions all[] = {{},
                            {.momentum = 0, .dampening = 0, .weight_decay = 0.3, .nesterov = false},
                            {.momentum = 0.9, .dampening = 0, .weight_decay = 0, .nesterov = false},
                            {.momentum = 0.9, .dampening = 0.2, .weight_decay = 0.1, .nesterov = false},
                            {.momentum = 0.9, .dampening = 0, .weight_decay = 0.1, .nesterov = true}};
  for (Index n : sizes())
    for (const SgdOptions& options : all)
      for (Index step : {1, 2}) {
        INFO("N ", n, ", step ", step, ", momentum ", options.momentum);
        const Arenas a(n);
        const Outputs expected = sgd(definition, a, step, options);
        for_each_backend(backends,
                         [&](Backend& backend) { check_step(sgd(backend, a, step, options), expected, 3); });
      }
}

template <class T>
Outputs blend(BasicBackend<T>& backend, const Arenas& a, float tau) {
  OpRun<T> run(backend);
  backend.polyak_update(run.out(a.p), run.in(a.g), T(tau));
  return run.outputs();
}

template <class T>
Outputs add_and_fill(BasicBackend<T>& backend, const Arenas& a) {
  OpRun<T> run(backend);
  backend.add(run.out(a.p), run.in(a.g));
  backend.fill(run.out(a.m), T(0.25));
  return run.outputs();
}

template <class T>
Outputs norm_and_clip(BasicBackend<T>& backend, const Arenas& a, float max_norm) {
  OpRun<T> run(backend);
  const auto norm = run.out(Shape{1}), g = run.out(a.g);
  backend.global_norm(norm, g);
  backend.clip_by_global_norm(g, norm, T(max_norm));
  return run.outputs();
}

TEST_CASE("polyak_update, add, fill, global_norm and clip_by_global_norm are their definitions") {
  const std::vector<NamedBackend> backends = float_backends();
  ReferenceBackend<double> definition;
  for (Index n : sizes()) {
    INFO("N ", n);
    const Arenas a(n);
    for_each_backend(backends, [&](Backend& backend) {
      for (float tau : {0.005F, 1.0F}) check_step(blend(backend, a, tau), blend(definition, a, tau), 1);
      check_step(add_and_fill(backend, a), add_and_fill(definition, a), 2);
      for (float max_norm : {0.5F, 1e6F}) {
        const Outputs expected = norm_and_clip(definition, a, max_norm);
        check_step(norm_and_clip(backend, a, max_norm), expected, std::max(1.0, expected[0][0]));
      }
    });
  }
}

/// The arena from its second number on, where nothing is aligned.
template <class T>
TensorView<T> without_first(TensorView<T> t) {
  return {t.data() + 1, {t.elements() - 1}};
}

template <class T>
Outputs steps_beside_alignment(BasicBackend<T>& backend, const Arenas& a) {
  OpRun<T> run(backend);
  const auto p = run.out(a.p), m = run.out(a.m), v = run.out(a.v), g = run.out(a.g), norm = run.out(Shape{1});
  backend.global_norm(norm, TensorView<const T>(without_first(g)));
  backend.clip_by_global_norm(without_first(g), norm, T(0.5));
  backend.add(without_first(m), TensorView<const T>(without_first(g)));
  backend.adam_step(without_first(p), without_first(m), without_first(v),
                    TensorView<const T>(without_first(g)), T(kRate), 2, {});
  return run.outputs();
}

TEST_CASE("arrays that begin anywhere, as nothing in an arena does") {
  ReferenceBackend<double> definition;
  for (Index n : {2, 6, 34, 1001}) {
    INFO("N ", n);
    const Arenas a(n);
    const Outputs expected = steps_beside_alignment(definition, a);
    for_each_backend(float_backends(), [&](Backend& backend) {
      check_step(steps_beside_alignment(backend, a), expected, std::max(2.0, expected[4][0]));
    });
  }
}

TEST_CASE("polyak_update with tau 1 is a copy, whatever was there") {
  Arenas a(33);
  a.p[5] = std::numeric_limits<float>::quiet_NaN();
  for_each_backend(float_backends(), [&](Backend& backend) {
    CHECK(blend(backend, a, 1)[0] == std::vector<double>(a.g.values().begin(), a.g.values().end()));
  });
}

TEST_CASE("global_norm sums in double") {
  // As floats, 1 + 2^-24 is 1: the small numbers would vanish one after the other.
  Arenas a(70001);
  for (float& g : a.g.values()) g = 0x1p-12F;
  a.g[0] = 1;
  const double expected = std::sqrt(1 + 70000 * 0x1p-24);
  for_each_backend(float_backends(), [&](Backend& backend) {
    CHECK(std::abs(norm_and_clip(backend, a, 1e6F)[0][0] - expected) <= 1e-7);
  });
}

}  // namespace
}  // namespace bellman::test
