#include "core/cpu/fused/plan.h"

#include <optional>

#include "core/check.h"
#include "core/layers/dense.h"
#include "core/layers/dueling.h"

namespace bellman::cpu::fused {
namespace {

bool is_dense(const BasicLayer<float>& layer) {
  return dynamic_cast<const DenseLayer<float>*>(&layer) != nullptr;
}
bool is_dueling(const BasicLayer<float>& layer) {
  return dynamic_cast<const DuelingLayer<float>*>(&layer) != nullptr;
}

/// The epilogue that an activation layer can be.
std::optional<Epilogue> epilogue_of(const BasicLayer<float>& layer) {
  const std::optional<Activation> activation = layer.activation();
  if (activation == Activation::kRelu) return Epilogue::kRelu;
  if (activation == Activation::kTanh) return Epilogue::kTanh;
  return std::nullopt;
}

class Planner {
 public:
  explicit Planner(const Network& network) : network_(network) {
    plan_.features.push_back(network.input_shape().elements());
    plan_.made_by.push_back(Epilogue::kNone);
  }

  Plan plan() {
    for (std::size_t i = 0; i < network_.layers(); ++i) {
      const BasicLayer<float>& layer = network_.layer(i);
      if (is_dense(layer))
        plan_.q = add_dense(plan_.q, epilogue_after(i));
      else if (is_dueling(layer))
        add_dueling(layer);
      else
        next_parameter_ += layer.parameters().size();  // a reshape, or the epilogue of what was before
    }
    mark_shared_inputs();
    return plan_;
  }

 private:
  Epilogue epilogue_after(std::size_t i) const {
    if (i + 1 == network_.layers()) return Epilogue::kNone;
    return epilogue_of(network_.layer(i + 1)).value_or(Epilogue::kNone);
  }

  std::size_t add_value(Index features, Epilogue made_by) {
    plan_.features.push_back(features);
    plan_.made_by.push_back(made_by);
    return plan_.features.size() - 1;
  }

  /// Takes the next two tensors of the arena. Returns the value that comes out.
  std::size_t add_dense(std::size_t from, Epilogue epilogue) {
    const ArenaLayout::Entry& weight = network_.layout().entries()[next_parameter_++];
    const ArenaLayout::Entry& bias = network_.layout().entries()[next_parameter_++];
    const std::size_t to = add_value(weight.shape[0], epilogue);
    plan_.steps.push_back({.shape = {.inputs = weight.shape[1], .outputs = weight.shape[0]},
                           .epilogue = epilogue,
                           .weight = weight.offset,
                           .bias = bias.offset,
                           .from = from,
                           .to = to});
    return to;
  }

  void add_dueling(const BasicLayer<float>& layer) {
    const bool hidden = layer.parameters().size() > 4;  // than two dense layers'
    const auto add_stream = [&] {
      const std::size_t x = hidden ? add_dense(plan_.q, Epilogue::kRelu) : plan_.q;
      return add_dense(x, Epilogue::kNone);
    };
    plan_.dueling = true;
    plan_.value = add_stream();
    plan_.advantage = add_stream();
    plan_.q = add_value(plan_.features[plan_.advantage], Epilogue::kNone);
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

  const Network& network_;
  Plan plan_;
  std::size_t next_parameter_ = 0;
};

}  // namespace

std::string unknown_to_plan(const Network& network) {
  bool after_dense = false;
  for (std::size_t i = 0; i < network.layers(); ++i) {
    const BasicLayer<float>& layer = network.layer(i);
    const std::string name = "layer " + std::to_string(i + 1) + " is `" + layer.text() + "`";
    const bool last = i + 1 == network.layers();
    const bool dense = is_dense(layer);
    const bool known = dense || (is_dueling(layer) && last) || (layer.is_reshape() && !after_dense) ||
                       (epilogue_of(layer) && after_dense && !last);
    if (!known) return name;
    for (const ParameterInfo& parameter : layer.parameters())
      if (parameter.shape[0] > kWidest) return name + ", wider than " + std::to_string(kWidest);
    after_dense = dense;
  }
  if (network.layout().entries().empty()) return "nothing in it is a dense layer";
  return "";
}

Plan plan_of(const Network& network) { return Planner(network).plan(); }

}  // namespace bellman::cpu::fused
