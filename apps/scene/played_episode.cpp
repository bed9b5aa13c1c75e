#include "apps/scene/played_episode.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "apps/page/chart.h"
#include "core/base/text.h"
#include "rl/learn/epsilon_greedy.h"

namespace bellman {
namespace {

/// Where things lie in the drawing: y downwards.
struct View {
  explicit View(const Scene& scene) : scene(scene), scale(560 / (scene.right - scene.left)) {}
  std::string x(double value) const { return pixels(scale * (value - scene.left)); }
  std::string y(double value) const { return pixels(scale * (scene.top - value)); }
  std::string length(double value) const { return pixels(std::max(0.5, scale * value), 2); }
  const Scene& scene;
  double scale;
};

/// The attributes of a shape that change as it moves.
nlohmann::ordered_json place(const SceneShape& shape, const View& view) {
  if (shape.kind == SceneShape::Kind::kLine)
    return {{"x1", view.x(shape.points[0].x)},
            {"y1", view.y(shape.points[0].y)},
            {"x2", view.x(shape.points[1].x)},
            {"y2", view.y(shape.points[1].y)}};
  if (shape.kind == SceneShape::Kind::kCircle)
    return {{"cx", view.x(shape.points[0].x)}, {"cy", view.y(shape.points[0].y)}};
  std::string points;
  for (const ScenePoint& p : shape.points) points += view.x(p.x) + "," + view.y(p.y) + " ";
  return {{"points", points}};
}

Markup drawn(const SceneShape& shape, const View& view, std::size_t index) {
  Attributes look = {{"class", "shape-" + std::to_string(index)}};
  const nlohmann::ordered_json at = place(shape, view);
  const auto add = [&](Literal name) { look.add(name, at.at(std::string(name.text())).get<std::string>()); };
  const std::string color(tone_color(shape.tone));
  switch (shape.kind) {
    case SceneShape::Kind::kLine:
      add("x1"), add("y1"), add("x2"), add("y2");
      return leaf("line", look.add("stroke", color)
                              .add("stroke-width", view.length(shape.size))
                              .add("stroke-linecap", "round"));
    case SceneShape::Kind::kCircle:
      add("cx"), add("cy");
      return leaf("circle", look.add("fill", color).add("r", view.length(shape.size)));
    case SceneShape::Kind::kPolygon:
      add("points");
      return leaf("polygon", look.add("fill", color));
  }
  return {};
}

}  // namespace

Play::Play(Env& env, TrainedNetwork& network, bool with_scenes)
    : env_(env), network_(network), with_scenes_(with_scenes) {
  env_.reset();
  look(0);
}

void Play::advance() {
  const StepResult result = env_.step(*now_.action);
  over_ = result.terminated || result.truncated;
  ++steps_;
  look(static_cast<double>(result.reward));
}

void Play::look(double reward) {
  observation_.resize(static_cast<std::size_t>(env_.spec().observation_shape.elements()));
  env_.observe(observation_);
  if (with_scenes_) now_.scene = scene_of(env_);
  now_.q.resize(static_cast<std::size_t>(env_.spec().num_actions));
  network_.q_values(now_.q, observation_, 1);
  now_.action = over_ ? std::nullopt : std::optional(greedy_action(now_.q));
  now_.reward = reward;
  now_.episode_return += reward;
}

std::string step_text(const PlayedStep& step, std::size_t number, const EnvSpec& spec) {
  std::string text = "step " + std::to_string(number) + ": ";
  text += step.action ? spec.action_names[static_cast<std::size_t>(*step.action)] : std::string("the end");
  text += ", return " + formatted("%.6g", step.episode_return);
  if (!step.q.empty()) text += ", Q";
  for (std::size_t a = 0; a < step.q.size(); ++a)
    text += " " + spec.action_names[a] + formatted(" %.4g", static_cast<double>(step.q[a]));
  return text;
}

Markup episode_player(const std::vector<PlayedStep>& steps, const EnvSpec& spec, std::string_view id) {
  const Scene& first = steps.front().scene;
  const View view(first);
  // What never moves is drawn once.
  std::vector<bool> moves(first.shapes.size(), false);
  for (const PlayedStep& step : steps)
    for (std::size_t i = 0; i < moves.size(); ++i)
      moves[i] = moves[i] || step.scene.shapes[i] != first.shapes[i];
  Markup shapes = leaf("rect", {{"width", "560"}, {"height", view.y(first.bottom)}, {"fill", "#ffffff"}});
  for (std::size_t i = 0; i < first.shapes.size(); ++i) shapes += drawn(first.shapes[i], view, i);
  nlohmann::ordered_json frames = nlohmann::ordered_json::array();
  for (std::size_t t = 0; t < steps.size(); ++t) {
    nlohmann::ordered_json set = nlohmann::ordered_json::object();
    for (std::size_t i = 0; i < moves.size(); ++i)
      if (moves[i]) set[".shape-" + std::to_string(i)] = place(steps[t].scene.shapes[i], view);
    frames.push_back({{"set", std::move(set)}, {"caption", step_text(steps[t], t, spec)}});
  }
  return element(
             "figure",
             {{"data-player", std::string(id) + "-frames"}, {"data-rate", steps.size() > 60 ? "25" : "5"}},
             element("svg",
                     {{"class", "scene"},
                      {"viewBox", "0 0 560 " + view.y(first.bottom)},
                      {"role", "img"},
                      {"aria-label",
                       "An episode of " + spec.id + ", " + std::to_string(steps.size() - 1) + " steps"}},
                     shapes)) +
         json_data(std::string(id) + "-frames",
                   frames.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

}  // namespace bellman
