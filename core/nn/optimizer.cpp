#include "core/nn/optimizer.h"

namespace bellman {
namespace {

/// The names of an optimiser's moments, in the order of its step's arguments.
std::vector<std::string> moment_names(const AdamOptions& /*options*/) { return {"m", "v"}; }
std::vector<std::string> moment_names(const RmsPropOptions& options) {
  std::vector<std::string> names = {"square"};
  if (options.centered) names.push_back("mean");
  if (options.momentum != 0) names.push_back("velocity");
  return names;
}
std::vector<std::string> moment_names(const SgdOptions& options) {
  return options.momentum != 0 ? std::vector<std::string>{"velocity"} : std::vector<std::string>{};
}

}  // namespace

template <class T>
BasicOptimizer<T>::BasicOptimizer(BasicBackend<T>& backend, const ArenaLayout& layout,
                                  const OptimizerOptions& options)
    : backend_(backend), options_(options) {
  const auto names = std::visit([](const auto& chosen) { return moment_names(chosen); }, options);
  for (const std::string& name : names) moments_.push_back({name, BasicArena<T>(backend, layout)});
}

template <class T>
void BasicOptimizer<T>::step(const BasicArena<T>& parameters, const BasicArena<T>& gradients, T learning_rate,
                             IntTensor guard) {
  ++steps_;
  const TensorView<T> p = parameters.flat(), g = gradients.flat();
  // The i-th moment; no tensor when there are fewer.
  const auto moment = [this](std::size_t i) {
    return i < moments_.size() ? moments_[i].values.flat() : TensorView<T>();
  };
  if (const auto* adam = std::get_if<AdamOptions>(&options_)) {
    backend_.adam_step(p, moment(0), moment(1), g, learning_rate, steps_, *adam, guard);
  } else if (const auto* rmsprop = std::get_if<RmsPropOptions>(&options_)) {
    const TensorView<T> mean = rmsprop->centered ? moment(1) : TensorView<T>();
    const TensorView<T> velocity =
        rmsprop->momentum != 0 ? moment(rmsprop->centered ? 2 : 1) : TensorView<T>();
    backend_.rmsprop_step(p, moment(0), mean, velocity, g, learning_rate, *rmsprop, guard);
  } else {
    backend_.sgd_step(p, moment(0), g, learning_rate, steps_, std::get<SgdOptions>(options_), guard);
  }
}

template class BasicOptimizer<float>;
template class BasicOptimizer<double>;

}  // namespace bellman
