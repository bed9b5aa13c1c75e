// Non-finite numbers in a learn step, on every backend: the guard finds them, and the optimisers skip the
// step.
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/ops/backend.h"
#include "tests/support/backends.h"
#include "tests/support/error_message.h"
#include "tests/support/not_finite.h"

namespace bellman::test {
namespace {

using Words = std::vector<std::int32_t>;  // skips the step, skipped, place, overflowed

/// Numbers in a backend's memory.
class Held {
 public:
  Held(Backend& backend, std::vector<float> values)
      : backend_(backend), block_(backend, values.size() * sizeof(float)), size_(values.size()) {
    backend.upload(block_.data(), values.data(), block_.bytes());
  }
  Tensor tensor() const { return block_.view<float>({static_cast<Index>(size_)}); }
  std::vector<float> values() const {
    std::vector<float> host(size_);
    backend_.download(host.data(), block_.data(), block_.bytes());
    return host;
  }

 private:
  Backend& backend_;
  Block<float> block_;
  std::size_t size_;
};

class Guard {
 public:
  explicit Guard(Backend& backend, Words words = {0, 0, 0, 0}) : backend_(backend), block_(backend, 16) {
    backend.upload(block_.data(), words.data(), 16);
  }
  IntTensor tensor() const { return block_.view<std::int32_t>({kGuardWords}); }
  Words words() const {
    Words host(kGuardWords);
    backend_.download(host.data(), block_.data(), 16);
    return host;
  }

