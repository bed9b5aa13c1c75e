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

/// The words after `dueling` behind the number of actions: "dueling", "dueling hidden 32" and, when it names
/// the right number, "dueling 2 hidden 32" all become "dueling 2 ...".
std::string completed_dueling(const std::vector<std::string>& words, const std::string& actions) {
  std::string head = "dueling " + actions;
  std::size_t rest = 1;
  if (words.size() > 1 && std::isdigit(static_cast<unsigned char>(words[1][0]))) {
    if (words[1] != actions)
      fail("the network's head is `dueling ", words[1], "`, but the environment has ", actions, " actions");
    rest = 2;
  }
  for (std::size_t i = rest; i < words.size(); ++i) head += " " + words[i];
  return head;
}

}  // namespace

std::string complete_network_text(std::string_view torso, int num_actions, bool dueling) {
  if (num_actions < 1) fail("a Q-network needs at least 1 action, not ", num_actions);
  const std::string actions = std::to_string(num_actions);
  torso = trimmed(torso);

  const std::size_t comma = torso.rfind(',');
  const bool one_layer = comma == std::string_view::npos;
  const std::vector<std::string> last = words_of(one_layer ? torso : torso.substr(comma + 1));
  if (!last.empty() && last[0] == "dueling") {
    const std::string before = one_layer ? "" : std::string(torso.substr(0, comma)) + ", ";
    return before + completed_dueling(last, actions);
  }
  const std::string head = (dueling ? "dueling " : "dense ") + actions;
  return torso.empty() ? head : std::string(torso) + ", " + head;
}

}  // namespace bellman
