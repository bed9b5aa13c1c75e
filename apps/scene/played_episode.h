// An episode that a network plays: what was seen, what it thought of it, what it did.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "apps/page/markup.h"
#include "apps/run/trained_network.h"
#include "apps/scene/scene.h"

namespace bellman {

/// One moment: the scene, the Q-values there and the action they led to; none at the episode's end.
struct PlayedStep {
  Scene scene;
  std::vector<float> q;  // (A)
  std::optional<int> action;
  double reward = 0;  // of the step that led here
  double episode_return = 0;
};

/// An episode under way: the network's next action is known, the environment's next step is not.
class Play {
 public:
  /// Resets the environment. Without `with_scenes` the scenes of its moments are empty. REQUIRES: env and network outlive
  /// it, and fit each other.
  Play(Env& env, TrainedNetwork& network, bool with_scenes = true);
  const PlayedStep& now() const { return now_; }
  std::size_t steps() const { return steps_; }
  bool is_over() const { return over_; }
  /// REQUIRES: not is_over().
  void advance();

 private:
  void look(double reward);

  Env& env_;
  TrainedNetwork& network_;
  bool with_scenes_;
  std::vector<float> observation_;
  PlayedStep now_;
  std::size_t steps_ = 0;
  bool over_ = false;
};

/// "step 12: right, return 12, Q left 21.3 right 23.1"
std::string step_text(const PlayedStep& step, std::size_t number, const EnvSpec& spec);

/// The episode as a figure that plays, pauses and steps (apps/page/page.js). `id` is unique on the page.
Markup episode_player(const std::vector<PlayedStep>& steps, const EnvSpec& spec, std::string_view id);

}  // namespace bellman
