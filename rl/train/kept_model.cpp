#include "rl/train/kept_model.h"

#include <algorithm>

#include "core/base/check.h"
#include "envs/process/atari_options.h"

namespace bellman {

void KeptParameters::keep(double mean_return, Index at_timestep, Agent& agent,
                          const RunningNormalizer* normalizer) {
  eval_mean = mean_return;
  timestep = at_timestep;
  agent.get_parameters(parameters);
  if (!normalizer) return;
  mean.assign(normalizer->mean().begin(), normalizer->mean().end());
  variance.assign(normalizer->variance().begin(), normalizer->variance().end());
}

void KeptParameters::save(StateWriter& out) const {
  out.add("kept.timestep", chosen() ? timestep : Index{0});
  out.add("kept.eval_mean", eval_mean);
  out.add("kept.parameters", chosen() ? std::span<const float>(parameters) : std::span<const float>());
  out.add("kept.mean", chosen() ? std::span<const double>(mean) : std::span<const double>());
  out.add("kept.variance", chosen() ? std::span<const double>(variance) : std::span<const double>());
}

void KeptParameters::load(const StateReader& in, const RunCounts& counts, std::size_t features) {
  timestep = counts.moment(in, "kept.timestep", 0);
  eval_mean = in.number<double>("kept.eval_mean");
  const auto values = in.get<float>("kept.parameters", chosen() ? parameters.size() : 0);
  check_finite(in.source(), "kept.parameters", values);
  std::copy(values.begin(), values.end(), parameters.begin());
  if (!chosen()) features = 0;
  mean = in.get<double>("kept.mean", features);
  variance = in.get<double>("kept.variance", features);
  for (std::size_t j = 0; j < features; ++j)
    if (!std::isfinite(mean[j]) || !(variance[j] >= 0) || !std::isfinite(variance[j]))
      fail(in.source(), ": kept.mean and kept.variance of feature ", j, " are ", mean[j], " and ",
           variance[j]);
}

Model kept_model(const TrainConfig& config, const Network& network, std::span<const float> parameters,
                 Index timestep) {
  Model model;
  model.network = network.text();
  model.input_shape = network.input_shape();
  model.env = evaluation_options(config.env);
  model.seed = config.seed;
  model.timestep = timestep;
  append_host_parameters(model.parameters, network.layout(), parameters);
  return model;
}

Model kept_model(const TrainConfig& config, const Trainer& trainer) {
  Model model = kept_model(config, trainer.network(), trainer.kept_parameters(), trainer.model_timestep());
  model.observation_mean.assign(trainer.observation_mean().begin(), trainer.observation_mean().end());
  model.observation_variance.assign(trainer.observation_variance().begin(),
                                    trainer.observation_variance().end());
  return model;
}

}  // namespace bellman
