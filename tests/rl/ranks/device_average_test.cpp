// The mean over ranks of gradients in a device's memory: the kernel, the chunks and the exchange, against the host's.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/base/check.h"
#include "core/base/rng.h"
#include "rl/ranks/device_gradient_average.h"
#include "rl/ranks/device_link.h"
#include "rl/ranks/host_exchange.h"
#include "rl/ranks/ranked_gradient_average.h"
#include "tests/support/backends.h"
#include "tests/support/error_message.h"
#include "tests/support/ranks/thread_ranks.h"

namespace bellman::test {
namespace {

/// Number i of rank r's gradient in a round, of very different sizes: another order of a sum has other bits.
float number_of(Index rank, std::size_t i, std::uint32_t round) {
  const RandomWords words = random_words({11, Purpose::kTest, static_cast<std::uint32_t>(rank)}, i, round);
  return static_cast<float>((uniform_double(words[0], words[1]) - 0.5) *
                            std::ldexp(1.0, static_cast<int>(words[2] % 20)));
}

Block<float> uploaded(Backend& backend, const std::vector<float>& numbers) {
  Block<float> block(backend, numbers.size() * sizeof(float));
  backend.upload(block.data(), numbers.data(), block.bytes());
  return block;
}
std::vector<float> downloaded(Backend& backend, const Block<float>& block) {
  std::vector<float> numbers(block.bytes() / sizeof(float));
  backend.download(numbers.data(), block.data(), block.bytes());
  return numbers;
}

TEST_CASE("the mean of ranks is their sum in rank order by their number, to the bit") {
  for (const std::unique_ptr<DeviceBackend>& device : device_backends())
    for (const Index ranks : {1, 2, 3, 4, 5})
      for (const Index columns : {1, 31, 32, 33, 256, 257, 5000}) {
        CAPTURE(device->name());
        CAPTURE(ranks);
        CAPTURE(columns);
        std::vector<float> parts(static_cast<std::size_t>(ranks * columns)), expected;
        for (std::size_t i = 0; i < parts.size(); ++i) parts[i] = number_of(0, i, 0);
        for (Index c = 0; c < columns; ++c) {
          float sum = parts[static_cast<std::size_t>(c)];
          for (Index r = 1; r < ranks; ++r) sum += parts[static_cast<std::size_t>(r * columns + c)];
          expected.push_back(sum / static_cast<float>(ranks));
        }
        const Block<float> in = uploaded(*device, parts);
        const Block<float> out = uploaded(*device, std::vector<float>(static_cast<std::size_t>(columns)));
        device->rank_ops().mean_of_ranks(out.view<float>({columns}), in.view<const float>({ranks, columns}));
        CHECK(downloaded(*device, out) == expected);
      }
}

TEST_CASE("the mean of ranks refuses shapes that do not fit together") {
  const std::unique_ptr<DeviceBackend> simt = make_simt_backend();
  const Block<float> block(*simt, 64);
  const auto refusal = [&](const Shape& mean, const Shape& parts) {
    return error_message(
        [&] { simt->rank_ops().mean_of_ranks(block.view<float>(mean), block.view<const float>(parts)); });
  };
  CHECK(refusal({3}, {2, 4}) == "mean_of_ranks: mean has shape (3) but (4) follows from parts (2,4)");
  CHECK(refusal({4}, {8}) == "mean_of_ranks: parts has shape (8) but (N,C) is expected: 2 dimensions");
  CHECK(refusal({4}, {0, 4}) == "mean_of_ranks: parts has shape (0,4), which holds no elements");
}

/// Counts what goes through another exchange.
class CountedExchange final : public DeviceExchange {
 public:
  explicit CountedExchange(DeviceExchange& inner) : inner_(inner) {}
  std::string description() const override { return inner_.description(); }
  void all_to_all(Tensor in, ConstTensor out) override {
    ++exchanges;
    inner_.all_to_all(in, out);
  }
  void all_gather(Tensor all) override {
    ++gathers;
    inner_.all_gather(all);
  }
  int exchanges = 0, gathers = 0;