 private:
  Backend& backend_;
  Block<float> block_;
};

std::vector<float> ones(Index n) { return std::vector<float>(static_cast<std::size_t>(n), 1.0F); }

TEST_CASE("guard_step holds for a loss or a gradient that is not finite, and names the first place") {
  for_each_backend(float_backends(), [](Backend& backend) {
    const auto look = [&](float loss, const std::vector<float>& g) {
      Guard guard(backend);
      backend.guard_step(guard.tensor(), Held(backend, {loss}).tensor(), Held(backend, g).tensor(),
                         SkipPolicy::kOneStep);
      return guard.words();
    };
    for (const Index n : {1, 3, 31, 32, 33, 64, 65, 16384, 16385, 70001}) {
      CAPTURE(n);
      std::vector<float> g = ones(n);
      g.front() = std::numeric_limits<float>::max();
      g.back() = -std::numeric_limits<float>::max();
      CHECK(look(1e38F, g) == Words{0, 0, 0, 0});
      CHECK(look(kNanF, g) == Words{1, 1, 0, 0});
      CHECK(look(-kInfinityF, g) == Words{1, 1, 0, 0});
      for (const float bad : {kNanF, kInfinityF, -kInfinityF})
        for (const Index first : {Index{0}, n / 3, n / 2, n - 1}) {
          std::vector<float> wrong = g;
          wrong[static_cast<std::size_t>(first)] = wrong.back() = bad;
          CHECK(look(1, wrong) == Words{1, 1, static_cast<std::int32_t>(first + 1), 0});
        }
    }
  });
}

TEST_CASE("a guard holds one step or for good, and always after an overflow") {
  for_each_backend(float_backends(), [](Backend& backend) {
    const Held good(backend, {1, 2, 3}), bad(backend, {1, kNanF, 3}), loss(backend, {0.5F});
    for (const SkipPolicy holding : {SkipPolicy::kOneStep, SkipPolicy::kForGood}) {
      Guard guard(backend);
      const auto step = [&](const Held& g) {
        backend.guard_step(guard.tensor(), loss.tensor(), g.tensor(), holding);
        return guard.words();
      };
      CHECK(step(good) == Words{0, 0, 0, 0});
      CHECK(step(bad) == Words{1, 1, 2, 0});
      const bool for_good = holding == SkipPolicy::kForGood;
      CHECK(step(good) == (for_good ? Words{1, 1, 2, 0} : Words{0, 1, 0, 0}));
      CHECK(step(bad) == (for_good ? Words{1, 1, 2, 0} : Words{1, 2, 2, 0}));
      Guard overflowed(backend, {0, 0, 0, 1});
      backend.guard_step(overflowed.tensor(), loss.tensor(), good.tensor(), holding);
      CHECK(overflowed.words()[kHeld] == 1);
    }
  });
}

/// An optimiser's step on its arenas: parameters first, the gradient last.
struct Step {
  std::string name;
  std::size_t arenas;
  std::function<void(Backend&, const std::vector<Tensor>&, Index step, IntTensor guard)> run;
};

std::vector<Step> steps() {
  const auto velocity = [] {
    SgdOptions options;
    options.momentum = 0.9;
    return options;
  };
  return {
      {"adam", 4,
       [](Backend& b, const std::vector<Tensor>& t, Index step, IntTensor guard) {
         b.adam_step(t[0], t[1], t[2], t[3], 0.5F, step, {}, guard);
       }},
      {"rmsprop", 3,
       [](Backend& b, const std::vector<Tensor>& t, Index, IntTensor guard) {
         b.rmsprop_step(t[0], t[1], {}, {}, t[2], 0.5F, {}, guard);
       }},
      {"sgd", 2,
       [](Backend& b, const std::vector<Tensor>& t, Index step, IntTensor guard) {
         b.sgd_step(t[0], {}, t[1], 0.5F, step, {}, guard);
       }},
      {"sgd with momentum", 3,
       [=](Backend& b, const std::vector<Tensor>& t, Index step, IntTensor guard) {
         b.sgd_step(t[0], t[1], t[2], 0.5F, step, velocity(), guard);
       }},
  };
}

/// What a step makes of its arenas, which hold 1 but for element `place` of the gradient and the parameters.
std::vector<std::vector<float>> after(Backend& backend, const Step& optimizer, Index n, Index number,
                                      const Guard* guard, float gradient = 1, float parameter = 1) {
  std::vector<Held> held;
  std::vector<Tensor> tensors;
  for (std::size_t i = 0; i < optimizer.arenas; ++i) {
    std::vector<float> values = ones(n);
    if (i == 0) values[static_cast<std::size_t>(n / 2)] = parameter;
    if (i + 1 == optimizer.arenas) values[static_cast<std::size_t>(n / 2)] = gradient;
    held.emplace_back(backend, values);
    tensors.push_back(held.back().tensor());
  }
  optimizer.run(backend, tensors, number, guard ? guard->tensor() : IntTensor());
  std::vector<std::vector<float>> values;
  for (const Held& arena : held) values.push_back(arena.values());
  return values;
}

TEST_CASE("a skipped step changes nothing; a step that is applied is counted without the skipped ones") {
  for_each_backend(float_backends(), [](Backend& backend) {
    for (const Step& optimizer : steps())
      for (const Index n : {1, 33, 70001}) {
        CAPTURE(optimizer.name);
        CAPTURE(n);
        const Guard holds(backend, {1, 1, 1, 0});
        const auto before = std::vector<std::vector<float>>(optimizer.arenas, ones(n));
        CHECK(after(backend, optimizer, n, 3, &holds) == before);
        for (const Index skipped : {0, 2, 4}) {
          const Guard guard(backend, {0, static_cast<std::int32_t>(skipped), 0, 0});
          CHECK(after(backend, optimizer, n, 5, &guard) ==
                after(backend, optimizer, n, 5 - skipped, nullptr));
          CHECK(guard.words() == Words{0, static_cast<std::int32_t>(skipped), 0, 0});
        }
      }
  });
}

TEST_CASE("an optimiser says when it leaves a parameter or a moment that is not finite") {
  constexpr float kMost = std::numeric_limits<float>::max();
  for_each_backend(float_backends(), [](Backend& backend) {
    for (const Step& optimizer : steps())
      for (const Index n : {1, 33, 70001}) {
        CAPTURE(optimizer.name);
        CAPTURE(n);
        const bool squares = optimizer.name == "adam" || optimizer.name == "rmsprop";
        Guard guard(backend);
        // Its square overflows, and only the second moment shows it; without one the parameter itself must.
        after(backend, optimizer, n, 1, &guard, squares ? 1e30F : kMost, squares ? 1.0F : -kMost);
        CHECK(guard.words() == Words{0, 0, 0, 1});
        Guard fine(backend);
        after(backend, optimizer, n, 1, &fine, 1e15F);
        CHECK(fine.words() == Words{0, 0, 0, 0});
      }
  });
}

TEST_CASE("a guard of another shape is refused") {
  for_each_backend(float_backends(), [](Backend& backend) {
    const Held one(backend, {1}), two(backend, {1, 2});
    Block<float> block(backend, 64);
    const IntTensor three = block.view<std::int32_t>({3}), four = block.view<std::int32_t>({4});
    CHECK(error_message([&] {
            backend.guard_step(three, one.tensor(), two.tensor(), SkipPolicy::kOneStep);
          }) == "guard_step: guard has shape (3) but (4) follows from its words");
    CHECK(error_message([&] {
            backend.guard_step(four, two.tensor(), two.tensor(), SkipPolicy::kOneStep);
          }) == "guard_step: loss has shape (2) but (1) is expected");
    CHECK(error_message([&] { backend.sgd_step(one.tensor(), {}, one.tensor(), 1, 1, {}, three); }) ==
          "sgd_step: guard has shape (3) but (4) follows from its words");
  });
}

}  // namespace
}  // namespace bellman::test
