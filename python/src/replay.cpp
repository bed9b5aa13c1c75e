// The replay and its sum-tree.
#include <cstdint>
#include <utility>

#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "python/src/bindings.h"
#include "rl/replay/host_replay.h"
#include "rl/replay/sum_tree.h"

namespace bellman::python {
namespace {

struct ReplayOptions {
  Index capacity;
  Shape observation_shape;
  Index num_envs, n_step;
  double gamma;
  bool prioritized;
  double alpha, epsilon;
  std::uint64_t seed;
  Index max_batch;
};

HostReplay replay_of(const ReplayOptions& o) {
  ReplayRing ring(o.capacity, o.num_envs, o.n_step, o.gamma);
  std::unique_ptr<Sampler> sampler;
  if (o.prioritized)
    sampler = std::make_unique<PrioritizedSampler>(ring.capacity(), o.seed,
                                                   PriorityPower{.alpha = o.alpha, .epsilon = o.epsilon});
  else
    sampler = std::make_unique<UniformSampler>(ring.capacity(), o.seed);
  return {std::move(ring), std::move(sampler), o.observation_shape.elements(), ObservationType::kFloat32,
          o.max_batch};
}

class ReplayBuffer {
 public:
  ReplayBuffer(Index capacity, const std::vector<Index>& observation_shape, Index num_envs, Index n_step,
               double gamma, bool prioritized, double alpha, double epsilon, std::uint64_t seed,
               Index batch_size)
      : shape_(shape_from(observation_shape)),
        replay_(replay_of(
            {capacity, shape_, num_envs, n_step, gamma, prioritized, alpha, epsilon, seed, batch_size})) {}

  void begin_episode(Index env, const In<float>& observation) {
    replay_.begin_episode(env, checked(observation));
  }
  void add(Index env, std::int32_t action, float reward, bool terminated, bool truncated,
           const In<float>& next_observation) {
    replay_.add(env, action, reward, terminated, truncated, checked(next_observation));
  }
  Index size() const { return replay_.size(); }

  nb::dict sample(std::uint64_t learn_step, double beta) {
    const Batch batch = replay_.sample(learn_step, beta);
    if (batch.slots.empty()) fail("sample: no transition is complete yet");
    const auto n = static_cast<Index>(batch.slots.size());
    nb::dict out;
    out["slots"] = copy_of(batch.slots);
    out["observations"] = gathered(batch, batch.slots);
    out["next_observations"] = gathered(batch, batch.next_slots);
    out["actions"] = copy_of(batch.actions);
    out["rewards"] = copy_of(batch.rewards);
    out["discounts"] = copy_of(batch.discounts);
    out["terminated"] = copy_of(batch.terminated);
    out["weights"] = copy_of(batch.weights);
    last_ = n;
    last_batch_ = batch;
    return out;
  }
  void update_priorities(const In<float>& td_errors) {
    if (last_ == 0) fail("update_priorities: nothing was sampled");
    require_size(td_errors, last_, "update_priorities: td_errors");
    replay_.update_priorities(last_batch_, span_of(td_errors));
  }

 private:
  std::span<const float> checked(const In<float>& observation) const {
    require_size(observation, shape_.elements(), "an observation");
    return span_of(observation);
  }
  template <class T>
  static nb::ndarray<nb::numpy, T> copy_of(std::span<const T> values) {
    return array_of(std::vector<T>(values.begin(), values.end()), {static_cast<Index>(values.size())});
  }
  nb::ndarray<nb::numpy, float> gathered(const Batch& batch, std::span<const Index> slots) const {
    const auto n = static_cast<Index>(slots.size());
    std::vector<float> rows(static_cast<std::size_t>(n * shape_.elements()));
    batch.observations->gather(rows, slots);
    return array_of(std::move(rows), shape_.with_batch(n));
  }

  Shape shape_;
  HostReplay replay_;
  Batch last_batch_;
  Index last_ = 0;  // transitions of the last sample
};

void set_many(SumTree& tree, const In<Index>& indices, const In<double>& weights) {
  tree.set_many(span_of(indices), span_of(weights));
}
nb::ndarray<nb::numpy, Index> find_many(const SumTree& tree, const In<double>& masses) {
  std::vector<Index> found(masses.size());
  tree.find_many(found, span_of(masses));
  return array_of(std::move(found), shape_of(masses));
}

}  // namespace

void bind_replay(nb::module_& m) {
  nb::class_<ReplayBuffer>(
      m, "ReplayBuffer",
      "A replay that keeps each observation once; n-step returns are made when a batch is drawn.")
      .def(nb::init<Index, const std::vector<Index>&, Index, Index, double, bool, double, double,
                    std::uint64_t, Index>(),
           nb::arg("capacity"), nb::arg("observation_shape"), nb::arg("num_envs") = 1, nb::arg("n_step") = 1,
           nb::arg("gamma") = 0.99, nb::arg("prioritized") = false, nb::arg("alpha") = 0.6,
           nb::arg("epsilon") = 1e-6, nb::arg("seed") = 1, nb::arg("batch_size") = 32)
      .def("begin_episode", &ReplayBuffer::begin_episode, nb::arg("env"), nb::arg("observation"),
           "Environment env starts an episode with this observation.")
      .def("add", &ReplayBuffer::add, nb::arg("env"), nb::arg("action"), nb::arg("reward"),
           nb::arg("terminated"), nb::arg("truncated"), nb::arg("next_observation"),
           "Environment env made a step; at an episode's end next_observation is the real last one.")
      .def("__len__", &ReplayBuffer::size, "How many transitions can be sampled.")
      .def("sample", &ReplayBuffer::sample, nb::arg("learn_step"), nb::arg("beta") = 1.0,
           "The batch of the learn step of that number: slots, observations, next_observations, actions, "
           "rewards (of n "
           "steps), discounts (gamma^k), terminated, weights.")
      .def("update_priorities", &ReplayBuffer::update_priorities, nb::arg("td_errors"),
           "The TD errors of the last sample.");
  nb::class_<SumTree>(m, "SumTree", "Weights with their sums: draws an index in proportion to its weight.")
      .def(nb::init<Index>(), nb::arg("capacity"))
      .def("__len__", &SumTree::capacity, "The number of weights.")
      .def("__getitem__", &SumTree::get, nb::arg("index"), "A weight.")
      .def("__setitem__", &SumTree::set, nb::arg("index"), nb::arg("weight"), "Sets a weight.")
      .def("set_many", &set_many, nb::arg("indices"), nb::arg("weights"),
           "Sets weights, one after the other.")
      .def("find", &SumTree::find, nb::arg("mass"),
           "The index i with w_0 + .. + w_(i-1) <= mass < w_0 + .. + w_i.")
      .def("find_many", &find_many, nb::arg("masses"), "find() of each mass.")
      .def_prop_ro("total", &SumTree::total, "The sum of all weights.");
}

}  // namespace bellman::python
