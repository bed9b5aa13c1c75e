#include "cuda/simt/order.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdlib>
#include <numeric>
#include <string_view>

#include "core/base/check.h"

namespace bellman::simt {

namespace {

ExecutionOrder parse(std::string_view text) {
  using Kind = ExecutionOrder::Kind;
  if (text == "ascending") return {};
  if (text == "descending") return {.kind = Kind::kDescending};
  ExecutionOrder order = {.kind = Kind::kShuffled};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), order.seed);
  if (error != std::errc() || end != text.data() + text.size())
    fail("BELLMAN_SIMT_ORDER is \"", text, "\", must be ascending, descending or the seed of a shuffle");
  return order;
}

ExecutionOrder from_environment() {
  const char* text = std::getenv("BELLMAN_SIMT_ORDER");
  return parse(text ? text : "ascending");
}

std::atomic<ExecutionOrder>& current() {
  static std::atomic<ExecutionOrder> order(from_environment());
  return order;
}

}  // namespace

ExecutionOrder execution_order() { return current().load(); }
void set_execution_order(const ExecutionOrder& order) { current().store(order); }

namespace detail {

Sequencer::Sequencer(const ExecutionOrder& order) : order_(order) {
  if (order.kind == ExecutionOrder::Kind::kShuffled) random_.emplace(order.seed);
}

void Sequencer::first(std::vector<std::size_t>& numbers, std::size_t n) {
  numbers.resize(n);
  std::iota(numbers.begin(), numbers.end(), std::size_t{0});
  if (order_.kind == ExecutionOrder::Kind::kDescending) std::reverse(numbers.begin(), numbers.end());
  again(numbers);
}

void Sequencer::again(std::vector<std::size_t>& numbers) {
  if (random_) std::shuffle(numbers.begin(), numbers.end(), *random_);
}

}  // namespace detail

}  // namespace bellman::simt
