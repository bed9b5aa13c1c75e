#include "rl/learn/dqn_update.h"

#include <array>
#include <cstdint>
#include <string>
#include <variant>
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

std::size_t bytes_of(Index numbers) { return static_cast<std::size_t>(numbers) * sizeof(float); }

}  // namespace

// ---- parameters

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

std::string DqnParameters::bad_parameter() const {
  std::string found = first_bad("", online_);
  if (found.empty()) found = first_bad("the target network's ", target_);
  for (const Optimizer::Moment& moment : optimizer_.moments())
    if (found.empty()) found = first_bad("moment " + moment.name + " of ", moment.values);
  return found;
}

std::string DqnParameters::where_not_finite(const Batch& batch, std::span<const float> td_error) const {
  std::string found = bad_parameter();
  if (found.empty()) found = first_bad("the gradient of ", gradients_);
  if (!found.empty()) found += "; ";
  return found + worst_sample(batch, td_error);
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

// ---- the step

DqnUpdate::Blocks::Blocks(Backend& backend, Index max_batch, Index actions)
    : action(backend, static_cast<std::size_t>(max_batch) * sizeof(std::int32_t)),
      next_slot(backend, static_cast<std::size_t>(max_batch) * sizeof(std::int32_t)),
      reward(backend, bytes_of(max_batch)),
      discount(backend, bytes_of(max_batch)),
      terminated(backend, bytes_of(max_batch)),
      weight(backend, bytes_of(max_batch)),
      q_kept(backend, bytes_of(max_batch * actions)),
      y(backend, bytes_of(max_batch)),
      td_error(backend, bytes_of(max_batch)),
      loss(backend, bytes_of(1)),
      norm(backend, bytes_of(1)),
      guard(backend, kGuardWords * sizeof(std::int32_t)) {}

DqnUpdate::DqnUpdate(Backend& backend, const Network& network, const LearnerOptions& options)
    : backend_(backend),
      network_(network),
      options_(options),
      parameters_(backend, network, options),
      learn_pass_(backend, network, options.max_batch, true),
      next_pass_(backend, network, options.max_batch, false),
      act_pass_(backend, network, options.max_acting_batch, false),
      blocks_(backend, options.max_batch, network.output_shape()[0]) {}

DqnUpdate::Batch DqnUpdate::batch(Index b) const {
  if (b < 1 || b > options_.max_batch)
    fail("a batch of ", b, " transitions, must have 1 to ", options_.max_batch);
  const TransitionTensors transitions = {blocks_.action.view<std::int32_t>({b}),
                                         blocks_.next_slot.view<std::int32_t>({b}),
                                         blocks_.reward.view<float>({b}), blocks_.discount.view<float>({b}),
                                         blocks_.terminated.view<float>({b})};
  return {learn_pass_.activation(0, b), next_pass_.activation(0, b), transitions,
          blocks_.weight.view<float>({b})};
}

void DqnUpdate::run(Index b, float learning_rate, const Watcher& watch) {
  const Batch batch = this->batch(b);
  find_targets(b, batch.transitions, watch);
  const ConstTensor q = network_.forward(backend_, learn_pass_, online(), b);
  backend_.td_loss(learn_pass_.d_activation(network_.layers(), b), blocks_.td_error.view<float>({b}),
                   blocks_.loss.view<float>({1}), q, batch.transitions.action, y(b), batch.weights,
                   options_.loss, static_cast<float>(options_.huber_delta));

  backend_.fill(gradients().flat(), 0.0F);
  network_.backward(backend_, learn_pass_, online(), gradients(), b);
  if (watch) {
    watch("y", y(b));
    watch("q.now", q);
    for (const Workspace::Named& named : learn_pass_.tensors(b)) watch(named.name, named.tensor);
    show_gradients(watch, "gradient.");
  }
  if (options_.gradient_average)
    options_.gradient_average->average(gradients().flat(), blocks_.loss.view<float>({1}));
  backend_.guard_step(guard(), loss(), gradients().flat(),
                      options_.on_nan == OnNan::kStop ? SkipPolicy::kForGood : SkipPolicy::kOneStep);
  if (options_.max_grad_norm > 0) clip_gradients();
  if (watch) show_gradients(watch, "clipped.");
  parameters_.optimizer().step(online(), gradients(), learning_rate, guard());
}

void DqnUpdate::show_gradients(const Watcher& watch, const char* prefix) const {
  for (std::size_t i = 0; i < gradients().layout().entries().size(); ++i)
    watch(prefix + gradients().layout().entries()[i].name, gradients()[i]);
}

/// y (B), what Q(s, a) should have been.
void DqnUpdate::find_targets(Index b, const TransitionTensors& transitions, const Watcher& watch) {
  const Arena& evaluating = options_.target_network ? target() : online();
  TdTargetInputs<float> in;
  // In Double DQN theta chooses the next action and theta- evaluates it. The choice comes first, because both
  // passes run in the same workspace. Munchausen DQN needs theta-'s policy in s, too: that pass runs in the
  // workspace of the online network, whose own pass follows.
  if (options_.munchausen) {
    in.q_now = kept(network_.forward(backend_, learn_pass_, evaluating, b));
    if (watch) watch("q.now.target", in.q_now);
    in.action = transitions.action;
    in.alpha = options_.munchausen_alpha;
    in.temperature = options_.munchausen_temperature;
    in.clip = options_.munchausen_clip;
  } else if (options_.double_dqn && options_.target_network) {
    in.q_online = kept(network_.forward(backend_, next_pass_, online(), b));
    if (watch) watch("q.next.online", in.q_online);
  }
  in.q_target = network_.forward(backend_, next_pass_, evaluating, b);
  if (watch) watch("q.next.target", in.q_target);
  in.reward = transitions.reward;
  in.discount = transitions.discount;
  in.terminated = transitions.terminated;
  backend_.td_target(blocks_.y.view<float>({b}), in);
}

/// A copy of q (b,A) that the next pass does not overwrite.
ConstTensor DqnUpdate::kept(ConstTensor q) {
  backend_.copy(blocks_.q_kept.data(), q.data(), bytes_of(q.elements()));
  return blocks_.q_kept.view<const float>(q.shape());
}

void DqnUpdate::clip_gradients() {
  const Tensor norm = blocks_.norm.view<float>({1});
  backend_.global_norm(norm, gradients().flat());
  backend_.clip_by_global_norm(gradients().flat(), norm, static_cast<float>(options_.max_grad_norm));
}

FusedDqnMemory DqnUpdate::memory(Index b) const {
  const std::vector<Optimizer::Moment>& moments = optimizer().moments();
  FusedDqnMemory memory;
  memory.online = online().flat();
  memory.target = target().flat();
  memory.m = moments.at(0).values.flat();
  memory.v = moments.at(1).values.flat();
  memory.gradients = gradients().flat();
  memory.td_error = blocks_.td_error.view<float>({b});
  memory.loss = blocks_.loss.view<float>({1});
  memory.norm = blocks_.norm.view<float>({1});
  memory.guard = guard();
  return memory;
}

/// REQUIRES: the optimiser is Adam.
FusedDqnOptions DqnUpdate::fused_options(const LearnerOptions& options) {
  return {options, options.max_batch, std::get<AdamOptions>(options.optimizer),
          options.on_nan == OnNan::kStop ? SkipPolicy::kForGood : SkipPolicy::kOneStep};
}

ConstTensor DqnUpdate::gradient_norm() const {
  return options_.max_grad_norm > 0 ? blocks_.norm.view<const float>({1}) : ConstTensor();
}

Tensor DqnUpdate::acting_observations(Index n) const {
  if (n < 1 || n > options_.max_acting_batch)
    fail("q_values of ", n, " observations, must be 1 to ", options_.max_acting_batch);
  return act_pass_.activation(0, n);
}

ConstTensor DqnUpdate::q_values(Index n) { return network_.forward(backend_, act_pass_, online(), n); }

// ---- numbers that are not finite

DqnUpdate::Guard DqnUpdate::read_guard() const {
  std::array<std::int32_t, kGuardWords> words{};
  backend_.download(words.data(), blocks_.guard.data(), sizeof words);
  return {.held = words[kHeld] != 0,
          .overflowed = words[kOverflowed] != 0,
          .skipped = words[kSkipped],
          .place = words[kPlace]};
}

void DqnUpdate::clear_guard() {
  parameters_.optimizer().set_steps(optimizer().steps() - read_guard().skipped);
  set_skipped(0);
}

void DqnUpdate::set_skipped(Index skipped) {
  std::array<std::int32_t, kGuardWords> words{};
  words[kSkipped] = static_cast<std::int32_t>(skipped);
  backend_.upload(blocks_.guard.data(), words.data(), sizeof words);
}

void DqnUpdate::load(const StateReader& in) {
  parameters_.load(in);
  set_skipped(0);
}

}  // namespace bellman
