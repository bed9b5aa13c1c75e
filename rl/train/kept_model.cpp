#include "rl/train/kept_model.h"

namespace bellman {

Model kept_model(const TrainConfig& config, const Network& network, std::span<const float> parameters,
                 Index timestep) {
  Model model;
  model.network = network.text();
  model.input_shape = network.input_shape();
  model.env = config.env;
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
