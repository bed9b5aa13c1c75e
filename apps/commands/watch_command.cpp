// `bellman watch`: a trained network plays, in the terminal or into a file.

#include <algorithm>
#include <chrono>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include "apps/base/numbers.h"
#include "apps/base/process.h"
#include "apps/base/terminal.h"
#include "apps/commands/command.h"
#include "apps/page/page.h"
#include "apps/run/trained_network.h"
#include "apps/scene/frame_film.h"
#include "apps/scene/frame_gif.h"
#include "apps/scene/played_episode.h"
#include "apps/scene/scene_gif.h"
#include "apps/scene/scene_raster.h"
#include "apps/settings/declare_options.h"
#include "apps/settings/setting_options.h"
#include "core/base/check.h"
#include "core/base/text.h"
#include "envs/env.h"
#include "envs/process/frame.h"
#include "rl/train/model_file.h"

namespace bellman {
namespace {

struct WatchOptions {
  std::unique_ptr<EnvArguments> env;
  std::string checkpoint, seed = "1", episodes = "1", speed = "25", record;
};

// ---- in a terminal

/// Keys come one by one while it lives, and are not shown.
class KeyReader {
 public:
  KeyReader() {
    tcgetattr(STDIN_FILENO, &before_);
    termios raw = before_;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    tcsetattr(STDIN_FILENO, TCSANOW, &raw);
  }
  ~KeyReader() { tcsetattr(STDIN_FILENO, TCSANOW, &before_); }
  KeyReader(const KeyReader&) = delete;
  KeyReader& operator=(const KeyReader&) = delete;

  /// The key that is pressed within so many milliseconds, 0 when none is; an arrow to the right is '>'.
  char wait(int milliseconds) const {
    pollfd in = {STDIN_FILENO, POLLIN, 0};
    if (poll(&in, 1, milliseconds) <= 0) return 0;
    char bytes[8] = {};
    const ssize_t n = read(STDIN_FILENO, bytes, sizeof bytes);
    if (n <= 0) return 'q';  // nobody can press anything any more
    if (n >= 3 && bytes[0] == '\x1b') return bytes[2] == 'C' ? '>' : 0;
    return bytes[0];
  }

