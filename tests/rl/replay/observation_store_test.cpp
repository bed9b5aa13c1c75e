#include "rl/replay/observation_store.h"

#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/base/check.h"
#include "core/base/rng.h"

using namespace bellman;

TEST_CASE("an observation that was stored is gathered, in any order, repeatedly") {
  for (const ObservationType type : {ObservationType::kFloat32, ObservationType::kUint8}) {
    ObservationStore store(5, 3, type);
    for (Index slot = 0; slot < 5; ++slot) {
      const float x = static_cast<float>(10 * slot);
      store.store(slot, std::vector<float>{x, x + 1, 255});
    }
    store.store(2, std::vector<float>{7, 8, 0});  // overwritten
    std::vector<float> out(12);
    store.gather(out, std::vector<Index>{4, 2, 0, 4});
    CHECK(out == std::vector<float>{40, 41, 255, 7, 8, 0, 0, 1, 255, 40, 41, 255});
    CHECK(store.type() == type);
    CHECK(ObservationStore::bytes_needed(5, 3, type) == (type == ObservationType::kFloat32 ? 60 : 15));
  }
}

TEST_CASE("floats are stored to the bit") {
  ObservationStore store(1, 4, ObservationType::kFloat32);
  const std::vector<float> in = {-0.1F, 1e-40F, 3e38F, -0.0F};
  store.store(0, in);
  std::vector<float> out(4);
  store.gather(out, std::vector<Index>{0});
  CHECK(out == in);
}

TEST_CASE("a byte store refuses what is no byte, naming value and index, and keeps what it held") {
  ObservationStore store(2, 3, ObservationType::kUint8);
  store.store(1, std::vector<float>{1, 2, 3});
  for (float wrong : {-1.0F, 256.0F, 0.5F, 254.99998F, std::numeric_limits<float>::quiet_NaN(),
                      std::numeric_limits<float>::infinity()}) {
    CAPTURE(wrong);
    CHECK_THROWS_AS(store.store(1, std::vector<float>{9, 9, wrong}), Error);
  }
  CHECK_THROWS_WITH_AS(
      store.store(1, std::vector<float>{9, 0.5F, 9}),
      "element 1 of an observation is 0.5, must be a whole number from 0 to 255 to be stored as a byte",
      Error);
  std::vector<float> out(3);
  store.gather(out, std::vector<Index>{1});
  CHECK(out == std::vector<float>{1, 2, 3});
}

TEST_CASE("wrong sizes and slots are errors") {
  CHECK_THROWS_AS(ObservationStore(0, 1, ObservationType::kFloat32), Error);
  CHECK_THROWS_AS(ObservationStore(1, 0, ObservationType::kFloat32), Error);
  ObservationStore store(2, 3, ObservationType::kFloat32);
  std::vector<float> three(3), four(4);
  CHECK_THROWS_AS(store.store(2, three), Error);
  CHECK_THROWS_AS(store.store(-1, three), Error);
  CHECK_THROWS_AS(store.store(0, four), Error);
  CHECK_THROWS_AS(store.gather(four, std::vector<Index>{0}), Error);
  CHECK_THROWS_AS(store.gather(three, std::vector<Index>{2}), Error);
}

TEST_CASE("a store larger than memory is refused before it is allocated") {
  // 4 exabytes, and more than can be counted.
  CHECK_THROWS_WITH_AS(ObservationStore(Index{1} << 40, Index{1} << 20, ObservationType::kFloat32),
                       doctest::Contains("the replay's observations needs 4611686018427387904 bytes"), Error);
  CHECK_THROWS_WITH_AS(ObservationStore(Index{1} << 40, Index{1} << 40, ObservationType::kUint8),
                       doctest::Contains("beyond what can be counted"), Error);
}

TEST_CASE("a store whose state is restored holds the same, in the slots that were written") {
  for (const ObservationType type : {ObservationType::kFloat32, ObservationType::kUint8}) {
    ObservationStore store(6, 2, type), copy(6, 2, type);
    for (const Index slot : {0, 1, 3}) store.store(slot, std::vector<float>{static_cast<float>(slot), 200});
    store.store(5, std::vector<float>{9, 9});  // in no range: not written, as far as the ring knows
    const RowRanges written = {{0, 2}, {3, 4}};
    TensorFile file;
    StateWriter out(file);
    store.save(out, written);
    CHECK(file.tensors[0].bytes.size() == (type == ObservationType::kFloat32 ? 24 : 6));
    const StateReader in(file, "F");
    copy.load(in, written);
    std::vector<float> all(12);
    copy.gather(all, std::vector<Index>{0, 1, 2, 3, 4, 5});
    CHECK(all == std::vector<float>{0, 200, 1, 200, 0, 0, 3, 200, 0, 0, 0, 0});
    CHECK_THROWS_WITH_AS(copy.load(in, RowRanges{{0, 2}}), doctest::Contains("F: replay.observations has"),
                         Error);
  }
}
