// From the torso that a user writes to the whole Q-network: the head follows from the number of actions.
#pragma once

#include <string>
#include <string_view>

namespace bellman {

/// `torso` with its head: "dense A" (one Q-value an action), or a dueling head (Wang et al. 2016) when
/// `dueling` is set or the torso ends in the word `dueling`, which may bring its own `hidden H`. An empty
/// torso gives a linear network.
///   "dense 64, relu", 2                    -> "dense 64, relu, dense 2"
///   "dense 64, relu, dueling", 2           -> "dense 64, relu, dueling 2"
///   "dense 64, relu, dueling hidden 32", 2 -> "dense 64, relu, dueling 2 hidden 32"
/// `dueling` gives both streams a hidden layer, as the paper does: each has its own copy of the layers
/// `dense H, relu` that the torso ends with. After another end it comes on top, as wide as the torso's last
/// dense layer, or 512 wide where there is none.
///   "dense 120, relu, dense 84, relu", 2, dueling -> "dense 120, relu, dueling 2 hidden 84"
///   "dense 64, tanh", 2, dueling                  -> "dense 64, tanh, dueling 2 hidden 64"
/// Throws: Error when num_actions is below 1, or the torso ends in a dueling head for another number of
/// actions.
std::string complete_network_text(std::string_view torso, int num_actions, bool dueling);

/// `network` whose last layer, when it is a `dueling` that does not say its number of actions, has
/// num_actions: "dueling hidden 32" becomes "dueling 2 hidden 32". All else stays as it is.
std::string with_dueling_actions(std::string_view network, int num_actions);

}  // namespace bellman
