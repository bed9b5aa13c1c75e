// A run, or several runs of the same settings, as a page: what `bellman report` writes, and `bellman train` at its end.
#pragma once

#include <filesystem>
#include <ostream>
#include <string>
#include <vector>

#include "apps/page/markup.h"
#include "apps/report/run_data.h"

namespace bellman {

/// Throws: Error as the parts of the run that it plays and loads. REQUIRES: at least one run.
std::string report_page(const std::vector<RunData>& runs);

/// Draws the run in `directory` to its report.html. False: the page could not be drawn or written, which costs the run
/// nothing. Lines to `notes` say why, and begin with `label`: "bellman train".
bool leave_report(const std::filesystem::path& directory, const std::string& label, std::ostream& notes);

// Its parts, each empty where the run has nothing for it.
/// Learning curves, loss, Q-values, exploration, norms: the columns of progress.csv. Of several runs the mean and the
/// 95 % bootstrap band; with forks among them a line for each run, and a mark where a fork left its parent.
Markup curves_section(const std::vector<RunData>& runs);
/// Where the time went, by phase.
Markup time_section(const RunData& run);
/// What stands out, each with the setting to look at.
Markup verdicts_section(const std::vector<RunData>& runs);
/// Of diagnostics.csv: TD errors, gradients, weights and steps by parameter, dead units; of a gridworld Q over training time.
Markup network_section(const RunData& run);
std::vector<std::string> network_verdicts(const RunData& run);
/// Of the newest checkpoint: how old what is drawn is, draws against their exact probability, TD errors.
Markup replay_section(const RunData& run);
/// Of a gridworld: the policy on the map, Q beside Q*, the error by cell. Of CartPole: the policy over theta and theta_dot.
Markup policy_section(const RunData& run);
/// An episode that plays, and what the network promised beside what came.
Markup episode_section(const RunData& run);

}  // namespace bellman
