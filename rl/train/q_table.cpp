#include "rl/train/q_table.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

namespace bellman {

std::vector<double> q_table(const TabularEnv& env, const QFunction& q, Index most_cells,
                            const std::atomic<bool>* stop) {
  constexpr std::size_t kMostNumbers = std::size_t{1} << 22;  // of a batch: 16 MiB
  const TabularMdp& mdp = env.task().mdp;
  const auto width = static_cast<std::size_t>(env.spec().observation_shape.elements());
  const auto actions = static_cast<std::size_t>(mdp.num_actions());
  std::vector<std::size_t> cells;
  for (std::int32_t state = 0; state < mdp.num_states(); ++state)
    if (mdp.playable(state)) cells.push_back(static_cast<std::size_t>(state));
  const std::size_t most =
      std::clamp<std::size_t>(kMostNumbers / width, 1, static_cast<std::size_t>(most_cells));
  std::vector<float> observations(most * width), values(most * actions);
  std::vector<double> table(static_cast<std::size_t>(mdp.num_states()) * actions,
                            std::numeric_limits<double>::quiet_NaN());
  for (std::size_t begin = 0; begin < cells.size() && !(stop && stop->load(std::memory_order_relaxed));
       begin += most) {
    const std::span<const std::size_t> batch =
        std::span(cells).subspan(begin, std::min(most, cells.size() - begin));
    for (std::size_t i = 0; i < batch.size(); ++i)
      env.observe_state(std::span(observations).subspan(i * width, width),
                        static_cast<std::int32_t>(batch[i]));
    q(std::span(values).first(batch.size() * actions), std::span(observations).first(batch.size() * width),
      static_cast<Index>(batch.size()));
    for (std::size_t i = 0; i < batch.size(); ++i)
      std::copy_n(values.begin() + static_cast<std::ptrdiff_t>(i * actions), actions,
                  table.begin() + static_cast<std::ptrdiff_t>(batch[i] * actions));
  }
  return table;
}

}  // namespace bellman
