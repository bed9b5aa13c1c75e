#include "apps/settings/override_rules.h"

#include <algorithm>
#include <array>

#include "core/base/check.h"

namespace bellman {
namespace {

constexpr auto kFromNextStep = OverrideKind::kFromNextStep;
constexpr auto kAsksAnew = OverrideKind::kAsksAnew;
constexpr auto kOnlyAtStart = OverrideKind::kOnlyAtStart;

constexpr std::string_view kTask =
    "every environment begins an episode; the best network and whether the run is solved are asked anew";
constexpr std::string_view kParameters = "the parameters are of the network that the run began with";
constexpr std::string_view kMoments = "the optimiser's moments are of the one that the run began with";
constexpr std::string_view kReplay = "the replay is laid out for what the run began with";
constexpr std::string_view kRewards = "the replay holds rewards as they were scaled and clipped";
constexpr std::string_view kSolved = "whether the run is solved is asked anew";

constexpr OverrideRule kRules[] = {
    // clang-format off
    {"env-id", kAsksAnew, kTask},
    {"map", kAsksAnew, kTask},
    {"observation", kOnlyAtStart, "network and replay know the observations that the run began with"},
    {"slippery", kAsksAnew, kTask},
    {"success-rate", kAsksAnew, kTask},
    {"slip", kAsksAnew, kTask},
    {"sutton-barto-reward", kAsksAnew, kTask},
    {"max-episode-steps", kAsksAnew, kTask},

    {"seed", kFromNextStep},
    {"total-timesteps", kFromNextStep},
    {"num-envs", kOnlyAtStart, "the replay has a lane for each environment that the run began with"},
    {"threads", kFromNextStep},
    {"device", kOnlyAtStart, "each device lays the replay out in its own way"},
    {"learner", kFromNextStep},
    {"on-nan", kFromNextStep},

    {"network", kOnlyAtStart, kParameters},
    {"dueling", kOnlyAtStart, kParameters},
    {"initialiser", kOnlyAtStart, "parameters were drawn when the run began"},

    {"optimizer", kOnlyAtStart, kMoments},
    {"learning-rate", kFromNextStep},
    {"anneal-learning-rate", kFromNextStep},
    {"optimizer-epsilon", kFromNextStep},
    {"rmsprop-alpha", kFromNextStep},
    {"rmsprop-epsilon-in-root", kFromNextStep},
    {"weight-decay", kFromNextStep},
    {"momentum", kOnlyAtStart, kMoments},
    {"rmsprop-centered", kOnlyAtStart, kMoments},
    {"max-grad-norm", kFromNextStep},

    {"gamma", kFromNextStep},
    {"double", kFromNextStep},
    {"munchausen", kFromNextStep},
    {"munchausen-alpha", kFromNextStep},
    {"munchausen-temperature", kFromNextStep},
    {"munchausen-clip", kFromNextStep},
    {"n-step", kOnlyAtStart, kReplay},
    {"loss", kFromNextStep},
    {"huber-delta", kFromNextStep},
    {"target-network", kOnlyAtStart, "the target network is as old as the run"},
    {"tau", kFromNextStep},
    {"target-network-frequency", kFromNextStep},

    {"replay", kOnlyAtStart, kReplay},
    {"buffer-size", kOnlyAtStart, kReplay},
    {"prioritized", kOnlyAtStart, kReplay},
    {"per-alpha", kAsksAnew, "the weights of what the replay holds are computed anew; refused when it was 0"},
    {"per-beta-start", kFromNextStep},
    {"per-beta-end", kFromNextStep},
    {"per-epsilon", kFromNextStep},
    {"batch-size", kFromNextStep},
    {"learning-starts", kFromNextStep},
    {"train-frequency", kFromNextStep},
    {"gradient-steps", kFromNextStep},

    {"exploration-schedule", kFromNextStep},
    {"start-e", kFromNextStep},
    {"end-e", kFromNextStep},
    {"exploration-fraction", kFromNextStep},
    {"exploration-decay", kFromNextStep},

    {"normalize-observation", kOnlyAtStart, "the running statistics are as old as the run"},
    {"reward-scale", kOnlyAtStart, kRewards},
    {"reward-clip", kOnlyAtStart, kRewards},

    {"eval-frequency", kFromNextStep},
    {"eval-episodes", kFromNextStep},
    {"final-eval-episodes", kFromNextStep},
    {"eval-epsilon", kAsksAnew, "the best network and whether the run is solved are asked anew"},
    {"eval-seed", kFromNextStep},
    {"keep-best", kAsksAnew, "the best network so far is forgotten"},
    {"solved-return", kAsksAnew, kSolved},
    {"solve-confirm-episodes", kAsksAnew, kSolved},
    {"stop-when-solved", kFromNextStep},

    {"log-frequency", kFromNextStep},
    {"checkpoint-frequency", kFromNextStep},
    {"checkpoint-seconds", kFromNextStep},
    {"keep", kFromNextStep},
    // clang-format on
};

}  // namespace

std::span<const OverrideRule> override_rules() { return kRules; }

const OverrideRule& override_rule(const Setting& setting) {
  const auto rule = std::ranges::find(kRules, setting.key, &OverrideRule::key);
  BELLMAN_CHECK(rule != std::end(kRules));
  return *rule;
}

}  // namespace bellman
