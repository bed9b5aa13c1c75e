// The parts that training over ranks is made of.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "core/base/check.h"
#include "core/base/rng.h"
#include "rl/ranks/rank_states.h"
#include "rl/ranks/ranked_gradient_average.h"
#include "rl/ranks/ranked_learner.h"
#include "rl/state/rank_share.h"
#include "tests/support/error_message.h"
#include "tests/support/ranks/thread_ranks.h"

namespace bellman::test {
namespace {

TEST_CASE("shares are consecutive, equal up to one, and owner_of is their inverse") {
  for (const Index total : {0, 1, 5, 6, 7, 64, 100})
    for (const int ranks : {1, 2, 3, 7, 9}) {
      Index next = 0;
      for (int r = 0; r < ranks; ++r) {
        const RankShare share = share_of(total, r, ranks);
        CHECK(share.first == next);
        CHECK((share.count == total / ranks || share.count == total / ranks + 1));
        for (Index i = share.first; i < share.end(); ++i) CHECK(owner_of(i, total, ranks) == r);
        next = share.end();
      }
      CHECK(next == total);
    }
}

TEST_CASE(
    "a batch is dealt in equal shares, own transitions first, what is too much to the lowest with room") {
  const auto dealt = [](std::vector<int> owners, int ranks) {
    BatchDeal deal{.owners = std::move(owners), .ranks = {}};
    deal_batch(deal, ranks);
    return deal.ranks;
  };
  CHECK(dealt({0, 1, 0, 1}, 2) == std::vector{0, 1, 0, 1});
  CHECK(dealt({0, 0, 0, 0}, 2) == std::vector{0, 0, 1, 1});
  CHECK(dealt({2, 2, 2, 0, 2, 2}, 3) == std::vector{2, 2, 0, 0, 1, 1});
  CHECK(dealt({1, 1, 1}, 2) == std::vector{1, 0, 0});  // rank 0 has two of three

  for (std::uint64_t step = 0; step < 50; ++step) {
    const int ranks = 1 + static_cast<int>(step % 6);
    std::vector<int> owners;
    for (std::uint32_t n = 0; n < 40; ++n)
      owners.push_back(static_cast<int>(random_words({3, Purpose::kTest, 0}, step, n)[0] %
                                        static_cast<std::uint32_t>(ranks)));
    const std::vector<int> who = dealt(owners, ranks);
    for (int r = 0; r < ranks; ++r) {
      const Index share = share_of(40, r, ranks).count;
      CHECK(std::ranges::count(who, r) == share);
      Index kept = 0;
      for (std::size_t n = 0; n < owners.size(); ++n) kept += owners[n] == r && who[n] == r;
      CHECK(kept == std::min<Index>(share, std::ranges::count(owners, r)));
    }
  }
}

/// A number of rank r's gradient, of very different sizes.
float number_of(int rank, std::size_t i) {
  const RandomWords words = random_words({7, Purpose::kTest, static_cast<std::uint32_t>(rank)}, i);
  return static_cast<float>((uniform_double(words[0], words[1]) - 0.5) *
                            std::ldexp(1.0, static_cast<int>(words[2] % 20)));
}

TEST_CASE("a gradient's mean is the sum in rank order, to the bit, whole or in chunks") {
  for (const int ranks : {2, 3, 8})
    for (const std::size_t size : {std::size_t{1}, std::size_t{7}, std::size_t{1000}}) {
      CAPTURE(ranks);
      CAPTURE(size);
      std::vector<float> expected(size);
      for (std::size_t i = 0; i < size; ++i) {
        float sum = number_of(0, i);
        for (int r = 1; r < ranks; ++r) sum += number_of(r, i);
        expected[i] = sum / static_cast<float>(ranks);
      }
      float expected_loss = 0;
      for (int r = 0; r < ranks; ++r) expected_loss += static_cast<float>(r + 1);
      expected_loss /= static_cast<float>(ranks);
      for (const std::size_t small : {std::size_t{0}, std::size_t{1} << 30})
        on_thread_ranks(ranks, [&](Ranks& self) {
          RankedGradientAverage average(self, small);
          for (int again = 0; again < 2; ++again) {
            std::vector<float> gradient(size);
            for (std::size_t i = 0; i < size; ++i) gradient[i] = number_of(self.rank(), i);
            float loss = static_cast<float>(self.rank() + 1);
            average.average(gradient, loss);
            if (gradient != expected || loss != expected_loss)
              fail("rank ", self.rank(), " has another mean");
          }
        });
    }
}

TEST_CASE("parts of a state are put together in rank order, and wrong ones are refused") {
  const auto tensor = [](const char* name, DType dtype, std::vector<std::uint8_t> bytes) {
    FileTensor made{name, dtype, {bytes.size() / dtype_size(dtype)}, {}};
    made.bytes.resize(bytes.size());
    std::memcpy(made.bytes.data(), bytes.data(), bytes.size());
    return made;
  };
  TensorFile state;
  state.tensors = {tensor("replay.observations", DType::kU8, {1, 2}), tensor("env.0", DType::kU8, {9}),
                   tensor("trainer.timestep", DType::kU8, {5})};
  TensorFile part;
  part.tensors = {tensor("replay.observations", DType::kU8, {3}), tensor("env.1", DType::kU8, {8})};
  append_part(state, TensorFile(part), "P");
  CHECK(state.find("replay.observations")->bytes == tensor("", DType::kU8, {1, 2, 3}).bytes);
  CHECK(state.find("replay.observations")->shape == std::vector<std::uint64_t>{3});
  CHECK(state.find("env.1")->bytes == tensor("", DType::kU8, {8}).bytes);

  CHECK(error_message([&] { append_part(state, TensorFile(part), "P"); }) ==
        "P: env.1 is in another part, too");
  part.tensors = {tensor("trainer.timestep", DType::kU8, {6})};
  CHECK(error_message([&] { append_part(state, TensorFile(part), "P"); }) ==
        "P: trainer.timestep is no tensor of a part of a checkpoint");
  part.tensors = {tensor("replay.observations", DType::kF32, {0, 0, 0, 0})};
  CHECK(error_message([&] { append_part(state, TensorFile(part), "P"); }) ==
        "P: replay.observations does not continue the parts before it");
  part.tensors = {tensor("envs.observations", DType::kF32, {0, 0, 0, 0})};  // the first part has none
  CHECK(error_message([&] { append_part(state, TensorFile(part), "P"); }) ==
        "P: envs.observations does not continue the parts before it");
}

}  // namespace
}  // namespace bellman::test