 private:
  DeviceExchange& inner_;
};

/// What each rank's gradient and loss have become.
struct Mean {
  std::vector<float> gradient;
  float loss = 0;
  friend bool operator==(const Mean&, const Mean&) = default;
};

Mean of_rank(int rank, std::size_t size, std::uint32_t round) {
  Mean mean{std::vector<float>(size), number_of(rank, size, round)};
  for (std::size_t i = 0; i < size; ++i) mean.gradient[i] = number_of(rank, i, round);
  return mean;
}

/// A rank's device and what lies in its memory. It lives until all ranks are done: memory of the executor is released
/// while no other thread uses a stream (cuda/base/runtime.h).
struct RankDevice {
  explicit RankDevice(std::size_t size)
      : device(make_simt_backend()),
        gradient(uploaded(*device, std::vector<float>(size))),
        loss(uploaded(*device, {0})) {}

  Mean average(const Mean& own) const {
    device->upload(gradient.data(), own.gradient.data(), gradient.bytes());
    device->upload(loss.data(), &own.loss, sizeof(float));
    mean->average(gradient.view<float>({static_cast<Index>(own.gradient.size())}), loss.view<float>({1}));
    return {downloaded(*device, gradient), downloaded(*device, loss).front()};
  }

  std::unique_ptr<DeviceBackend> device;
  Block<float> gradient, loss;
  std::unique_ptr<DeviceGradientAverage> mean;
};

/// As on_thread_ranks, with a device for each.
void on_devices(int ranks, std::size_t size, const std::function<void(Ranks&, RankDevice&)>& work) {
  std::vector<RankDevice> devices;
  for (int r = 0; r < ranks; ++r) devices.emplace_back(size);
  on_thread_ranks(ranks, [&](Ranks& self) { work(self, devices[static_cast<std::size_t>(self.rank())]); });
}

Mean mean_on_host(RankedGradientAverage& average, Mean own) {
  average.average(Tensor(own.gradient.data(), {static_cast<Index>(own.gradient.size())}),
                  Tensor(&own.loss, {1}));
  return own;
}

constexpr std::size_t kChunked = 0, kWhole = std::size_t{1} << 30, kByDefault = std::size_t{1} << 16;

TEST_CASE("a device's mean has the host's bits on every rank: whole or in chunks, for any size") {
  constexpr std::size_t kLastWhole = kByDefault / sizeof(float) - 1;
  for (const int ranks : {1, 2, 3, 4})
    for (const std::size_t size : {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{7},
                                   std::size_t{1000}, kLastWhole, kLastWhole + 1, std::size_t{40'001}})
      for (const std::size_t small : {kChunked, kByDefault, kWhole})
        on_devices(ranks, size, [&](Ranks& self, RankDevice& own_device) {
          DeviceBackend& device = *own_device.device;
          HostExchange exchange(self, device);
          CountedExchange counted(exchange);
          own_device.mean =
              std::make_unique<DeviceGradientAverage>(device, device.rank_ops(), self, &counted, small);
          RankedGradientAverage on_host(self);
          for (std::uint32_t round = 0; round < 2; ++round) {
            const Mean own = of_rank(self.rank(), size, round);
            if (own_device.average(own) != mean_on_host(on_host, own))
              fail("rank ", self.rank(), " of ", ranks, ": another mean of ", size, " numbers, below ", small,
                   " bytes whole");
          }
          const bool is_whole = size * sizeof(float) < small;
          if (counted.gathers != 2 || counted.exchanges != (is_whole ? 0 : 2))
            fail(counted.exchanges, " exchanges and ", counted.gathers, " gathers for two gradients of ",
                 size, " numbers, below ", small, " bytes whole");
        });
}

TEST_CASE("without an exchange a device's mean goes through host memory") {
  constexpr std::size_t kSize = 20'000;
  on_devices(3, kSize, [&](Ranks& self, RankDevice& own_device) {
    DeviceBackend& device = *own_device.device;
    own_device.mean = std::make_unique<DeviceGradientAverage>(device, device.rank_ops(), self);
    RankedGradientAverage on_host(self);
    const Mean own = of_rank(self.rank(), kSize, 0);
    if (own_device.average(own) != mean_on_host(on_host, own)) fail("another mean");
  });
}

TEST_CASE("one rank's mean on a device, by NCCL where there is a GPU, is its own gradient") {
  constexpr std::size_t kSize = 40'001;
  for (const std::unique_ptr<DeviceBackend>& device : device_backends())
    on_thread_ranks(1, [&](Ranks& self) {
      const DeviceLink link = link_devices(device->rank_ops(), self);
      std::printf("%s, one rank: %s\n", device->name(),
                  (link.exchange ? link.exchange->description() : link.reason).c_str());
      for (const std::size_t small : {kChunked, kWhole}) {
        DeviceGradientAverage average(*device, device->rank_ops(), self, link.exchange.get(), small);
        const Mean own = of_rank(0, kSize, 0);
        const Block<float> gradient = uploaded(*device, own.gradient), loss = uploaded(*device, {own.loss});
        average.average(gradient.view<float>({static_cast<Index>(kSize)}), loss.view<float>({1}));
        if (downloaded(*device, gradient) != own.gradient || downloaded(*device, loss).front() != own.loss)
          fail(device->name(), ": another gradient");
      }
    });
}

// ---- how devices are linked

/// A device that tells what it was asked.
class FakeRankOps final : public RankOps {
 public:
  FakeRankOps(std::string id, std::string reason) : id_(std::move(id)), reason_(std::move(reason)) {}
  std::string device_id() const override { return id_; }
  std::string no_exchange_reason() override { return reason_; }
  std::string new_exchange_id() override { return std::string("of \0 ", 5) + id_; }
  std::unique_ptr<DeviceExchange> make_exchange(int rank, int ranks, const std::string& id) override {
    asked = std::to_string(rank) + " of " + std::to_string(ranks) + ": " + id;
    return std::make_unique<NoExchange>();
  }
  std::string asked;

 private:
  class NoExchange final : public DeviceExchange {
   public:
    std::string description() const override { return "none"; }
    void all_to_all(Tensor, ConstTensor) override {}
    void all_gather(Tensor) override {}
  };
  void do_mean_of_ranks(Tensor, ConstTensor) override {}

  std::string id_, reason_;
};

struct LinkCase {
  std::vector<std::string> ids, reasons;
  std::string reason;
};

TEST_CASE("devices are linked when all can be, with what rank 0 tells; otherwise all ranks know why not") {
  const LinkCase cases[] = {
      {{"A", "B", "C"}, {"", "", ""}, ""},
      {{"A", "B", "A"}, {"", "", ""}, "ranks 0 and 2 use one device, A, and NCCL takes one for each rank"},
      {{"A", "B", "C"}, {"", "NCCL is missing: libnccl.so.2", ""}, "rank 1: NCCL is missing: libnccl.so.2"},
      {{"A", "A", "A"}, {"", "", "BELLMAN_NCCL is off"}, "rank 2: BELLMAN_NCCL is off"},
  };
  for (const LinkCase& each : cases)
    on_thread_ranks(3, [&](Ranks& self) {
      const auto r = static_cast<std::size_t>(self.rank());
      FakeRankOps ops(each.ids[r], each.reasons[r]);
      const DeviceLink link = link_devices(ops, self);
      if (link.reason != each.reason) fail("rank ", r, " knows: ", link.reason);
      if ((link.exchange != nullptr) != each.reason.empty()) fail("rank ", r, " is linked, or is not");
      const std::string told = std::to_string(r) + " of 3: " + std::string("of \0 A", 6);
      if (ops.asked != (each.reason.empty() ? told : "")) fail("rank ", r, " was asked: ", ops.asked);
    });
}

TEST_CASE("the executor of kernels has no exchange of its own") {
  on_thread_ranks(2, [&](Ranks& self) {
    const std::unique_ptr<DeviceBackend> device = make_simt_backend();
    const DeviceLink link = link_devices(device->rank_ops(), self);
    if (link.exchange || link.reason != "rank 0: the executor has no NCCL") fail("linked: ", link.reason);
  });
}

}  // namespace
}  // namespace bellman::test
