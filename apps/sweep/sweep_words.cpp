#include "apps/sweep/sweep_words.h"

#include <algorithm>
#include <sstream>

#include "apps/base/numbers.h"
#include "apps/base/process.h"
#include "apps/base/terminal.h"
#include "apps/sweep/comparison_report.h"
#include "apps/sweep/sweep_files.h"
#include "apps/sweep/sweep_report.h"
#include "core/base/text.h"

namespace bellman {

std::string shard_text(const SweepPlan& plan) {
  if (plan.is_whole()) return "";
  std::ostringstream text;
  text << "Shard " << plan.shard.number << " of " << plan.shard.count << ": " << plan.own_runs() << " of "
       << counted(plan.runs(), "run") << ". ";
  return text.str();
}

std::string announcement(const SweepPlan& plan, const ExecutionPlan& execution,
                         const std::filesystem::path& directory, const std::vector<SweepRun>& runs) {
  std::ostringstream out;
  const auto over = std::count_if(runs.begin(), runs.end(), is_over);
  out << sweep_title(plan) << ". " << shard_text(plan) << execution.text << ".\n";
  if (!plan.device_note.empty()) out << "Device: " << plan.device_note << ".\n";
  if (over > 0)
    out << over << " of " << counted(plan.own_runs(), "run") << (over == 1 ? " is" : " are")
        << " done already"
        << (static_cast<std::size_t>(over) == runs.size() ? "; --seeds and --grid add more.\n" : ".\n");
  out << "Files: " << directory.string() << ". Ctrl-C ends the sweep early; --resume continues it.\n\n";
  return out.str();
}

std::string comparison_paragraph(const SweepPlan& plan, const std::vector<SweepRun>& runs,
                                 std::size_t width) {
  const std::string table = comparison_text(plan, runs, width);
  if (table.empty()) return "";
  return "\n" + table +
         wrapped(
             "Differences of the final returns, seed by seed, and P(better), the probability that a run's "
             "return is the larger one. Intervals: 95 % bootstrap.\n",
             std::min<std::size_t>(width, 100));
}

std::string summary_text(const SweepPlan& plan, const std::vector<SweepRun>& runs,
                         const std::filesystem::path& directory) {
  std::ostringstream text;
  for (const std::string& warning : {failed_runs_note(runs), few_seeds_warning(plan)})
    if (!warning.empty()) text << "\n" << warning << "\n";
  text << "\nReturns: means of " << plan.variants.front().resolved.config.final_eval_episodes
       << " fresh episodes of each run. IQM: their interquartile mean over the seeds, "
          "with a 95 % bootstrap interval. Bounds of the share solved: Clopper and Pearson's, at 95 %. "
          "Steps and seconds: the medians to solve it.\n\nWritten to "
       << directory.string()
       << ":\n  sweep.html        curves and table, for a browser\n"
          "  sweep.csv         a row a run\n"
          "  sweep_curves.csv  a row an evaluation\n"
          "  sweep.json        all of it\n"
          "  run-*             the results of each run, for --resume"
       << (plan.is_whole() ? ", also with more --seeds and --grid\n" : " and --merge\n");
  for (const auto& [env_id, run] : best_runs(plan, runs))
    text << "  " << best_model_path("", env_id).string()
         << "  the model of the best run: " << run_name(plan, run) << "\n";
  return text.str();
}

}  // namespace bellman
