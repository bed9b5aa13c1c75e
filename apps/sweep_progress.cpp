#include "apps/sweep_progress.h"

#include <algorithm>
#include <sstream>

#include "apps/progress_bar.h"
#include "core/number_text.h"

namespace bellman {
namespace {

/// More settings than this have no table while they train: it would not fit on the terminal.
constexpr std::size_t kMostRows = 20;

/// The text with each line cut to `width` characters, so that none takes two lines of the terminal.
std::string cut_lines(const std::string& text, std::size_t width) {
  std::string cut;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) cut += line.substr(0, width) + "\n";
  return cut;
}

}  // namespace

SweepProgress::SweepProgress(std::ostream& out, int terminal, const SweepPlan& plan)
    : out_(out),
      terminal_(terminal),
      plan_(plan),
      told_(plan.runs()),
      over_(plan.variants.size()),
      summaries_(summarise(plan, std::vector<SweepRun>(plan.runs()))) {}

double SweepProgress::seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

void SweepProgress::show(const std::vector<SweepRun>& runs) {
  if (terminal_ < 0) {
    for (std::size_t i = 0; i < runs.size(); ++i) tell(runs[i], i);
    return;
  }
  const std::string text =
      (plan_.variants.size() <= kMostRows ? table(runs) : std::string()) + last_line(runs);
  redraw(cut_lines(text, terminal_width(terminal_) - 1));
}

void SweepProgress::finish(const std::vector<SweepRun>& runs) {
  show(runs);
  const std::string text = table(runs) + last_line(runs);
  const auto without_time = [](const std::string& t) { return t.substr(0, t.rfind(',')); };
  if (without_time(text) != without_time(drawn_)) out_ << "\n" << text;
}

std::string SweepProgress::table(const std::vector<SweepRun>& runs) {
  for (std::size_t v = 0; v < summaries_.size(); ++v) {
    const std::span<const SweepRun> of_variant = runs_of(plan_, runs, v);
    const auto over = static_cast<std::size_t>(std::count_if(of_variant.begin(), of_variant.end(), is_over));
    if (over == over_[v]) continue;
    over_[v] = over;
    summaries_[v] = summarise(of_variant);
  }
  return sweep_table(plan_, summaries_);
}

std::string SweepProgress::last_line(const std::vector<SweepRun>& runs) const {
  std::size_t over = 0, failed = 0, solved = 0;
  double fraction = 0;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const SweepRun& run = runs[i];
    over += is_over(run);
    failed += run.state == RunState::kFailed;
    solved += run.state == RunState::kFinished && run.result.solved_at_timestep.has_value();
    const Index total = plan_.variants[plan_.variant_of(i)].resolved.config.total_timesteps;
    fraction += is_over(run) ? 1.0 : static_cast<double>(run.timestep) / static_cast<double>(total);
  }
  fraction /= static_cast<double>(runs.size());
  std::string line = std::to_string(over) + " of " + std::to_string(runs.size()) + " runs done, " +
                     std::to_string(solved) + " solved";
  if (failed > 0) line += ", " + std::to_string(failed) + " failed";
  line += ", " + duration_text(seconds());
  if (fraction > 0 && fraction < 1)
    line += ", " + duration_text(seconds() * (1 - fraction) / fraction) + " left";
  return line + "\n";
}

void SweepProgress::redraw(const std::string& text) {
  if (text == drawn_) return;
  const auto lines = std::count(drawn_.begin(), drawn_.end(), '\n');
  std::string codes = lines > 0 ? "\x1b[" + std::to_string(lines) + "A" : "";
  for (const char c : text) codes += c == '\n' ? std::string("\x1b[K\n") : std::string(1, c);
  out_ << codes << std::flush;
  drawn_ = text;
}

void SweepProgress::tell(const SweepRun& run, std::size_t i) {
  if (told_[i] || !is_over(run)) return;
  told_[i] = true;
  out_ << plan_.variants[plan_.variant_of(i)].label << ", seed " << plan_.seed_of(i) << ": ";
  if (run.state == RunState::kFailed) {
    out_ << "failed: " << run.error << std::endl;
    return;
  }
  out_ << "return " << number_text(run.result.eval.mean);
  if (run.result.solved_at_timestep)
    out_ << ", solved at step " << with_separators(*run.result.solved_at_timestep);
  out_ << std::endl;
}

}  // namespace bellman
