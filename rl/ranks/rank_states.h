// The state of a run that several ranks train: what every rank has alike, and what each has of its own environments.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "core/io/safetensors.h"
#include "rl/state/training_state.h"

namespace bellman {

/// Whether each rank has a part of this tensor of Trainer::save: environments, their observations, the replay's. All
/// others are the same on every rank, but for wall times.
bool is_dealt_out(std::string_view tensor);

/// Passes on the tensors that are dealt out, and no others. REQUIRES: the inner sink outlives it.
class DealtOut final : public StateSink {
 public:
  explicit DealtOut(StateSink& inner) : inner_(inner) {}
  bool begin(const std::string& name, DType dtype, std::size_t count) override;
  void piece(std::span<const std::byte> bytes) override;

 private:
  StateSink& inner_;
  bool passes_ = false;
};

/// Adds the next rank's part to the states of the ranks before it: `state` is then what they are without ranks, as soon as
/// all are there. `source` names the part in messages. Throws: Error for a tensor that no part may have, and for types
/// that differ.
void append_part(TensorFile& state, TensorFile&& part, const std::string& source);

}  // namespace bellman
