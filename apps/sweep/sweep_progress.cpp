#include "apps/sweep/sweep_progress.h"

#include <algorithm>
#include <utility>

#include "apps/base/numbers.h"
#include "core/base/text.h"

namespace bellman {
namespace {

constexpr std::size_t kMostFailures = 10;  // named one by one

}  // namespace

std::vector<std::string> picture_lines(const std::vector<std::string>& table, std::size_t first,
                                       const std::string& last_line, std::size_t rows) {
  constexpr std::size_t kLeast = 4;  // headings, a row, which rows they are, and the last line
  std::vector<std::string> lines = table;
  if (table.size() + 1 > rows) {
    if (rows < kLeast) return {last_line};
    const std::size_t count = table.size() - 1, shown = rows - kLeast + 1;
    const std::size_t begin = std::min(first, count - shown);
    const auto row = table.begin() + 1 + static_cast<std::ptrdiff_t>(begin);
    lines = {table.front()};
    lines.insert(lines.end(), row, row + static_cast<std::ptrdiff_t>(shown));
    lines.push_back("settings " + std::to_string(begin + 1) + " to " + std::to_string(begin + shown) +
                    " of " + std::to_string(count));
  }
  lines.push_back(last_line);
  return lines;
}

SweepProgress::SweepProgress(std::ostream& out, int descriptor, std::ostream& errors, bool quiet,
                             const SweepPlan& plan, const std::vector<SweepRun>& before)
    : out_(out),
      descriptor_(descriptor),
      is_redrawn_(!quiet && terminal_descriptor(descriptor) >= 0),
      errors_(errors),
      quiet_(quiet),
      plan_(plan),
      picture_(out),
      over_(plan.variants.size()),
      summaries_(summarise(plan, std::vector<SweepRun>(plan.runs()))) {
  for (const SweepRun& run : before) printed_.push_back(is_over(run));
}

double SweepProgress::seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

void SweepProgress::show(const std::vector<SweepRun>& runs) {
  for (std::size_t i = 0; i < runs.size(); ++i) print_end(runs[i], i);
  if (!is_redrawn_) return;
  // Half of the height, so that the picture still fits when a narrower terminal wraps its lines.
  constexpr std::size_t kLeast = 4;
  const std::size_t width = line_width(descriptor_), all = terminal_size(descriptor_).rows;
  const std::size_t rows = std::max(all / 2, std::min(all, kLeast));
  std::vector<std::string> lines =
      picture_lines(table(runs, width), first_open_variant(runs), last_line(runs), rows);
  for (std::string& line : lines) line = cut(line, width);
  picture_.draw(std::move(lines));
}

void SweepProgress::print(const std::string& line) {
  if (quiet_) return;
  picture_.clear();
  out_ << line << std::endl;
}

void SweepProgress::finish(const std::vector<SweepRun>& runs) {
  show(runs);
  picture_.clear();
  if (failed_ > kMostFailures)
    errors_ << "bellman sweep: " << failed_ - kMostFailures << " more runs failed; sweep.csv has their errors"
            << std::endl;
  if (quiet_) return;
  if (!is_redrawn_) out_ << "\n";
  for (const std::string& row : table(runs, line_width(descriptor_))) out_ << row << "\n";
  out_ << last_line(runs) << std::endl;
}

std::vector<std::string> SweepProgress::table(const std::vector<SweepRun>& runs, std::size_t width) {
  for (std::size_t v = 0; v < summaries_.size(); ++v) {
    const std::span<const SweepRun> of_variant = runs_of(plan_, runs, v);
    const auto over = static_cast<std::size_t>(std::count_if(of_variant.begin(), of_variant.end(), is_over));
    if (over == over_[v]) continue;
    over_[v] = over;
    summaries_[v] = summarise(of_variant);
  }
  return sweep_table(plan_, summaries_, width);
}

/// The first variant with runs that are not over.
std::size_t SweepProgress::first_open_variant(const std::vector<SweepRun>& runs) const {
  const auto open = std::find_if_not(runs.begin(), runs.end(), is_over);
  return open == runs.end() ? 0 : plan_.variant_of(static_cast<std::size_t>(open - runs.begin()));
}

std::string SweepProgress::last_line(const std::vector<SweepRun>& runs) const {
  std::size_t over = 0, failed = 0, solved = 0;
  double fraction = 0;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (!plan_.is_ours(i)) continue;
    const SweepRun& run = runs[i];
    over += is_over(run);
    failed += run.state == RunState::kFailed;
    solved += run.state == RunState::kFinished && run.result.solved_at_timestep.has_value();
    const Index total = plan_.variants[plan_.variant_of(i)].resolved.config.total_timesteps;
    fraction += is_over(run) ? 1.0 : static_cast<double>(run.timestep) / static_cast<double>(total);
  }
  fraction /= static_cast<double>(plan_.own_runs());
  std::string line = std::to_string(over) + " of " + std::to_string(plan_.own_runs()) + " runs done, " +
                     std::to_string(solved) + " solved";
  if (failed > 0) line += ", " + std::to_string(failed) + " failed";
  line += ", " + duration_text(seconds());
  if (fraction > 0 && fraction < 1)
    line += ", " + duration_text(seconds() * (1 - fraction) / fraction) + " left";
  return line;
}

void SweepProgress::print_end(const SweepRun& run, std::size_t i) {
  if (printed_[i] || !is_over(run)) return;
  printed_[i] = true;
  if (run.state == RunState::kFailed) return print_failure(run, i);
  if (is_redrawn_ || quiet_) return;
  out_ << run_name(plan_, i) << ": return " << number_text(run.result.eval.mean);
  if (run.result.solved_at_timestep)
    out_ << ", solved at step " << with_separators(*run.result.solved_at_timestep);
  out_ << std::endl;
}

void SweepProgress::print_failure(const SweepRun& run, std::size_t i) {
  if (++failed_ > kMostFailures) return;
  picture_.clear();  // both may be on the same terminal
  errors_ << "bellman sweep: " << run_name(plan_, i) << ": failed: " << run.error << std::endl;
}

}  // namespace bellman