 private:
  termios before_{};
};

/// "left  ########      21.3": bars from the smallest to the largest Q-value.
std::vector<std::string> q_lines(const PlayedStep& step, const EnvSpec& spec, std::size_t columns) {
  std::size_t name = 0;
  for (const std::string& action : spec.action_names) name = std::max(name, characters(action));
  const auto [least, most] = std::minmax_element(step.q.begin(), step.q.end());
  const std::size_t room = columns > name + 16 ? std::min<std::size_t>(columns - name - 16, 30) : 0;
  std::vector<std::string> lines;
  for (std::size_t a = 0; a < step.q.size(); ++a) {
    const double share = *most > *least ? static_cast<double>((step.q[a] - *least) / (*most - *least)) : 1.0;
    const auto length = static_cast<std::size_t>(share * static_cast<double>(room));
    const bool chosen = step.action && static_cast<std::size_t>(*step.action) == a;
    lines.push_back((chosen ? "> " : "  ") + spec.action_names[a] +
                    std::string(name - characters(spec.action_names[a]) + 1, ' ') + std::string(length, '#') +
                    std::string(room - length + 1, ' ') + formatted("%.4g", static_cast<double>(step.q[a])));
  }
  return lines;
}

std::vector<std::string> screen(const Play& play, const EnvSpec& spec, Index episode, bool paused,
                                double speed) {
  const TerminalSize size = terminal_size(STDOUT_FILENO);
  const std::size_t columns = std::min<std::size_t>(size.columns > 1 ? size.columns - 1 : 1, 100);
  const std::vector<std::string> q = q_lines(play.now(), spec, columns);
  const std::size_t rest = q.size() + 3,
                    rows = size.rows > rest + 3 ? std::min<std::size_t>(size.rows - rest - 1, 20) : 2;
  std::vector<std::string> lines = {
      spec.id + ", episode " + std::to_string(episode) + ", step " + std::to_string(play.steps()) +
      ", return " + formatted("%.6g", play.now().episode_return) + (play.is_over() ? ", over" : "")};
  for (std::string& line : scene_lines(play.now().scene, columns, rows)) lines.push_back(std::move(line));
  lines.insert(lines.end(), q.begin(), q.end());
  lines.push_back("space " + std::string(paused ? "go on" : "pause") + " · → step · + - speed " +
                  formatted("%g", speed) + "/s · q quit");
  if (lines.size() + 1 > size.rows) lines.resize(std::max<std::size_t>(size.rows, 2) - 1);
  for (std::string& line : lines) line = std::string(cut(line, columns));
  return lines;
}

/// Until its end, or a key that quits: false then.
bool show_episode(Play& play, const EnvSpec& spec, Index episode, double& speed, const KeyReader& keys,
                  TerminalPicture& picture, const InterruptGuard& interrupt) {
  bool paused = false;
  for (;;) {
    picture.draw(screen(play, spec, episode, paused, speed));
    if (play.is_over()) return keys.wait(1000) != 'q';
    const auto due = std::chrono::steady_clock::now() + std::chrono::duration<double>(1 / speed);
    for (;;) {
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(due - std::chrono::steady_clock::now());
      const char key = keys.wait(paused ? 200 : std::max(0, static_cast<int>(left.count())));
      if (key == 'q' || interrupt.flag()) return false;
      if (key == '+') speed = std::min(speed * 2, 400.0);
      if (key == '-') speed = std::max(speed / 2, 0.5);
      if (key == ' ') paused = !paused;
      if (key == '>') paused = true;
      if (key != 0 && key != '>') picture.draw(screen(play, spec, episode, paused, speed));
      if (key == '>' || (!paused && std::chrono::steady_clock::now() >= due)) break;
    }
    play.advance();
  }
}

int show_in_terminal(Env& env, TrainedNetwork& network, Index episodes, double speed) {
  InterruptGuard interrupt;
  const KeyReader keys;
  TerminalPicture picture(std::cout);
  for (Index episode = 1; episode <= episodes; ++episode) {
    Play play(env, network);
    if (!show_episode(play, env.spec(), episode, speed, keys, picture, interrupt)) break;
  }
  picture.finish();
  return interrupt.flag() ? kExitInterrupted : kExitSuccess;
}

// ---- elsewhere

int print_episodes(Env& env, TrainedNetwork& network, Index episodes) {
  for (Index episode = 1; episode <= episodes; ++episode) {
    Play play(env, network);
    std::cout << env.spec().id << ", episode " << episode << "\n";
    for (;; play.advance()) {
      std::cout << step_text(play.now(), play.steps(), env.spec()) << "\n" << play.now().scene.map;
      if (play.is_over()) break;
    }
  }
  return kExitSuccess;
}

enum class Recording { kPage, kGif };
Recording recording_kind(const std::string& file) {
  if (file.ends_with(".html")) return Recording::kPage;
  if (file.ends_with(".gif")) return Recording::kGif;
  fail("--record: ", file, " ends neither in .html nor in .gif");
}

/// The environment made once more, in such a way that it draws itself. Null where it cannot; a line on stderr says why.
std::unique_ptr<Env> drawing_env(const EnvOptions& options) {
  const std::optional<EnvOptions> with = with_frames(options);
  if (!with) return nullptr;
  try {
    std::unique_ptr<Env> env = make_env(*with);
    env->seed({0, Purpose::kEnvironment, 0});
    env->reset();
    frame_of(*env);
    return env;
  } catch (const Error& error) {
    std::cerr << "bellman watch: bars show the observation, because the environment does not draw itself: "
              << error.what() << "\n";
    return nullptr;
  }
}

std::string episode_line(Index episode, const Play& play) {
  return "Episode " + std::to_string(episode) + ": " + std::to_string(play.steps()) + " steps, return " +
         formatted("%.6g", play.now().episode_return) + "\n";
}

int record_frames_on_page(Env& env, TrainedNetwork& network, Index episodes, const std::string& file) {
  constexpr std::size_t kMostBytes = std::size_t{16} << 20;  // of all pictures
  Markup players;
  for (Index episode = 1; episode <= episodes; ++episode) {
    Play play(env, network, /*with_scenes=*/false);
    FrameFilm film(kMostBytes / static_cast<std::size_t>(episodes));
    const auto add = [&] { film.add(frame_of(env), step_text(play.now(), play.steps(), env.spec())); };
    add();
    while (!play.is_over()) {
      play.advance();
      add();
    }
    std::cout << episode_line(episode, play);
    if (film.every() > 1)
      std::cerr << "bellman watch: the page shows one frame in " << film.every() << " of episode " << episode
                << ", so that its pictures take at most 16 MiB\n";
    players += element("h2", as_text("Episode " + std::to_string(episode))) +
               film.player("episode-" + std::to_string(episode),
                           "An episode of " + env.spec().id + ", " + std::to_string(play.steps()) + " steps");
  }
  write_page(file, page(env.spec().id + ", played by " + network.checkpoint().string(), players));
  announce_file(file);
  return kExitSuccess;
}

int record_frames_in_gif(Env& env, TrainedNetwork& network, Index episodes, double speed,
                         const std::string& file) {
  FrameGif gif(file);
  const int milliseconds = static_cast<int>(1000 / speed);
  for (Index episode = 1; episode <= episodes; ++episode) {
    Play play(env, network, /*with_scenes=*/false);
    gif.add(frame_of(env), milliseconds);
    while (!play.is_over()) {
      play.advance();
      gif.add(frame_of(env), milliseconds);
    }
    std::cout << episode_line(episode, play);
  }
  gif.finish();
  announce_file(file);
  return kExitSuccess;
}

int record_episodes(Env& env, TrainedNetwork& network, Index episodes, double speed,
                    const std::string& file) {
  const Recording kind = recording_kind(file);
  std::vector<Scene> scenes;
  Markup players;
  for (Index episode = 1; episode <= episodes; ++episode) {
    Play play(env, network);
    std::vector<PlayedStep> steps = {play.now()};
    while (!play.is_over()) {
      play.advance();
      steps.push_back(play.now());
    }
    std::cout << episode_line(episode, play);
    if (kind == Recording::kPage)
      players += element("h2", as_text("Episode " + std::to_string(episode))) +
                 episode_player(steps, env.spec(), "episode-" + std::to_string(episode));
    else
      for (PlayedStep& step : steps) scenes.push_back(std::move(step.scene));
  }
  if (kind == Recording::kPage)
    write_page(file, page(env.spec().id + ", played by " + network.checkpoint().string(), players));
  else
    write_gif(file, scenes, static_cast<int>(1000 / speed));
  announce_file(file);
  return kExitSuccess;
}

int watch(const WatchOptions& options) {
  const std::uint64_t seed = parse_seed("--seed", options.seed);
  const Index episodes = parse_integer("--episodes", options.episodes, 1, 1000);
  const double speed = parse_real("--speed", options.speed, 0.5, 400);
  if (!options.record.empty() && recording_kind(options.record) == Recording::kPage)
    check_page_file(options.record);
  Model model = load_model(options.checkpoint);
  const EnvOptions asked = options.env->resolve(model.env, std::cerr, "bellman watch");
  const std::unique_ptr<Env> env = make_env(asked);
  TrainedNetwork network(options.checkpoint, std::move(model),
                         NetworkHints{"", env->spec().observation_shape, ""});
  std::cerr << network.notes();
  network.require_fit(env->spec());
  env->seed({seed, Purpose::kEnvironment, 0});
  if (!options.record.empty()) result_is_a_file();
  if (!options.record.empty())
    if (const std::unique_ptr<Env> drawing = drawing_env(asked)) {
      drawing->seed({seed, Purpose::kEnvironment, 0});
      if (recording_kind(options.record) == Recording::kPage)
        return record_frames_on_page(*drawing, network, episodes, options.record);
      return record_frames_in_gif(*drawing, network, episodes, speed, options.record);
    }
  if (!options.record.empty()) return record_episodes(*env, network, episodes, speed, options.record);
  if (terminal_descriptor(STDOUT_FILENO) >= 0 && isatty(STDIN_FILENO) != 0)
    return show_in_terminal(*env, network, episodes, speed);
  return print_episodes(*env, network, episodes);
}

}  // namespace

RunCommand declare_watch(CLI::App& parent) {
  CLI::App& command = declare_command(
      parent, "watch", "Watch a trained network play, in the terminal or in a file",
      "Keys: space pauses, the right arrow makes one step, + and - change the speed, q quits.\n"
      "Where there is no terminal a line a step is printed.");
  const auto options = std::make_shared<WatchOptions>();
  declare_text(command, "--checkpoint", options->checkpoint, "FILE", "a model.safetensors of `bellman train`",
               Need::kRequired);
  options->env = std::make_unique<EnvArguments>(command);
  declare_text(command, "--seed", options->seed, "N", "of the resets and of chance");
  declare_text(command, "--episodes", options->episodes, "N", "how many are played");
  declare_text(command, "--speed", options->speed, "N", "steps a second");
  declare_text(command, "--record", options->record, "FILE",
               "play into this file instead: .html, a page, or .gif");
  return [options] { return watch(*options); };
}

}  // namespace bellman
