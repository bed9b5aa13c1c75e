// DQN agents on the host's side: agent k is block k's (agent_kernel.cu). A launch makes some ticks
// of all that run; between launches an agent is its control and its block of memory.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/base/check.h"
#include "core/nn/agent_kernel.h"
#include "cuda/agent_kernel/agent_launch.h"
#include "cuda/base/runtime.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

/// Throws: Error for what no population can be made of.
void check_agent_shape(const AgentShape& shape, const AgentEnv& env);
/// Of what is left of a block's shared memory beside the loop's. Throws: as dqn_layout.
DqnLayout agent_layout(const AgentShape& shape, int most_shared_bytes);

class DeviceAgents final : public AgentKernel {
 public:
  DeviceAgents(Stream& stream, const AgentShape& shape, const AgentEnv& env, Index places,
               int most_shared_bytes);
  ~DeviceAgents() override { stream_.finish(); }  // what was queued uses its memory
  DeviceAgents(const DeviceAgents&) = delete;
  DeviceAgents& operator=(const DeviceAgents&) = delete;

  Index places() const override { return places_; }
  std::string description() const override { return description_; }
  void start(Index place, const AgentSettings& settings, std::span<const float> parameters) override;
  void clear(Index place) override;
  void advance(Index ticks) override;
  void read(std::span<AgentStatus> status) override;
  std::vector<AgentEvaluation> curve(Index place, Index first, Index end) override;
  std::vector<AgentEpisode> episodes(Index place) override;
  void kept_parameters(Index place, std::span<float> out) override;
  const std::vector<AgentArray>& arrays() const override { return arrays_; }
  std::size_t state_bytes() const override {
    return static_cast<std::size_t>(kControlBytes + launch_.places.state_bytes);
  }
  void save(Index place, std::span<std::byte> state) override;
  AgentStatus status_of(std::span<const std::byte> state) const override;
  void load(Index place, std::span<const std::byte> state) override;

 private:
  static constexpr Index kControlBytes = (Index{sizeof(AgentControl)} + 15) / 16 * 16;

  void place_environment(const AgentEnv& env);
  template <class T>
  const T* put(std::span<const T> values);
  void check_place(Index place) const {
    if (place < 0 || place >= places_) fail("there is no place ", place, " among ", places_);
  }
  unsigned char* block(Index place) const { return launch_.blocks + place * launch_.places.block_bytes; }
  template <class T, std::size_t kExtent>
  void fetch(std::span<T, kExtent> to, Index place, Index where, Index first = 0) {
    stream_.copy_to_host(to.data(), block(place) + where + first * Index{sizeof(T)}, to.size_bytes());
  }
  AgentControl control(Index place);
  void check_size(std::size_t bytes) const {
    if (bytes != state_bytes()) fail("a state of ", bytes, " bytes, must be ", state_bytes());
  }
  void tell_failure(AgentStatus& status, Index place);

  Stream& stream_;
  const AgentShape shape_;
  const Index places_;
  std::string description_;
  std::vector<AgentArray> arrays_;
  DeviceMemory blocks_, controls_, settings_;
  std::vector<DeviceMemory> environment_;
  PinnedMemory read_;  // (places) of AgentControl
  AgentLaunch launch_ = {};
};

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
