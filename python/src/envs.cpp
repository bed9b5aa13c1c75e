// The built-in environments, one by one and in batches.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "apps/scene/scene.h"
#include "apps/scene/scene_raster.h"
#include "envs/control/continuous_env.h"
#include "envs/env.h"
#include "envs/grid/tabular_env.h"
#include "python/src/bindings.h"

namespace bellman::python {
namespace {

nb::dict description(const Env& env) {
  const EnvSpec& spec = env.spec();
  nb::dict out;
  out["id"] = spec.id;
  out["observation_shape"] = tuple_of(spec.observation_shape);
  out["num_actions"] = spec.num_actions;
  out["max_episode_steps"] = spec.max_episode_steps;
  out["reward_threshold"] = spec.reward_threshold;
  out["action_names"] = nb::cast(spec.action_names);
  out["is_gridworld"] = as_tabular(env) != nullptr;
  return out;
}

/// One environment. Random stream {seed, kEnvironment, 0}, as environment 0 of a run.
class SingleEnv {
 public:
  explicit SingleEnv(const Config& config) : env_(make_env(config.values.env)) {}

  nb::dict spec() const { return description(*env_); }
  void seed(std::uint64_t seed) { env_->seed({seed, Purpose::kEnvironment, 0}); }
  nb::ndarray<nb::numpy, float> reset() {
    env_->reset();
    return observation();
  }
  nb::tuple step(int action) {
    const StepResult result = env_->step(action);
    return nb::make_tuple(observation(), static_cast<double>(result.reward), result.terminated,
                          result.truncated);
  }
  nb::ndarray<nb::numpy, float> observation() const {
    const Shape& shape = env_->spec().observation_shape;
    std::vector<float> values(static_cast<std::size_t>(shape.elements()));
    env_->observe(values);
    return array_of(std::move(values), shape);
  }
  std::vector<double> state() const { return env_->state(); }
  void set_state(const std::vector<double>& state) { env_->set_state(state); }
  void set_physical_state(const std::vector<double>& values) { env_->set_physical_state(values); }

  std::string text(std::size_t columns, std::size_t rows) const {
    std::string lines;
    for (const std::string& line : scene_lines(scene_of(*env_), columns, rows)) lines += line + "\n";
    return lines;
  }
  /// (height, width, 3).
  nb::ndarray<nb::numpy, std::uint8_t> picture(std::size_t width, std::size_t height) const {
    const Raster raster = rasterise(scene_of(*env_), width, height);
    std::vector<std::uint8_t> bytes;
    bytes.reserve(3 * raster.pixels.size());
    for (const std::uint8_t pixel : raster.pixels) {
      const std::string_view hex = pixel == 0 ? "#ffffff" : tone_color(static_cast<Tone>(pixel - 1));
      for (std::size_t at = 1; at < 7; at += 2)
        bytes.push_back(static_cast<std::uint8_t>(std::stoi(std::string(hex.substr(at, 2)), nullptr, 16)));
    }
    return array_of(std::move(bytes), {static_cast<Index>(height), static_cast<Index>(width), 3});
  }

 private:
  std::unique_ptr<Env> env_;
};

/// What happens to an environment whose episode ended: gymnasium.vector.AutoresetMode.
enum class Autoreset { kNextStep, kSameStep, kDisabled };

/// E copies of an environment; copy e has random stream {seed, kEnvironment, e}.
class EnvBatch {
 public:
  EnvBatch(const Config& config, Index copies, int autoreset)
      : make_env_(env_factory(config.values.env)),
        copies_(copies),
        autoreset_(static_cast<Autoreset>(autoreset)) {
    seed(0);
    results_.resize(static_cast<std::size_t>(copies));
  }

  nb::dict spec() const { return description(*make_env_()); }

  void seed(std::uint64_t seed) {
    envs_ = make_batch_env(make_env_, copies_, {seed, Purpose::kEnvironment, 0});
    observation_size_ = envs_->spec().observation_shape.elements();
    ended_.clear();
    streams_.clear();
    for (Index e = 0; e < copies_; ++e)
      streams_.push_back({seed, Purpose::kEnvironment, static_cast<std::uint32_t>(e)});
    const std::unique_ptr<Env> env = make_env_();
    steps_together_ = copies_ >= env->least_batch() && as_continuous(*env) != nullptr;
  }

