// The numbers on the pages of docs/backprop about losses and targets.
#include <cstdint>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/reference/reference_backend.h"
#include "rl/replay/replay_ring.h"
#include "tests/docs/worked_page.h"

namespace bellman::test {
namespace {

using Numbers = std::vector<double>;

template <class T>
std::vector<T> converted(const std::vector<double>& numbers) {
  return {numbers.begin(), numbers.end()};
}
ConstIntTensor indices(const std::vector<std::int32_t>& numbers) {
  return {numbers.data(), {static_cast<Index>(numbers.size())}};
}

TEST_CASE("worked numbers: softmax and cross-entropy") {
  check_worked_page("softmax-cross-entropy.md", [](WorkedPage& page) {
    ReferenceBackend<double> backend;
    const Numbers z = page["z"];
    const std::vector<std::int32_t> label = converted<std::int32_t>(page["label"]);
    Numbers dz(6), loss(1);
    backend.softmax_cross_entropy(view(dz, {2, 3}), view(loss, {1}), view(z, {2, 3}), indices(label));
    Numbers p(6);  // dz = 1/B (p - [k = label])
    for (std::size_t i = 0; i < 6; ++i)
      p[i] = 2 * dz[i] + (static_cast<std::int32_t>(i % 3) == label[i / 3] ? 1 : 0);
    page.check("p", p);
    page.check("loss", loss);
    page.check("dz", dz);
  });
}

/// Transitions with two actions, as td_target and td_loss take them.
struct Transitions {
  Numbers reward, discount, terminated, q_next;
  Numbers q, weight;
  std::vector<std::int32_t> action;
};

Numbers target_of(const Transitions& given) {
  ReferenceBackend<double> backend;
  const Index B = static_cast<Index>(given.reward.size());
  Numbers y(given.reward.size());
  TdTargetInputs<double> in;
  in.q_target = view(given.q_next, {B, 2});
  in.reward = view(given.reward, {B});
  in.discount = view(given.discount, {B});
  in.terminated = view(given.terminated, {B});
  backend.td_target(view(y, {B}), in);
  return y;
}

struct Loss {
  Numbers dq, td_error, loss;
};

Loss loss_of(const Transitions& given, const Numbers& y, LossKind kind) {
  ReferenceBackend<double> backend;
  const Index B = static_cast<Index>(y.size());
  Loss found{Numbers(given.q.size()), Numbers(y.size()), Numbers(1)};
  backend.td_loss(view(found.dq, {B, 2}), view(found.td_error, {B}), view(found.loss, {1}),
                  view(given.q, {B, 2}), indices(given.action), view(y, {B}), view(given.weight, {B}), kind,
                  /*delta=*/1.0);
  return found;
}

TEST_CASE("worked numbers: the TD loss") {
  check_worked_page("td-loss.md", [](WorkedPage& page) {
    const Transitions given = {page["reward"],
                               page["discount"],
                               page["terminated"],
                               page["q_next"],
                               page["q"],
                               page["w"],
                               converted<std::int32_t>(page["action"])};
    const Numbers y = target_of(given);
    page.check("y", y);
    const Loss mse = loss_of(given, y, LossKind::kMeanSquaredError);
    page.check("td_error", mse.td_error);
    page.check("mse/loss", mse.loss);
    page.check("mse/dq", mse.dq);
    const Loss huber = loss_of(given, y, LossKind::kHuber);
    page.check("huber/loss", huber.loss);
    page.check("huber/dq", huber.dq);
  });
}

/// The page's episode, whose last step terminates or truncates it, as a replay assembles it.
Transitions assembled(WorkedPage& page, bool terminated) {
  const std::vector<float> rewards = converted<float>(page["r"]);
  const std::vector<std::int32_t> actions = converted<std::int32_t>(page["action"]);
  const std::size_t steps = rewards.size();
  ReplayRing ring(16, 1, static_cast<Index>(page.number("n")), page.number("gamma"));
  ring.begin_episode(0);
  for (std::size_t t = 0; t < steps; ++t) {
    const bool last = t + 1 == steps;
    ring.add(0, actions[t], rewards[t], last && terminated, last && !terminated);
  }
  BatchArrays arrays(static_cast<Index>(steps));
  for (std::size_t t = 0; t < steps; ++t) arrays.slots[t] = static_cast<Index>(t);
  ring.assemble(arrays, arrays.capacity());
  return {{arrays.rewards.begin(), arrays.rewards.end()},
          {arrays.discounts.begin(), arrays.discounts.end()},
          {arrays.terminated.begin(), arrays.terminated.end()},
          page["q_next"],
          page["q"],
          {arrays.weights.begin(), arrays.weights.end()},
          arrays.actions};
}

TEST_CASE("worked numbers: n-step returns") {
  check_worked_page("n-step.md", [](WorkedPage& page) {
    for (const bool terminated : {true, false}) {
      const Transitions given = assembled(page, terminated);
      const Numbers y = target_of(given);
      const Loss mse = loss_of(given, y, LossKind::kMeanSquaredError);
      page.check("R", given.reward);
      page.check("discount", given.discount);
      const std::string block = terminated ? "terminated/" : "truncated/";
      page.check(block + "terminated", given.terminated);
      page.check(block + "y", y);
      page.check(block + "td_error", mse.td_error);
      page.check(block + "loss", mse.loss);
      page.check(block + "dq", mse.dq);
    }
  });
}

}  // namespace
}  // namespace bellman::test
