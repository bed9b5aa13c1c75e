#include "rl/op_by_op_learner.h"

#include <algorithm>

#include "core/check.h"

namespace bellman {
namespace {

std::size_t bytes_of(Index numbers) { return static_cast<std::size_t>(numbers) * sizeof(float); }

template <class U>
void upload(Backend& backend, const Block<float>& block, std::span<const U> values) {
  backend.upload(block.data(), values.data(), values.size_bytes());
}

const LearnerOptions& checked(const LearnerOptions& options, const Network& network) {
  if (network.output_shape().rank() != 1)
    fail("a Q-network's output must be one number an action, (A); this network's is ",
         network.output_shape());
  if (options.max_batch < 1) fail("max_batch is ", options.max_batch, ", must be at least 1");
  if (options.max_acting_batch < 1)
    fail("max_acting_batch is ", options.max_acting_batch, ", must be at least 1");
  if (!(options.huber_delta > 0)) fail("huber_delta is ", options.huber_delta, ", must be above 0");
  if (!(options.max_grad_norm >= 0)) fail("max_grad_norm is ", options.max_grad_norm, ", must be 0 or more");
  return options;
}

}  // namespace

OpByOpLearner::BatchBlocks::BatchBlocks(Backend& backend, Index max_batch, Index actions)
    : action(backend, static_cast<std::size_t>(max_batch) * sizeof(std::int32_t)),
      reward(backend, bytes_of(max_batch)),
      discount(backend, bytes_of(max_batch)),
      terminated(backend, bytes_of(max_batch)),
      weight(backend, bytes_of(max_batch)),
      q_next_online(backend, bytes_of(max_batch * actions)),
      y(backend, bytes_of(max_batch)),
      td_error(backend, bytes_of(max_batch)),
      loss(backend, bytes_of(1)),
      norm(backend, bytes_of(1)) {}

OpByOpLearner::OpByOpLearner(Backend& backend, const Network& network, const LearnerOptions& options)
    : backend_(backend),
      network_(network),
      options_(checked(options, network)),
      observations_(options.slots, network.input_shape().elements(), options.observation_type),
      online_(backend, network.layout()),
      target_(backend, network.layout()),
      gradients_(backend, network.layout()),
      optimizer_(backend, network.layout(), options.optimizer),
      learn_pass_(backend, network, options.max_batch, true),
      next_pass_(backend, network, options.max_batch, false),
      act_pass_(backend, network, options.max_acting_batch, false),
      blocks_(backend, options.max_batch, network.output_shape()[0]),
      staging_(static_cast<std::size_t>(std::max(options.max_batch, options.max_acting_batch) *
                                        network.input_shape().elements())),
      y_(static_cast<std::size_t>(options.max_batch)) {
  initialise(backend_, online_, network_, options_.initialiser, options_.seed);
  update_target(1.0F);
}

// ---- one gradient step

LearnStats OpByOpLearner::learn(const Batch& batch, float learning_rate, std::span<float> td_error) {
  const auto b = static_cast<Index>(batch.slots.size());
  if (b < 1 || b > options_.max_batch)
    fail("a batch of ", b, " transitions, must have 1 to ", options_.max_batch);
  if (td_error.size() != batch.slots.size())
    fail("td_error has room for ", td_error.size(), " numbers, the batch has ", b, " transitions");

  upload_batch(batch);
  const ConstTensor y = td_targets(b);
  const ConstTensor q = network_.forward(backend_, learn_pass_, online_, b);
  backend_.td_loss(learn_pass_.d_activation(network_.layers(), b), blocks_.td_error.view<float>({b}),
                   blocks_.loss.view<float>({1}), q, blocks_.action.view<const std::int32_t>({b}), y,
                   blocks_.weight.view<const float>({b}), options_.loss, options_.huber_delta);

  backend_.fill(gradients_.flat(), 0.0F);
  network_.backward(backend_, learn_pass_, online_, gradients_, b);
  if (options_.max_grad_norm > 0) clip_gradients();
  optimizer_.step(online_, gradients_, learning_rate);
  return stats(b, td_error);
}

ConstTensor OpByOpLearner::td_targets(Index b) {
  // Q(s', .; theta-) judges the state after. Double DQN lets theta choose the action and theta- judge it; the
  // choice is made first because both passes run in the same workspace.
  ConstTensor q_online;
  const bool chooses_apart = options_.double_dqn && options_.target_network;
  if (chooses_apart) {
    const ConstTensor q = network_.forward(backend_, next_pass_, online_, b);
    backend_.copy(blocks_.q_next_online.data(), q.data(), bytes_of(q.elements()));
    q_online = blocks_.q_next_online.view<const float>(q.shape());
  }
  const Arena& judge = options_.target_network ? target_ : online_;
  const ConstTensor q_target = network_.forward(backend_, next_pass_, judge, b);

  const Tensor y = blocks_.y.view<float>({b});
  backend_.td_target(y, q_target, q_online, blocks_.reward.view<const float>({b}),
                     blocks_.discount.view<const float>({b}), blocks_.terminated.view<const float>({b}));
  return y;
}

void OpByOpLearner::clip_gradients() {
  const Tensor norm = blocks_.norm.view<float>({1});
  backend_.global_norm(norm, gradients_.flat());
  backend_.clip_by_global_norm(gradients_.flat(), norm, options_.max_grad_norm);
}

LearnStats OpByOpLearner::stats(Index b, std::span<float> td_error) {
  LearnStats stats;
  backend_.download(&stats.loss, blocks_.loss.data(), sizeof(float));
  if (options_.max_grad_norm > 0) backend_.download(&stats.gradient_norm, blocks_.norm.data(), sizeof(float));
  backend_.download(td_error.data(), blocks_.td_error.data(), bytes_of(b));
  backend_.download(y_.data(), blocks_.y.data(), bytes_of(b));
  double sum_q = 0;
  for (std::size_t n = 0; n < td_error.size(); ++n) sum_q += y_[n] - td_error[n];  // q[a] = y - (y - q[a])
  stats.mean_q = static_cast<float>(sum_q / static_cast<double>(b));
  return stats;
}

// ---- observations on their way into the network

void OpByOpLearner::store(Index slot, std::span<const float> observation) {
  observations_.store(slot, observation);
}

void OpByOpLearner::q_values(std::span<float> q, std::span<const float> observations, Index n) {
  const Index actions = network_.output_shape()[0];
  if (n < 1 || n > options_.max_acting_batch)
    fail("q_values of ", n, " observations, must be 1 to ", options_.max_acting_batch);
  if (static_cast<Index>(q.size()) != n * actions ||
      static_cast<Index>(observations.size()) != n * observations_.observation_size())
    fail("q_values of ", n, " observations: q has ", q.size(), " numbers, observations have ",
         observations.size(), "; expected ", n * actions, " and ", n * observations_.observation_size());
  put_observations(act_pass_.activation(0, n), observations);
  const ConstTensor y = network_.forward(backend_, act_pass_, online_, n);
  backend_.download(q.data(), y.data(), q.size_bytes());
}

void OpByOpLearner::put_observations(Tensor input, std::span<const float> raw) {
  if (options_.normalizer) {
    const std::span<float> normalised = std::span(staging_).first(raw.size());
    options_.normalizer->apply(normalised, raw);
    raw = normalised;
  }
  backend_.upload(input.data(), raw.data(), raw.size_bytes());
}

void OpByOpLearner::put_stored(Tensor input, std::span<const Index> slots) {
  const std::span<float> gathered = std::span(staging_).first(static_cast<std::size_t>(input.elements()));
  observations_.gather(gathered, slots);
  put_observations(input, gathered);
}

void OpByOpLearner::upload_batch(const Batch& batch) {
  const auto b = static_cast<Index>(batch.slots.size());
  put_stored(learn_pass_.activation(0, b), batch.slots);
  put_stored(next_pass_.activation(0, b), batch.next_slots);
  upload(backend_, blocks_.action, batch.actions);
  upload(backend_, blocks_.reward, batch.rewards);
  upload(backend_, blocks_.discount, batch.discounts);
  upload(backend_, blocks_.terminated, batch.terminated);
  upload(backend_, blocks_.weight, batch.weights);
}

// ---- parameters

void OpByOpLearner::update_target(float tau) { backend_.polyak_update(target_.flat(), online_.flat(), tau); }

void OpByOpLearner::get_parameters(std::span<float> out) {
  const Tensor flat = online_.flat();
  if (static_cast<Index>(out.size()) != flat.elements())
    fail("get_parameters into ", out.size(), " numbers, the arena has ", flat.elements());
  backend_.download(out.data(), flat.data(), out.size_bytes());
}

void OpByOpLearner::set_parameters(std::span<const float> in) {
  const Tensor flat = online_.flat();
  if (static_cast<Index>(in.size()) != flat.elements())
    fail("set_parameters from ", in.size(), " numbers, the arena has ", flat.elements());
  backend_.upload(flat.data(), in.data(), in.size_bytes());
}

}  // namespace bellman
