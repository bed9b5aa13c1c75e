#include "rl/ranks/device_gradient_average.h"

#include "core/base/check.h"
#include "rl/ranks/host_exchange.h"

namespace bellman {
namespace {

std::size_t bytes_of(Index numbers) { return static_cast<std::size_t>(numbers) * sizeof(float); }

/// Row r of t(N,C), as (C).
Tensor row(Tensor t, Index r) { return {t.data() + r * t[1], {t[1]}}; }

}  // namespace

DeviceGradientAverage::DeviceGradientAverage(Backend& backend, RankOps& ops, Ranks& ranks,
                                             DeviceExchange* exchange, std::size_t small)
    : backend_(backend),
      ops_(ops),
      through_host_(exchange ? nullptr : std::make_unique<HostExchange>(ranks, backend)),
      exchange_(exchange ? *exchange : *through_host_),
      rank_(ranks.rank()),
      ranks_(ranks.size()),
      small_(small) {}

/// The numbers of a rank are the gradient and, after it, the loss. Rows are all as long: what is left of the last ones is zero
/// and stays so.
void DeviceGradientAverage::allocate(Index elements) {
  elements_ = elements;
  is_whole_ = bytes_of(elements) < small_;
  const Index numbers = elements + 1;
  const Index columns = is_whole_ ? numbers : (numbers + ranks_ - 1) / ranks_;
  const Shape rows = {ranks_, columns};
  parts_block_ = Block<float>(backend_, bytes_of(rows.elements()));
  parts_ = parts_block_.view<float>(rows);
  numbers_block_ = Block<float>(backend_, bytes_of(is_whole_ ? numbers : rows.elements()));
  numbers_ = numbers_block_.view<float>(is_whole_ ? Shape{numbers} : rows);
}

void DeviceGradientAverage::average(Tensor gradient, Tensor loss) {
  if (elements_ == 0) allocate(gradient.elements());
  BELLMAN_CHECK(gradient.elements() == elements_);
  float* const own = is_whole_ ? row(parts_, rank_).data() : numbers_.data();
  backend_.copy(own, gradient.data(), bytes_of(elements_));
  backend_.copy(own + elements_, loss.data(), sizeof(float));
  if (is_whole_) {
    exchange_.all_gather(parts_);
    ops_.mean_of_ranks(numbers_, parts_);
  } else {
    exchange_.all_to_all(parts_, numbers_);
    ops_.mean_of_ranks(row(numbers_, rank_), parts_);
    exchange_.all_gather(numbers_);
  }
  backend_.copy(gradient.data(), numbers_.data(), bytes_of(elements_));
  backend_.copy(loss.data(), numbers_.data() + elements_, sizeof(float));
}

}  // namespace bellman
