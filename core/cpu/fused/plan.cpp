#include "core/cpu/fused/plan.h"

#include "core/base/check.h"
#include "core/nn/dense_chain.h"

namespace bellman::cpu::fused {
namespace {

class Planner {
 public:
  Plan plan(const DenseChain& chain) {
    plan_.q = add_layers(add_value(chain.inputs, Activation::kNone), chain.trunk);
    if (!chain.value.empty()) {
      plan_.dueling = true;
      plan_.value = add_layers(plan_.q, chain.value);
      plan_.advantage = add_layers(plan_.q, chain.advantage);
      plan_.q = add_value(chain.actions, Activation::kNone);
    }
    mark_shared_inputs();
    return plan_;
  }

 private:
  /// These return the value that comes out.
  std::size_t add_value(Index features, Activation::Kind made_by) {
    plan_.features.push_back(features);
    plan_.made_by.push_back(made_by);
    return plan_.features.size() - 1;
  }
  std::size_t add_layers(std::size_t from, const std::vector<DenseChain::Dense>& layers) {
    for (const DenseChain::Dense& layer : layers) {
      const std::size_t to = add_value(layer.outputs, layer.after);
      plan_.steps.push_back({.shape = {.inputs = layer.inputs, .outputs = layer.outputs},
                             .epilogue = layer.after,
                             .weight = layer.weight,
                             .bias = layer.bias,
                             .from = from,
                             .to = to});
      from = to;
    }
    return from;
  }

  /// The backward pass goes through the steps from the last to the first.
  void mark_shared_inputs() {
    for (std::size_t i = 0; i < plan_.steps.size(); ++i)
      for (std::size_t j = i + 1; j < plan_.steps.size(); ++j)
        if (plan_.steps[i].from == plan_.steps[j].from) {
          plan_.steps[i].accumulates = true;
          plan_.steps[j].finishes = false;
        }
  }

  Plan plan_;
};

}  // namespace

std::string unknown_to_plan(const Network& network) {
  DenseChain chain;
  const std::string unknown = describe_dense_chain(chain, network);
  if (!unknown.empty()) return unknown;
  for (std::size_t i = 0; i < network.layers(); ++i)
    for (const ParameterInfo& parameter : network.layer(i).parameters())
      if (parameter.shape[0] > kWidest)
        return "layer " + std::to_string(i) + " is `" + network.layer(i).text() + "`, wider than " +
               std::to_string(kWidest);
  return "";
}

Plan plan_of(const Network& network) {
  DenseChain chain;
  BELLMAN_CHECK(describe_dense_chain(chain, network).empty());
  return Planner().plan(chain);
}

}  // namespace bellman::cpu::fused