  /// Copy e of those that `mask` (E) marks begins random stream {seeds[e], kEnvironment, indices[e]}; the others go on.
  void seed_each(const std::vector<std::uint64_t>& seeds, const std::vector<std::uint32_t>& indices,
                 const In<bool>& mask) {
    require_size(mask, copies_, "seed_each: mask");
    for (const std::size_t count : {seeds.size(), indices.size()})
      if (static_cast<Index>(count) != copies_)
        fail("seed_each: ", count, " numbers for ", copies_, " copies");
    for (std::size_t e = 0; e < seeds.size(); ++e)
      if (mask.data()[e]) streams_[e] = {seeds[e], Purpose::kEnvironment, indices[e]};
    std::unique_ptr<BatchEnv> before = std::move(envs_);
    std::vector<std::unique_ptr<Env>> envs;
    for (const RandomStream& stream : streams_) {
      envs.push_back(make_env_());
      envs.back()->seed(stream);
    }
    envs_ = one_by_one(std::move(envs));
    for (Index e = 0; e < copies_; ++e)
      if (!mask.data()[e]) envs_->set_state(e, before->state(e));
    std::erase_if(ended_, [&](Index e) { return mask.data()[e]; });
    steps_together_ = false;
  }

  /// Resets those that `mask` (E) marks, and writes their rows of observations (E,I).
  void reset(const Out<float>& observations, const In<bool>& mask) {
    require_size(observations, copies_ * observation_size_, "reset: observations");
    require_size(mask, copies_, "reset: mask");
    which_.clear();
    for (Index e = 0; e < copies_; ++e)
      if (mask.data()[e]) which_.push_back(e);
    envs_->reset(span_of(observations), which_);
    std::erase_if(ended_, [&](Index e) { return mask.data()[e]; });
  }

  /// One step of all. With kSameStep, final_observations (E,I) gets the rows of those whose episodes ended. Returns how
  /// many did.
  Index step(const In<std::int32_t>& actions, const Out<float>& observations, const Out<double>& rewards,
             const Out<bool>& terminated, const Out<bool>& truncated, const Out<float>& final_observations) {
    require_size(actions, copies_, "step: actions");
    require_size(observations, copies_ * observation_size_, "step: observations");
    require_size(rewards, copies_, "step: rewards");
    require_size(terminated, copies_, "step: terminated");
    require_size(truncated, copies_, "step: truncated");
    const bool keeps_final = autoreset_ == Autoreset::kSameStep;
    if (keeps_final)
      require_size(final_observations, copies_ * observation_size_, "step: final_observations");
    for (std::size_t e = 0; e < results_.size(); ++e) check_action(actions.data()[e], static_cast<Index>(e));
    const nb::gil_scoped_release released;
    const std::span<float> seen = span_of(observations);
    step_running(span_of(actions), seen);
    for (std::size_t e = 0; e < results_.size(); ++e) {
      rewards.data()[e] = static_cast<double>(results_[e].reward);
      terminated.data()[e] = results_[e].terminated;
      truncated.data()[e] = results_[e].truncated;
    }
    const auto count = static_cast<Index>(ended_.size());
    if (keeps_final) {
      for (const Index e : ended_) copy_row(final_observations.data(), observations.data(), e);
      envs_->reset(seen, ended_);
      ended_.clear();
    }
    return count;
  }

  std::vector<double> state(Index e) const { return envs_->state(checked(e)); }
  void set_state(Index e, const std::vector<double>& state) { envs_->set_state(checked(e), state); }

 private:
  Index checked(Index e) const {
    if (e < 0 || e >= copies_) fail("there is no environment ", e, ", they are 0 to ", copies_ - 1);
    return e;
  }
  /// Before the first step of any: a refused vector step changes nothing.
  void check_action(std::int32_t action, Index e) const {
    const int count = envs_->spec().num_actions;
    if (action < 0 || action >= count)
      fail(envs_->spec().id, ": action ", action, " of environment ", e, " is not in [0, ", count, ")");
  }
  void copy_row(float* to, const float* from, Index e) const {
    std::copy_n(from + e * observation_size_, observation_size_, to + e * observation_size_);
  }

  /// Steps the copies whose episodes run, and resets the others: `ended_`, in order, of the step before.
  void step_running(std::span<const std::int32_t> actions, std::span<float> observations) {
    if (autoreset_ == Autoreset::kDisabled && !ended_.empty())
      fail("environment ", ended_.front(),
           " is over: reset it before the next step (options={\"reset_mask\": ...})");
    which_.swap(ended_);
    ended_.clear();
    if (steps_together_ && !which_.empty())
      step_all_and_take_back(actions, observations);
    else
      step_in_ranges(actions, observations);
    for (const Index e : which_) results_[static_cast<std::size_t>(e)] = {};
  }

