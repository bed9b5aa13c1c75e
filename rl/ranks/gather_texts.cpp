#include "rl/ranks/gather_texts.h"

#include <cstddef>
#include <span>

namespace bellman {

std::vector<std::string> gather_texts(Ranks& ranks, const std::string& own) {
  const auto self = static_cast<std::size_t>(ranks.rank()), count = static_cast<std::size_t>(ranks.size());
  std::vector<std::size_t> lengths(count);
  lengths[self] = own.size();
  ranks.all_gather(std::as_writable_bytes(std::span(lengths)),
                   std::vector<std::size_t>(count, sizeof(std::size_t)));
  std::string all;
  for (std::size_t rank = 0; rank < count; ++rank)
    all += rank == self ? own : std::string(lengths[rank], ' ');
  ranks.all_gather(std::as_writable_bytes(std::span(all)), lengths);
  std::vector<std::string> texts;
  std::size_t begin = 0;
  for (const std::size_t length : lengths) {
    texts.push_back(all.substr(begin, length));
    begin += length;
  }
  return texts;
}

}  // namespace bellman
