#include <vector>

#include <doctest/doctest.h>

#include "rl/replay/observation_store.h"
#include "rl/replay/replay_ring.h"
#include "rl/replay/running_normalizer.h"
#include "rl/replay/sampler.h"
#include "tests/support/counts/allocation_count.h"

using namespace bellman;

TEST_CASE("nothing on the way of a transition through the replay allocates") {
  ReplayRing ring(200, 2, 3, 0.99);
  UniformSampler uniform(ring.capacity(), 1);
  PrioritizedSampler prioritised(ring.capacity(), 1, {});
  ObservationStore floats(ring.capacity(), 4, ObservationType::kFloat32);
  ObservationStore bytes(ring.capacity(), 4, ObservationType::kUint8);
  RunningNormalizer normalizer(4);
  BatchArrays arrays(70);
  std::vector<float> observation = {1, 2, 3, 4}, gathered(70 * 4), td_errors(70, 0.5F);
  Index learned = 0;

  const std::size_t before = test::allocations();
  for (Index t = 0; t < 1000; ++t) {
    for (Index env = 0; env < 2; ++env) {
      // Episodes of 9 steps: every tenth write begins one.
      const ReplayWrite write =
          t % 10 == 0 ? ring.begin_episode(env) : ring.add(env, 1, 0.5F, t % 10 == 9, false);
      floats.store(write.slot, observation);
      bytes.store(write.slot, observation);
      normalizer.update(observation);
      uniform.on_write(write);
      prioritised.on_write(write);
    }
    if (ring.size() == 0) continue;
    for (Sampler* sampler : {static_cast<Sampler*>(&uniform), static_cast<Sampler*>(&prioritised)}) {
      sampler->set_beta(0.5);
      sampler->sample(static_cast<std::uint64_t>(t), arrays.slots, arrays.weights);
      const Batch batch = ring.assemble(arrays, 70);
      floats.gather(gathered, batch.slots);
      bytes.gather(gathered, batch.next_slots);
      normalizer.apply(gathered, gathered);
      sampler->on_td_error(batch.slots, td_errors);
      ++learned;
    }
  }
  CHECK(test::allocations() == before);
  CHECK(learned > 1900);
}
