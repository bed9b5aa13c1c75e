#include "rl/learn/q_network.h"

#include <cctype>
#include <sstream>
#include <string>
#include <vector>

#include "core/base/check.h"

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

/// The layers, each as its words.
std::vector<std::vector<std::string>> layers_of(std::string_view torso) {
  std::vector<std::vector<std::string>> layers;
  while (!torso.empty()) {
    const std::size_t comma = torso.find(',');
    layers.push_back(words_of(torso.substr(0, comma)));
    torso.remove_prefix(comma == std::string_view::npos ? torso.size() : comma + 1);
  }
  return layers;
}

/// `dense H` with a width that the layer's own reader would take.
bool is_dense(const std::vector<std::string>& words) {
  return words.size() == 2 && words[0] == "dense" && words[1][0] != '0' &&
         words[1].find_first_not_of("0123456789") == std::string::npos;
}

/// The torso that both streams share, and their head. REQUIRES: the torso is not empty.
std::string with_streams(std::string_view torso, const std::string& actions) {
  const std::vector<std::vector<std::string>> layers = layers_of(torso);
  std::string hidden = "512";
  for (const std::vector<std::string>& words : layers)
    if (is_dense(words)) hidden = words[1];
  const std::string head = "dueling " + actions + " hidden " + hidden;
  const std::size_t n = layers.size();
  const bool is_split =
      n >= 2 && is_dense(layers[n - 2]) && layers[n - 1] == std::vector<std::string>{"relu"};
  if (!is_split) return std::string(torso) + ", " + head;
  torso = torso.substr(0, torso.rfind(','));   // without relu
  const std::size_t comma = torso.rfind(',');  // before `dense H`
  return comma == std::string_view::npos ? head : std::string(torso.substr(0, comma)) + ", " + head;
}

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
  if (torso.empty()) return (dueling ? "dueling " : "dense ") + actions;
  return dueling ? with_streams(torso, actions) : std::string(torso) + ", dense " + actions;
}

std::string with_dueling_actions(std::string_view network, int num_actions) {
  const LastLayer last(network);
  const bool lacks_actions = last.is_dueling() && last.actions().empty();
  return lacks_actions ? last.with_actions(std::to_string(num_actions)) : std::string(network);
}

}  // namespace bellman
