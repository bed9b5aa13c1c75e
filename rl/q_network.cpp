#include "rl/q_network.h"

#include <cctype>
#include <sstream>
#include <string>
#include <vector>

#include "core/check.h"

namespace bellman {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto is_space = [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::vector<std::string> words_of(std::string_view text) {
  std::istringstream stream{std::string(text)};
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

/// A network's text, cut before its last layer.
struct LastLayer {
  std::string before;              // with its comma: "dense 64, relu, "
  std::vector<std::string> words;  // of the last layer

  explicit LastLayer(std::string_view network) {
    const std::size_t comma = network.rfind(',');
    const bool one_layer = comma == std::string_view::npos;
    words = words_of(one_layer ? network : network.substr(comma + 1));
    if (!one_layer) before = std::string(network.substr(0, comma)) + ", ";
  }
  bool is_dueling() const { return !words.empty() && words[0] == "dueling"; }
  /// The number of actions in "dueling 2 hidden 32"; empty in "dueling hidden 32".
  std::string actions() const {
    const bool is_number = words.size() > 1 && std::isdigit(static_cast<unsigned char>(words[1][0]));
    return is_number ? words[1] : "";
  }
  std::string with_actions(const std::string& actions_text) const {
    std::string text = before + "dueling " + actions_text;
    for (std::size_t i = actions().empty() ? 1 : 2; i < words.size(); ++i) text += " " + words[i];
    return text;
  }
};

}  // namespace

std::string complete_network_text(std::string_view torso, int num_actions, bool dueling) {
  if (num_actions < 1) fail("a Q-network needs at least 1 action, not ", num_actions);
  const std::string actions = std::to_string(num_actions);
  torso = trimmed(torso);
  const LastLayer last(torso);
  if (last.is_dueling()) {
    if (!last.actions().empty() && last.actions() != actions)
      fail("the network's head is `dueling ", last.actions(), "`, but the environment has ", actions,
           " actions");
    return last.with_actions(actions);
  }
  const std::string head = (dueling ? "dueling " : "dense ") + actions;
  return torso.empty() ? head : std::string(torso) + ", " + head;
}

std::string with_dueling_actions(std::string_view network, int num_actions) {
  const LastLayer last(network);
  const bool lacks_actions = last.is_dueling() && last.actions().empty();
  return lacks_actions ? last.with_actions(std::to_string(num_actions)) : std::string(network);
}

}  // namespace bellman