  /// Copies that step together are faster whole: those that only reset are stepped as well, and set back.
  void step_all_and_take_back(std::span<const std::int32_t> actions, std::span<float> observations) {
    first_observations_.resize(observations.size());
    envs_->reset(first_observations_, which_);
    states_.clear();
    for (const Index e : which_) states_.push_back(envs_->state(e));
    step_range(actions, observations, 0, copies_);
    std::erase_if(ended_, [&](Index e) { return std::binary_search(which_.begin(), which_.end(), e); });
    for (std::size_t i = 0; i < which_.size(); ++i) {
      envs_->set_state(which_[i], states_[i]);
      copy_row(observations.data(), first_observations_.data(), which_[i]);
    }
  }

  void step_in_ranges(std::span<const std::int32_t> actions, std::span<float> observations) {
    Index first = 0;
    for (const Index e : which_) {
      step_range(actions, observations, first, e);
      first = e + 1;
    }
    step_range(actions, observations, first, copies_);
    if (!which_.empty()) envs_->reset(observations, which_);
  }
  void step_range(std::span<const std::int32_t> actions, std::span<float> observations, Index first,
                  Index end) {
    if (first == end) return;
    const std::span<const Index> over =
        envs_->step(results_, observations, first,
                    actions.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(end - first)));
    ended_.insert(ended_.end(), over.begin(), over.end());
  }

  EnvFactory make_env_;
  Index copies_, observation_size_ = 0;
  Autoreset autoreset_;
  std::unique_ptr<BatchEnv> envs_;
  std::vector<StepResult> results_;  // (E)
  std::vector<Index> ended_;         // whose episodes are over, in order
  std::vector<Index> which_;
  std::vector<RandomStream> streams_;  // (E)
  bool steps_together_ = false;
  std::vector<float> first_observations_;    // (E,I): of those that were reset
  std::vector<std::vector<double>> states_;  // of those
};

nb::list entries() {
  nb::list out;
  for (const EnvEntry& entry : env_entries())
    out.append(nb::make_tuple(std::string(entry.id), std::string(entry.summary)));
  return out;
}

}  // namespace

void bind_envs(nb::module_& m) {
  m.def("env_entries", &entries, "The built-in environments: (id, summary).");
  nb::class_<SingleEnv>(m, "Env", "One built-in environment.")
      .def(nb::init<const Config&>(), nb::arg("config"))
      .def("spec", &SingleEnv::spec, "Its id, shapes, limits and actions.")
      .def("seed", &SingleEnv::seed, nb::arg("seed"), "Begins the random stream of this seed.")
      .def("reset", &SingleEnv::reset, "Starts an episode; the first observation.")
      .def("step", &SingleEnv::step, nb::arg("action"), "(observation, reward, terminated, truncated).")
      .def("observation", &SingleEnv::observation, "The present observation.")
      .def("state", &SingleEnv::state, "All that changes, as numbers.")
      .def("set_state", &SingleEnv::set_state, nb::arg("state"), "Continues from a state().")
      .def("set_physical_state", &SingleEnv::set_physical_state, nb::arg("values"),
           "Starts an episode in this physical state.")
      .def("text", &SingleEnv::text, nb::arg("columns"), nb::arg("rows"), "A picture as lines of text.")
      .def("picture", &SingleEnv::picture, nb::arg("width"), nb::arg("height"),
           "A picture (height, width, 3) of bytes.");
  nb::class_<EnvBatch>(m, "EnvBatch", "Copies of a built-in environment that step together.")
      .def(nb::init<const Config&, Index, int>(), nb::arg("config"), nb::arg("copies"), nb::arg("autoreset"))
      .def("spec", &EnvBatch::spec, "Its id, shapes, limits and actions.")
      .def("seed", &EnvBatch::seed, nb::arg("seed"),
           "Makes the copies anew, with the random streams of this seed.")
      .def("seed_each", &EnvBatch::seed_each, nb::arg("seeds"), nb::arg("indices"), nb::arg("mask"),
           "Marked copies begin these seeds' random streams of these indices; the others go on.")
      .def("reset", &EnvBatch::reset, nb::arg("observations").noconvert(), nb::arg("mask"),
           "Resets the marked copies and writes their observations.")
      .def("step", &EnvBatch::step, nb::arg("actions"), nb::arg("observations").noconvert(),
           nb::arg("rewards").noconvert(), nb::arg("terminated").noconvert(),
           nb::arg("truncated").noconvert(), nb::arg("final_observations").noconvert(),
           "Steps all copies; how many episodes ended.")
      .def("state", &EnvBatch::state, nb::arg("e"), "All that changes of copy e, as numbers.")
      .def("set_state", &EnvBatch::set_state, nb::arg("e"), nb::arg("state"),
           "Continues copy e from a state(e).");
}

}  // namespace bellman::python
