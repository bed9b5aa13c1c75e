// Chapter 5 beside the chain rule written out, and what its gradient check notices.
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "apps/page/graph.h"
#include "tests/apps/course/course_run.h"
#include "tests/support/error_message.h"

namespace bellman::test {
namespace {

void check_near(const Experiment& experiment, const char* name, const std::vector<double>& expected) {
  CAPTURE(name);
  const std::vector<double>& found = finding(experiment, name).numbers;
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) CHECK(std::abs(found[i] - expected[i]) <= 1e-12);
}

TEST_CASE("chapter 5: the backward pass is the chain rule written out, for other numbers, too") {
  struct Numbers {
    double x1, x2, t, w11, w12, b1, w21, w22, b2, v1, v2, c;
  };
  const std::array cases = {Numbers{1, -0.5, 1.5, 0.6, -0.4, 0.1, -0.3, 0.8, 0, 0.7, -0.5, 0.2},
                            Numbers{-2, 1.5, -1, 0.25, 2, -0.75, 1, -1, 0.5, -1.25, 3, -2}};
  for (const Numbers& n : cases) {
    const auto set = [](const char* name, double value) {
      return std::string(name) + "=" + std::to_string(value);
    };
    const std::vector<std::string> texts = {set("x1", n.x1),   set("x2", n.x2),   set("t", n.t),
                                            set("w11", n.w11), set("w12", n.w12), set("b1", n.b1),
                                            set("w21", n.w21), set("w22", n.w22), set("b2", n.b2),
                                            set("v1", n.v1),   set("v2", n.v2),   set("c", n.c)};
    const Experiment experiment =
        course_run("5", {texts[0], texts[1], texts[2], texts[3], texts[4], texts[5], texts[6], texts[7],
                         texts[8], texts[9], texts[10], texts[11]});
    const double h1 = std::tanh(n.w11 * n.x1 + n.w12 * n.x2 + n.b1),
                 h2 = std::tanh(n.w21 * n.x1 + n.w22 * n.x2 + n.b2), y = n.v1 * h1 + n.v2 * h2 + n.c,
                 dy = y - n.t, dz1 = dy * n.v1 * (1 - h1 * h1), dz2 = dy * n.v2 * (1 - h2 * h2);
    check_near(experiment, "y", {y});
    check_near(experiment, "loss", {dy * dy / 2});
    check_near(experiment, "dv", {dy * h1, dy * h2, dy});
    check_near(experiment, "dh", {dy * n.v1, dy * n.v2});
    check_near(experiment, "dz", {dz1, dz2});
    check_near(experiment, "dw", {dz1 * n.x1, dz1 * n.x2, dz2 * n.x1, dz2 * n.x2});
    check_near(experiment, "dx", {dz1 * n.w11 + dz2 * n.w21, dz1 * n.w12 + dz2 * n.w22});
    check_near(experiment, "agree", {12, 12});
  }
}

TEST_CASE("chapter 5: the gradient check names what each fault spoils, and no more") {
  const Experiment experiment = course_run("5");
  CHECK(finding(experiment, "transposed").word == "0.weight 2.weight 4.weight");
  CHECK(finding(experiment, "last_sample").word == "0.bias 2.bias 4.bias");
  // What relu's backward pass gets wrong, all before it inherits; what comes after it is right.
  CHECK(finding(experiment, "leaking_relu").word == "0.input 0.weight 0.bias 1.input");
}

TEST_CASE("chapter 5: a batch of one hides that a bias's gradient is not summed") {
  CHECK(finding(course_run("5", {"batch=1"}), "last_sample").word == "none");
  CHECK(finding(course_run("5", {"batch=2"}), "last_sample").word == "0.bias 2.bias 4.bias");
}

TEST_CASE("a graph's numbers stand in its drawing and its table, and its data name every node") {
  Graph graph;
  graph.title = "t";
  graph.nodes.resize(3);
  graph.nodes[0].name = "a", graph.nodes[0].value = 2, graph.nodes[0].gradient = 0.25,
  graph.nodes[0].nudged = 0.26;
  graph.nodes[1].name = "b", graph.nodes[1].value = 0.5;
  graph.nodes[2].name = "L", graph.nodes[2].op = "half_squared_error", graph.nodes[2].of = {"a", "b"};
  const std::string html = graph_figure("id", graph).text();
  CHECK(contains(html, "data-value=\"a\">2<"));
  CHECK(contains(html, "data-gradient=\"a\">0.25<"));
  CHECK(contains(html, "data-nudged=\"a\">0.26<"));
  CHECK_FALSE(contains(html, "data-nudged=\"L\""));
  CHECK(contains(html, "data-slider=\"b\""));
  CHECK_FALSE(contains(html, "data-slider=\"L\""));
  CHECK(contains(html, R"({"name":"L","op":"half_squared_error","of":["a","b"]})"));
  graph.nodes[0].name = "<b>";
  graph.nodes[2].of[0] = "<b>";
  CHECK_FALSE(contains(graph_figure("id", graph).text(), "<b>"));
}

TEST_CASE("chapter 5 ends early with what it has") {
  const Experiment stopped = course_run("5", {}, true);
  CHECK(number(stopped, "agree") == 12);
}

}  // namespace
}  // namespace bellman::test
