#include "rl/learn/dqn_parameters.h"

#include <string>
#include <vector>

#include "core/base/check.h"
#include "rl/learn/non_finite.h"

namespace bellman {
namespace {

const Network& checked(const Network& network, const LearnerOptions& options) {
  if (network.output_shape().rank() != 1)
    fail("a Q-network's output must be one number an action, (A); this network's is ",
         network.output_shape());
  if (options.max_batch < 1) fail("max_batch is ", options.max_batch, ", must be at least 1");
  if (options.max_acting_batch < 1)
    fail("max_acting_batch is ", options.max_acting_batch, ", must be at least 1");
  if (!(options.huber_delta > 0)) fail("huber_delta is ", options.huber_delta, ", must be above 0");
  if (!(options.max_grad_norm >= 0)) fail("max_grad_norm is ", options.max_grad_norm, ", must be 0 or more");
  return network;
}

}  // namespace

DqnParameters::DqnParameters(Backend& backend, const Network& network, const LearnerOptions& options)
    : backend_(backend),
      online_(backend, checked(network, options).layout()),
      target_(backend, network.layout()),
      gradients_(backend, network.layout()),
      optimizer_(backend, network.layout(), options.optimizer) {
  initialise(backend, online_, network, options.initialiser, options.seed);
  update_target(1.0F);
}

std::string DqnParameters::first_bad(const std::string& what, const Arena& arena) const {
  std::vector<float> values(static_cast<std::size_t>(arena.flat().elements()));
  backend_.download(values.data(), arena.flat().data(), values.size() * sizeof(float));
  return first_non_finite(what, arena.layout(), values);
}

std::string DqnParameters::bad_gradient() const { return first_bad("the gradient of ", gradients_); }

std::string DqnParameters::bad_parameter() const {
  std::string found = first_bad("", online_);
  if (found.empty()) found = first_bad("the target network's ", target_);
  for (const Optimizer::Moment& moment : optimizer_.moments())
    if (found.empty()) found = first_bad("moment " + moment.name + " of ", moment.values);
  return found;
}

void DqnParameters::get(std::span<float> out) const {
  const Tensor flat = online_.flat();
  if (static_cast<Index>(out.size()) != flat.elements())
    fail("get_parameters into ", out.size(), " numbers, the arena has ", flat.elements());
  backend_.download(out.data(), flat.data(), out.size_bytes());
}

void DqnParameters::set(std::span<const float> in) {
  const Tensor flat = online_.flat();
  if (static_cast<Index>(in.size()) != flat.elements())
    fail("set_parameters from ", in.size(), " numbers, the arena has ", flat.elements());
  backend_.upload(flat.data(), in.data(), in.size_bytes());
}

void DqnParameters::save(StateWriter& out) const {
  const auto add = [&](const std::string& name, const Arena& arena) {
    const RowRange all = {0, static_cast<std::size_t>(arena.flat().elements())};
    out.add_rows<float>(name, {&all, 1}, 1, nullptr,
                        [&](std::span<float> to, std::size_t begin, std::size_t) {
                          backend_.download(to.data(), arena.flat().data() + begin, to.size_bytes());
                          check_finite("this run's state", name, to, begin);
                        });
  };
  add("network.online", online_);
  add("network.target", target_);
  for (const Optimizer::Moment& moment : optimizer_.moments()) add("optimizer." + moment.name, moment.values);
  out.add("optimizer.steps", optimizer_.steps());
}

void DqnParameters::load(const StateReader& in) {
  const auto set = [&](const std::string& name, const Arena& arena) {
    const auto values = in.view<float>(name, static_cast<std::size_t>(arena.flat().elements()));
    check_finite(in.source(), name, values);
    backend_.upload(arena.flat().data(), values.data(), values.size_bytes());
  };
  set("network.online", online_);
  set("network.target", target_);
  for (const Optimizer::Moment& moment : optimizer_.moments()) set("optimizer." + moment.name, moment.values);
  optimizer_.set_steps(in.count("optimizer.steps"));
}

}  // namespace bellman
