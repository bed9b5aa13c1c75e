#include "python/src/python_envs.h"

#include <algorithm>
#include <cstdint>
#include <tuple>
#include <utility>

#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

namespace bellman::python {
namespace {

/// A Python object that may be released by a thread without the interpreter's lock.
class Held {
 public:
  explicit Held(nb::object object) : object_(std::move(object)) {}
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;
  ~Held() {
    const nb::gil_scoped_acquire lock;
    object_.reset();
  }
  const nb::object& get() const { return object_; }

 private:
  nb::object object_;
};

template <class T>
T* data_of(const nb::object& bridge, const char* name) {
  // The bridge keeps the array, and no other array takes its place.
  return nb::cast<nb::ndarray<T, nb::c_contig, nb::device::cpu>>(bridge.attr(name), false).data();
}

/// The bridge, and where its arrays lie.
struct Bridge {
  explicit Bridge(const nb::object& object)
      : held(object),
        observations(data_of<float>(object, "observations")),
        rewards(data_of<double>(object, "rewards")),
        terminated(data_of<bool>(object, "terminated")),
        truncated(data_of<bool>(object, "truncated")),
        began(data_of<bool>(object, "began")),
        actions(data_of<std::int32_t>(object, "actions")) {
    spec.id = nb::cast<std::string>(object.attr("id"));
    for (const Index extent : nb::cast<std::vector<Index>>(object.attr("shape")))
      spec.observation_shape.append(extent);
    spec.num_actions = nb::cast<int>(object.attr("num_actions"));
    spec.byte_observations = nb::cast<bool>(object.attr("has_bytes"));
    spec.reward_threshold = nb::cast<double>(object.attr("reward_threshold"));
    for (int a = 0; a < spec.num_actions; ++a) spec.action_names.push_back(std::to_string(a));
    size = nb::cast<Index>(object.attr("num_envs"));
    can_evaluate = nb::cast<bool>(object.attr("can_evaluate"));
  }

  Held held;
  EnvSpec spec;
  Index size = 0;
  bool can_evaluate = false;
  float* observations;  // (E,I), here and below: what the bridge's methods write
  double* rewards;      // (E)
  bool *terminated, *truncated, *began;
  std::int32_t* actions;  // (E): what they read
};

class PythonBatch final : public BatchEnv {
 public:
  explicit PythonBatch(std::shared_ptr<Bridge> bridge, std::uint64_t seed)
      : bridge_(std::move(bridge)), width_(bridge_->spec.observation_shape.elements()) {
    const nb::gil_scoped_acquire lock;
    bridge_->held.get().attr("begin")(seed);
  }

  const EnvSpec& spec() const override { return bridge_->spec; }
  Index size() const override { return bridge_->size; }

  void reset(std::span<float> observations, std::span<const Index> which) override {
    const nb::gil_scoped_acquire lock;
    for (const Index e : which) {
      bridge_->held.get().attr("reset")(e);
      std::copy_n(bridge_->observations + e * width_, width_, observations.data() + e * width_);
    }
  }

  std::span<const Index> step(std::span<StepResult> results, std::span<float> observations, Index first,
                              std::span<const std::int32_t> actions) override {
    if (first != 0 || static_cast<Index>(actions.size()) != size())
      fail(spec().id, ": its environments step together only");
    std::copy(actions.begin(), actions.end(), bridge_->actions);
    {
      const nb::gil_scoped_acquire lock;
      bridge_->held.get().attr("step")();
    }
    std::copy_n(bridge_->observations, size() * width_, observations.data());
    ended_.clear();
    for (Index e = 0; e < size(); ++e) {
      StepResult& result = results[static_cast<std::size_t>(e)];
      result = {.reward = static_cast<float>(bridge_->rewards[e]),
                .terminated = bridge_->terminated[e],
                .truncated = bridge_->truncated[e],
                .began = bridge_->began[e]};
      if (result.terminated || result.truncated) ended_.push_back(e);
    }
    return ended_;
  }

  std::vector<double> state(Index) const override { return cannot_be_saved(); }
  void set_state(Index, std::span<const double>) override { cannot_be_saved(); }

 private:
  std::vector<double> cannot_be_saved() const {
    fail(spec().id, ": an environment of Python cannot be saved");
  }

  std::shared_ptr<Bridge> bridge_;
  Index width_;
  std::vector<Index> ended_;
};

/// Before it is seeded, no environment at all: the engine asks for its description and for a batch.
class PythonEnv final : public Env {
 public:
  explicit PythonEnv(std::shared_ptr<Bridge> bridge) : bridge_(std::move(bridge)) {}

  const EnvSpec& spec() const override { return bridge_->spec; }
  Index least_batch() const override { return 1; }
  std::unique_ptr<BatchEnv> batch(Index copies, const RandomStream& first) const override {
    if (first.purpose != Purpose::kEnvironment || first.index != 0 || copies != bridge_->size)
      fail(spec().id, ": there are ", bridge_->size, " environments, not ", copies);
    return std::make_unique<PythonBatch>(bridge_, first.seed);
  }

  void seed(const RandomStream& stream) override {
    stream_ = stream;
    is_seeded_ = true;
  }
  void reset() override {
    if (!bridge_->can_evaluate) return;
    const nb::gil_scoped_acquire lock;
    if (!own_) {
      const nb::object own = bridge_->held.get().attr("new_env")();
      observation_ = data_of<float>(own, "observations");
      own_ = std::make_unique<Held>(own);
    }
    if (is_seeded_) own_->get().attr("begin")(derived_seed(stream_.seed, stream_.index));
    is_seeded_ = false;
    own_->get().attr("reset")(0);
  }
  StepResult step(int action) override {
    if (!own_) return {.reward = 0, .terminated = true};
    const nb::gil_scoped_acquire lock;
    const auto [reward, terminated, truncated] =
        nb::cast<std::tuple<double, bool, bool>>(own_->get().attr("step_one")(action));
    return {.reward = static_cast<float>(reward), .terminated = terminated, .truncated = truncated};
  }
  void observe(std::span<float> out) const override {
    if (own_)
      std::copy_n(observation_, out.size(), out.data());
    else
      std::fill(out.begin(), out.end(), 0.0F);
  }

  std::vector<double> state() const override {
    fail(spec().id, ": an environment of Python cannot be saved");
  }
  void set_state(std::span<const double>) override { state(); }
  void set_physical_state(std::span<const double>) override { state(); }

 private:
  std::shared_ptr<Bridge> bridge_;
  std::unique_ptr<Held> own_;
  const float* observation_ = nullptr;  // (I), of own_
  RandomStream stream_{};
  bool is_seeded_ = false;
};

}  // namespace

EnvFactory python_env_factory(const nb::object& object) {
  return [bridge = std::make_shared<Bridge>(object)] { return std::make_unique<PythonEnv>(bridge); };
}

}  // namespace bellman::python
