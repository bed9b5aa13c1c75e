// How a run's parts are put together, saved, and taken back.
#include "rl/train/trainer_state.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/base/check.h"
#include "rl/learn/host_agent.h"
#include "rl/learn/make_learner.h"
#include "rl/learn/non_finite.h"
#include "rl/learn/resident_agent.h"
#include "rl/train/from_config.h"
#include "rl/train/run_memory.h"

namespace bellman {
namespace {

/// No environment that is made later reads the map's file again.
TrainConfig with_map_read(TrainConfig config, const TrainerParts& parts) {
  if (!parts.make_env) read_map(config.env);
  return config;
}

TrainerParts completed(TrainerParts parts, const TrainConfig& config) {
  if (!parts.make_env) parts.make_env = env_factory(config.env);
  return parts;
}

bool is_resident(const TrainConfig& config, const TrainerParts& parts) {
  return parts.replay_ops && config.replay && !config.normalize_observation;
}

/// Before any of it is taken. What no machine could run is refused for that.
RunMemory checked(const TrainConfig& config, const RunMemory& memory,
                  const std::optional<AvailableMemory>& available) {
  ReplayRing::check_sizes(replay_slots(config), config.num_envs, config.n_step);
  check_run_memory(memory, available);
  return memory;
}

/// Replay in the backend's memory where that was offered and the settings allow it, else in the host's.
/// `learner` is set to what learns, in words.
std::unique_ptr<Agent> make_agent(std::string& learner, const TrainConfig& config, const EnvSpec& spec,
                                  const TrainerParts& parts, Backend& backend, const Network& network,
                                  const RunningNormalizer* normalizer) {
  ReplayRing ring(replay_slots(config), config.num_envs, config.n_step, config.gamma);
  LearnerOptions options = learner_options(config, normalizer);
  if (spec.byte_observations) options.observation_type = ObservationType::kUint8;
  const bool resident = is_resident(config, parts);
  // On a device auto is op by op (docs/decisions/0010).
  const bool fused_there = resident && config.learner == LearnerKind::kFused && parts.fused_dqn_ops;
  const bool brought = parts.make_learner != nullptr;
  const LearnerKind kind =
      brought || fused_there ? config.learner : chosen_learner(config.learner, backend, network, options);
  learner = brought ? "the program's own" : description(kind);
  if (resident) {
    auto agent = std::make_unique<ResidentAgent>(
        backend, *parts.replay_ops, network, std::move(ring), options,
        ResidentAgent::Options{.prioritized = config.prioritized,
                               .priorities = {.alpha = config.per_alpha, .epsilon = config.per_epsilon},
                               .seed = config.seed,
                               .most_steps = std::min<Index>(config.gradient_steps, 128)},
        fused_there ? parts.fused_dqn_ops : nullptr);
    if (fused_there) learner = agent->fused_description();
    return agent;
  }
  auto sampler = make_sampler(config, ring.capacity());
  return std::make_unique<HostAgent>(
      HostReplay(std::move(ring), std::move(sampler), network.input_shape().elements(),
                 options.observation_type, options.max_batch),
      brought ? parts.make_learner(network, options) : make_learner(kind, backend, network, options),
      network.output_shape()[0], config.on_nan);
}

}  // namespace

Trainer::State::State(const TrainConfig& settings, Backend& brought_backend, const TrainerParts& brought)
    : config(with_map_read(settings, brought)),
      parts(completed(brought, config)),
      envs(parts.make_env, config.num_envs, config.seed),
      network(q_network(config, envs.spec())),
      memory_before(available_memory()),
      memory(checked(config,
                     run_memory(config, envs.spec(), network, brought_backend, is_resident(config, parts)),
                     memory_before)),
      normalizer(config.normalize_observation
                     ? std::make_unique<RunningNormalizer>(envs.spec().observation_shape.elements())
                     : nullptr),
      agent(make_agent(learner, config, envs.spec(), parts, brought_backend, network, normalizer.get())),
      q_function([this](std::span<float> values, std::span<const float> observations, Index n) {
        agent->q_values(values, observations, n);
      }),
      evaluator(parts.make_env, most_eval_episodes(config),
                config.eval_seed != 0 ? config.eval_seed : derived_seed(config.seed, 0), config.on_nan),
      epsilon(exploration_schedule(config)),
      learning_rate(learning_rate_schedule(config)),
      beta(beta_schedule(config)),
      actions(static_cast<std::size_t>(config.num_envs)),
      backend(brought_backend),
      solved_return(bellman::solved_return(config, envs.spec())),
      kept_parameters(static_cast<std::size_t>(network.layout().size())) {}

// ---- checkpoints

void Trainer::State::save(StateWriter& out) {
  agent->save(out);
  envs.save(out);
  if (normalizer) normalizer->save(out);
  log.save(out);
  out.add("trainer.rounds", rounds);
  out.add("trainer.timestep", timestep);
  out.add("trainer.learnt_timestep", learnt_timestep);
  out.add("trainer.phase_steps", phase_steps);
  out.add("trainer.evaluation_is_due", Index{evaluation_is_due});
  out.add("trainer.row_is_due", Index{row_is_due});
  out.add("trainer.episodes_are_due", Index{episodes_are_due});
  out.add("trainer.gradient_updates", gradient_updates);
  out.add("trainer.skipped_steps", skipped_steps);
  out.add("trainer.evaluated_timestep", evaluated_timestep);
  out.add("trainer.reported_timestep", reported_timestep);
  out.add("trainer.evaluation_episodes", evaluator.next_episode());
  out.add("trainer.solved_at_timestep", result.solved_at_timestep.value_or(-1));
  out.add("time.to_solve", result.seconds_to_solve);
  // What no evaluation has chosen is kept at a run's end only, and no part of the state.
  const bool chosen = !std::isnan(kept_eval_mean);
  out.add("kept.timestep", chosen ? result.model_timestep : Index{0});
  out.add("kept.eval_mean", kept_eval_mean);
  out.add("kept.parameters", chosen ? std::span<const float>(kept_parameters) : std::span<const float>());
  out.add("kept.mean", chosen ? std::span<const double>(kept_mean) : std::span<const double>());
  out.add("kept.variance", chosen ? std::span<const double>(kept_variance) : std::span<const double>());
}

void Trainer::State::load(const StateReader& in) {
  agent->load(in);
  envs.load(in);
  if (normalizer) normalizer->load(in);
  log.load(in);
  load_counts(in);
  load_kept(in);
  resumed = true;
}

void Trainer::State::load_counts(const StateReader& in) {
  rounds = in.count("trainer.rounds");
  timestep = in.count("trainer.timestep");
  if (timestep % envs.size() != 0 || timestep / envs.size() != rounds)
    fail(in.source(), ": trainer.rounds and trainer.timestep: ", rounds, " rounds of ", envs.size(),
         " environments do not make ", timestep, " steps");
  const auto moment = [&](const char* name, Index least) {
    const Index t = in.count(name, least);
    if (t > timestep) fail(in.source(), ": ", name, " is ", t, ", but only ", timestep, " steps were made");
    return t;
  };
  gradient_updates = in.count("trainer.gradient_updates");
  skipped_steps = in.count("trainer.skipped_steps");
  evaluated_timestep = moment("trainer.evaluated_timestep", -1);
  reported_timestep = moment("trainer.reported_timestep", -1);
  learnt_timestep = moment("trainer.learnt_timestep", std::max<Index>(0, timestep - envs.size()));
  phase_steps = in.count("trainer.phase_steps");
  if (phase_steps > 0 && learnt_timestep == timestep)
    fail(in.source(), ": trainer.phase_steps is ", phase_steps, ", but trainer.learnt_timestep is ", timestep,
         ", the round's end");
  evaluation_is_due = in.count("trainer.evaluation_is_due") != 0;
  row_is_due = in.count("trainer.row_is_due") != 0;
  episodes_are_due = in.count("trainer.episodes_are_due") != 0;
  evaluator.set_next_episode(in.count("trainer.evaluation_episodes"));
  const Index solved = moment("trainer.solved_at_timestep", -1);
  result.solved_at_timestep = solved >= 0 ? std::optional(solved) : std::nullopt;
  result.seconds_to_solve = in.seconds("time.to_solve");
  result.model_timestep = moment("kept.timestep", 0);
}

void Trainer::State::load_kept(const StateReader& in) {
  kept_eval_mean = in.number<double>("kept.eval_mean");
  const bool chosen = !std::isnan(kept_eval_mean);
  const auto parameters = in.get<float>("kept.parameters", chosen ? kept_parameters.size() : 0);
  check_finite(in.source(), "kept.parameters", parameters);
  std::copy(parameters.begin(), parameters.end(), kept_parameters.begin());
  const std::size_t features = chosen && normalizer ? normalizer->mean().size() : 0;
  kept_mean = in.get<double>("kept.mean", features);
  kept_variance = in.get<double>("kept.variance", features);
  for (std::size_t j = 0; j < features; ++j)
    if (!std::isfinite(kept_mean[j]) || !(kept_variance[j] >= 0) || !std::isfinite(kept_variance[j]))
      fail(in.source(), ": kept.mean and kept.variance of feature ", j, " are ", kept_mean[j], " and ",
           kept_variance[j]);
}

}  // namespace bellman
