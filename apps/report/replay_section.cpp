#include <algorithm>
#include <cmath>

#include "apps/page/chart.h"
#include "apps/page/page.h"
#include "apps/report/report_page.h"
#include "core/base/text.h"
#include "rl/replay/replay_ring.h"
#include "rl/replay/sampler.h"
#include "rl/train/from_config.h"

namespace bellman {
namespace {

constexpr std::size_t kBins = 20;

/// P(X > x) for a chi-squared variable of k degrees of freedom, by Wilson and Hilferty's cube root (1931): within 0.01
/// for the dozens of degrees that are used here.
double chi_squared_tail(double x, double k) {
  const double z = (std::cbrt(x / k) - (1 - 2 / (9 * k))) / std::sqrt(2 / (9 * k));
  return std::erfc(z / std::sqrt(2.0)) / 2;
}

}  // namespace

Markup replay_section(const RunData& run) {
  const TrainConfig& config = run.config;
  if (!config.replay) return {};
  if (!run.newest)
    return section("replay", "What it learnt from",
                   element("p", as_text("Not drawn: the newest checkpoint is larger than " +
                                        std::to_string(kMostCheckpointBytes >> 20U) + " MiB.")));
  const StateReader state(run.newest->checkpoint.state, run.newest->path.string());
  ReplayRing ring = replay_ring(config);
  ring.load(state, make_env(config.env)->spec().num_actions);
  if (ring.size() == 0) return {};
  const std::unique_ptr<Sampler> sampler = make_sampler(config, ring.capacity());
  sampler->load(state, ring);
  const auto* const prioritized = dynamic_cast<const PrioritizedSampler*>(sampler.get());

  // Every slot that can be drawn: its age, and its exact probability.
  double oldest = 1;
  for (Index slot = 0; slot < ring.capacity(); ++slot)
    if (ring.sampleable(slot)) oldest = std::max(oldest, static_cast<double>(ring.age(slot) + 1));
  const auto bin_of = [&](Index slot) {
    return std::min(kBins - 1,
                    static_cast<std::size_t>(static_cast<double>(ring.age(slot)) / oldest * kBins));
  };
  constexpr Index kBatches = 400;
  std::vector<Index> slots(static_cast<std::size_t>(config.batch_size));
  std::vector<float> weights(slots.size());
  std::vector<double> expected(kBins, 0), drawn(kBins, 0), edges;
  const double total = static_cast<double>(kBatches * config.batch_size);
  for (Index slot = 0; slot < ring.capacity(); ++slot)
    if (ring.sampleable(slot))
      expected[bin_of(slot)] +=
          total * (prioritized ? prioritized->probability(slot) : 1 / static_cast<double>(ring.size()));
  for (Index i = 0; i < kBatches; ++i) {
    sampler->sample(static_cast<std::uint64_t>(1'000'000'000 + i), slots, weights);
    for (const Index slot : slots) ++drawn[bin_of(slot)];
  }
  double chi_squared = 0, freedom = -1;
  for (std::size_t i = 0; i < kBins; ++i)
    if (expected[i] >= 5) chi_squared += std::pow(drawn[i] - expected[i], 2) / expected[i], ++freedom;
  for (std::size_t i = 0; i <= kBins; ++i) edges.push_back(oldest * static_cast<double>(i) / kBins);

  Markup text =
      histogram({"How old what is learnt from is",
                 "Bars: how often transitions of that age were drawn, in " + std::to_string(kBatches) +
                     " batches from the replay of the newest checkpoint. Line: the exact expectation. Old "
                     "experience comes from other policies; a batch of new experience alone is correlated.",
                 "steps ago", "draws"},
                edges, drawn, expected);
  if (freedom >= 1) {
    const double p = chi_squared_tail(chi_squared, freedom);
    text += element(
        "p",
        as_text("Draws against their exact probability: χ² = " + formatted("%.1f", chi_squared) + " with " +
                formatted("%g", freedom) + " degrees of freedom, p = " + formatted("%.2f", p) +
                (prioritized ? ". Stratified draws scatter less than independent ones, so p near 1 is right."
                             : ". A p below 0.001 would mean that the sampler is wrong.")));
  }
  if (prioritized) {
    double squares = 0;
    for (Index slot = 0; slot < ring.capacity(); ++slot)
      squares += std::pow(prioritized->probability(slot), 2);
    text += element("p", as_text("The priorities are worth " + formatted("%.0f", 1 / squares) +
                                 " equally likely transitions of the " + std::to_string(ring.size()) +
                                 " that are there (1 / Σ P²)."));
  }
  return section("replay", "What it learnt from", text);
}

}  // namespace bellman
