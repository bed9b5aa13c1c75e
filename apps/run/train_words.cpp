#include "apps/run/train_words.h"

#include <sstream>
#include <utility>

#include "apps/base/fingerprint.h"
#include "apps/base/numbers.h"
#include "apps/run/checkpoint_writer.h"
#include "apps/run/resume.h"
#include "rl/train/foreseen.h"
#include "rl/train/from_config.h"

namespace bellman {

std::vector<std::string> notes_before(const TrainConfig& config, const Trainer& trainer,
                                      const ResumePoint* resume) {
  std::vector<std::string> notes = foreseen(config, trainer.env_spec());
  if (resume) {
    const TrainConfig before = resumed_config(*resume, {}, {}).config;
    for (std::string& note : foreseen_jumps(before, config, resume->checkpoint.timestep))
      notes.push_back(std::move(note));
  }
  if (saves_while_training(config) && !trainer.memory().copy_fits(trainer.memory_before()))
    notes.push_back(
        "training will wait for each checkpoint to be written: there is no memory for a copy of up to " +
        mebibytes(trainer.memory().checkpoint_copy));
  return notes;
}

std::vector<std::string> notes_on_origin(const ResumePoint& resume, int ranks) {
  const std::string name = resume.path.string();
  std::vector<std::string> notes;
  if (resume.checkpoint.build != build_id())
    notes.push_back(name + ": another build of the program made it, which may round differently");
  if (resume.checkpoint.ranks != ranks)
    notes.push_back("note: " + name + ": " +
                    (resume.checkpoint.ranks == 1
                         ? "one rank"
                         : "up to " + std::to_string(resume.checkpoint.ranks) + " ranks") +
                    " trained it, now " + std::to_string(ranks) + (ranks == 1 ? " does" : " do") +
                    ": gradients are summed in another order");
  return notes;
}

std::string dry_run_text(const ResolvedConfig& resolved, const Trainer& trainer, const ResumePoint* resume) {
  const Network& network = trainer.network();
  std::ostringstream out;
  out << settings_table(resolved) << "\n"
      << "The whole network: " << network.text() << "\n"
      << "  observation " << network.input_shape() << ", " << trainer.env_spec().num_actions << " actions, "
      << with_separators(network.layout().parameters()) << " parameters\n"
      << "The learner: " << trainer.learner() << "\n"
      << "Memory: " << description(trainer.memory());
  const Index copy = saves_while_training(resolved.config) ? trainer.memory().checkpoint_copy : 0;
  if (copy >= (Index{1} << 20))
    out << "; up to " << mebibytes(copy)
        << " more for the copy that a checkpoint is written from, where there is room";
  out << "\n";
  if (resume)
    out << "It would continue at step " << with_separators(resume->checkpoint.timestep) << ", from "
        << resume->path.string() << "\n";
  out << "Nothing was trained or written.\n";
  return out.str();
}

std::string announcement(const TrainConfig& config, const Trainer& trainer, const Device& device,
                         const std::filesystem::path& directory) {
  std::ostringstream out;
  out << "Training on " << config.env.id << ", seed " << config.seed << ", for at most "
      << with_separators(steps_to_make(config)) << " steps.\n"
      << "Network: " << trainer.network().text() << " ("
      << with_separators(trainer.network().layout().parameters()) << " parameters).\n"
      << "Learner: " << trainer.learner() << ".\n";
  if (!device.description.empty()) out << "Device: " << device.description << ".\n";
  out << "Files: " << directory.string() << ". Ctrl-C ends the run early and keeps what it has.\n";
  return out.str();
}

}  // namespace bellman
