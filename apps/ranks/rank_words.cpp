#include "apps/ranks/rank_words.h"

#include <algorithm>
#include <chrono>
#include <iostream>
#include <sstream>
#include <thread>

#include "apps/base/fingerprint.h"
#include "apps/base/json_text.h"
#include "apps/base/process.h"
#include "apps/ranks/launch.h"
#include "core/base/check.h"
#include "core/base/text.h"
#include "core/cpu/simd/kernels.h"
#include "rl/ranks/gather_texts.h"

namespace bellman {
namespace {

constexpr int kExitCode = 2;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

}  // namespace

std::vector<RankWord> program_words() {
  return {
      {"version", BELLMAN_VERSION}, {"build", build_id()}, {"kernels", cpu::usable_kernels().front()->name}};
}

std::string difference_in_words(Ranks& ranks, const std::vector<RankWord>& words) {
  std::string text;
  for (const RankWord& word : words) text += word.key + "\n" + escaped(word.value) + "\n";
  const std::vector<std::string> texts = gather_texts(ranks, text);
  const std::vector<std::string> zero = lines_of(texts.front());
  for (std::size_t rank = 1; rank < texts.size(); ++rank) {
    const std::vector<std::string> other = lines_of(texts[rank]);
    for (std::size_t i = 0; i + 1 < std::max(zero.size(), other.size()); i += 2) {
      const auto key = [i](const auto& lines) { return i + 1 < lines.size() ? lines[i] : std::string(); };
      const auto value = [i](const auto& lines) {
        return i + 1 < lines.size() ? lines[i + 1] : std::string();
      };
      if (key(zero) != key(other))
        return "rank " + std::to_string(rank) + " has \"" + key(other) + "\" where rank 0 has \"" +
               key(zero) + "\"";
      if (value(zero) != value(other))
        return key(zero) + " is " + value(other) + " on rank " + std::to_string(rank) + ", and " +
               value(zero) + " on rank 0: all ranks must have the same";
    }
  }
  return "";
}

void require_same_words(Ranks& ranks, const std::vector<RankWord>& words) {
  const std::string difference = difference_in_words(ranks, words);
  if (!difference.empty()) throw Error(difference);
}

int on_rank(Ranks& ranks, const std::string& label, const std::function<int()>& work) {
  if (ranks.size() == 1) return work();
  std::string message;
  try {
    // First of all: ranks that do different things understand no other message of each other.
    std::vector<RankWord> words = program_words();
    words.insert(words.begin(), {"the command", label});
    require_same_words(ranks, words);
    return work();
  } catch (const std::exception& error) {
    message = error_text(error);
  }
  std::replace(message.begin(), message.end(), '\n', ' ');
  let_lower_ranks_speak();
  std::cout.flush();
  std::cerr << formatted("%s: rank %d of %d: ", label.c_str(), ranks.rank(), ranks.size()) + message + "\n"
            << std::flush;
  std::this_thread::sleep_for(
      std::chrono::milliseconds(100));  // mpirun of MPICH loses what it has not read yet
  ranks.abort(kExitCode);
  return kExitCode;  // never: gcc does not see that a virtual function does not return
}

}  // namespace bellman
