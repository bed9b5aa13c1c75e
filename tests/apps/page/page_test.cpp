// Pages: what comes from outside never becomes markup, and the frame names what its policy allows.
#include "apps/page/page.h"

#include <cmath>
#include <limits>
#include <string>

#include <doctest/doctest.h>

#include "apps/page/axis.h"
#include "apps/page/chart.h"
#include "apps/page/math.h"
#include "core/base/text.h"

namespace bellman::test {
namespace {

const std::string kHostile = "</title><script>alert(1)</script><img src=x onerror=\"a\">&'\x01\x1b[2J";

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// What would run or load something, wherever the hostile text stood.
void check_harmless(const std::string& html) {
  CHECK_FALSE(holds(html, "<script>alert"));
  CHECK_FALSE(holds(html, "<img"));
  CHECK_FALSE(holds(html, "</title><script"));
  CHECK_FALSE(holds(html, "\x1b"));
  CHECK_FALSE(holds(html, std::string(1, '\x01')));
}

TEST_CASE("bytes that are no UTF-8 become the replacement character, one each, and the rest stays") {
  const std::string mark = "\uFFFD";
  CHECK(as_text("runs/\xff"
                "a")
            .text() == "runs/" + mark + "a");
  CHECK(as_text("\xc3").text() == mark);                        // truncated
  CHECK(as_text("\xc0\xaf<").text() == mark + mark + "&lt;");   // overlong
  CHECK(as_text("\xed\xa0\x80").text() == mark + mark + mark);  // a surrogate
  CHECK(as_text("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 \x80").text() ==
        "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 " + mark);
  CHECK(leaf("rect", {{"title", "\xfe"}}).text().find(mark) != std::string::npos);
  CHECK(is_utf8(page("\xff\xfe", as_text("\x80"))));
}

TEST_CASE("a coordinate has the digits that printf gives it") {
  for (const double value : {0.0, -0.0, 0.05, 0.25, 0.35, -12.345, 559.95, 1e15, 1e300, -1e300})
    for (const int digits : {1, 2}) CHECK(pixels(value, digits) == formatted("%.*f", digits, value));
  CHECK(pixels(1.25) == "1.2");
}

TEST_CASE("text from outside is escaped wherever it stands") {
  check_harmless(as_text(kHostile).text());
  check_harmless(page(kHostile, as_text(kHostile)));
  check_harmless(section("id", kHostile, {}).text());
  check_harmless(folded(kHostile, {}).text());
  check_harmless(text_table({{kHostile}, {kHostile}}).text());
  check_harmless(leaf("rect", {{"title", kHostile}}).text());
  check_harmless(element("mtext", as_mtext(kHostile)).text());
  const Series series = {kHostile, {{1, 1, 1, 1}, {2, 3, 3, 3}}};
  check_harmless(line_chart({kHostile, kHostile, kHostile, kHostile}, {series, series}).text());
  check_harmless(histogram({kHostile, kHostile, kHostile, kHostile}, {0, 1}, {2}).text());
  check_harmless(heat_map({kHostile, kHostile, 1, 1, {1}, {kHostile}, {kHostile}, false, true}).text());
}

TEST_CASE("data for the page's script cannot end its element") {
  const std::string data = json_data("id", "[\"</script><b>\"]").text();
  CHECK(holds(data, "[\"\\u003c/script>\\u003cb>\"]"));
  CHECK(data.find("</script>") == data.rfind("</script>"));
}

TEST_CASE("the policy forbids everything but the page's own style and script") {
  const std::string html = page("title", {});
  CHECK(holds(html, "default-src 'none'; style-src 'sha256-"));
  CHECK(holds(html, "; script-src 'sha256-"));
  CHECK_FALSE(holds(html, "unsafe-inline"));
  CHECK_FALSE(holds(html, " style=\""));
  CHECK_FALSE(holds(html, "http://"));
  CHECK_FALSE(holds(html, "https://"));
}

TEST_CASE("charts leave out what cannot be drawn") {
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  const ChartWords words = {"t", "h", "x", "y"};
  CHECK(line_chart(words, {}).empty());
  CHECK(line_chart(words, {{"s", {{nan, 1, 1, 1}, {1, inf, inf, inf}}}}).empty());
  CHECK(line_chart(words, {{"s", {{1, -1, -1, -1}}}}, Scale::kLinear, Scale::kLog10).empty());
  CHECK(histogram(words, {0}, {}).empty());
  for (const double odd : {nan, inf, -inf, 0.0, 1e300, -1e300, 5e-324}) {
    const std::string text =
        line_chart(words, {{"s", {{1, odd, odd, odd}, {2, 1, 1, 1}, {3, odd, odd, odd}}}}).text();
    CHECK_FALSE(holds(text, "\"nan"));
    CHECK_FALSE(holds(text, "\"inf"));
    CHECK_FALSE(holds(text, "nan,"));
    CHECK_FALSE(holds(text, "inf,"));
  }
}

TEST_CASE("a chart's numbers stand beneath it") {
  const std::string text =
      line_chart({"t", "h", "x", "y"}, {{"s", {{0, 2.5, 2, 3}, {10, 4.25, 4, 5}}}}).text();
  for (const char* const cell : {"<td>2.5</td>", "<td>4.25</td>", "<td>10</td>", "<td>3</td>"})
    CHECK(holds(text, cell));
}

TEST_CASE("several series are named within the drawing, so that a picture of it alone says which is which") {
  const std::vector<ChartPoint> points = {{0, 1, 1, 1}, {1, 2, 2, 2}};
  const std::string long_name(60, 'n');
  const std::string picture =
      picture_file(line_chart({"t", "h", "x", "y"}, {{"sound", points}, {long_name, points}}));
  CHECK(holds(picture, ">sound</text>"));
  CHECK(holds(picture, ">" + long_name + "</text>"));
  CHECK_FALSE(holds(line_chart({"t", "h", "x", "y"}, {{"alone", points}}).text(), ">alone</text>"));
}

/// The texts of an axis' ticks, with a bar between them.
std::string ticks_of(const Axis& axis) {
  std::string texts;
  for (const Axis::Tick& tick : axis.ticks()) texts.append(texts.empty() ? "" : "|").append(tick.text);
  return texts;
}

TEST_CASE("a logarithmic axis of few decades has ticks at 2 and 5, too; a longer one at powers of ten") {
  CHECK(ticks_of(Axis(0.018, 0.19, Scale::kLog10, 5)) == "0.01|0.02|0.05|0.1|0.2");
  CHECK(ticks_of(Axis(0.02, 0.5, Scale::kLog10, 3)) == "0.02|0.05|0.1|0.2|0.5");
  CHECK(ticks_of(Axis(1, 10, Scale::kLog10, 5)) == "1|2|5|10");
  CHECK(ticks_of(Axis(3, 4, Scale::kLog10, 5)) == "2|5");
  CHECK(ticks_of(Axis(2e-8, 3e-7, Scale::kLog10, 5)) == "2e-8|5e-8|1e-7|2e-7|5e-7");
  CHECK(ticks_of(Axis(0.03, 70, Scale::kLog10, 5)) == "0.01|0.1|1|10|100");
  CHECK(ticks_of(Axis(1e-8, 1, Scale::kLog10, 5)) == "1e-8|1e-6|0.0001|0.01|1");
  CHECK(ticks_of(Axis(0, 9, Scale::kLinear, 5)) == "0|2|4|6|8|10");
  // Places are logarithms, from end to end.
  const Axis axis(0.02, 0.5, Scale::kLog10, 5);
  CHECK(axis.share(0.02) == doctest::Approx(0));
  CHECK(axis.share(0.1) == doctest::Approx(0.5));
  CHECK(axis.share(0.5) == doctest::Approx(1));
}

TEST_CASE("steps between ticks are 1, 2 or 5 times a power of ten") {
  CHECK(round_step(1) == 1);
  CHECK(round_step(0.011) == doctest::Approx(0.02));
  CHECK(round_step(30) == 50);
  CHECK(round_step(7) == 10);
}

TEST_CASE("a heat map's cells can have a small name in the corner") {
  HeatMap map{"A map", "Read it.", 1, 2, {1, 2}, {}, {"S", "G"}, false, true};
  CHECK(heat_map(map).text().find("corner") == std::string::npos);
  map.corners = {"0", "<1>"};
  const std::string text = heat_map(map).text();
  CHECK(text.find("corner\" x=\"43\" y=\"8\">&lt;1&gt;</text>") != std::string::npos);
}

TEST_CASE("a map's cell has room for six characters of a number") {
  CHECK(cell_number(0.6944) == "0.694");
  CHECK(cell_number(-1.484) == "-1.48");
  CHECK(cell_number(-0.0447) == "-0.045");
  CHECK(cell_number(-0.00922) == "-0.009");
  CHECK(cell_number(1234567) == "1e+06");
  CHECK(cell_number(-12345) == "-1e+04");
  CHECK(cell_number(100) == "100");
}

TEST_CASE("heat colours run from end to end, and grey stands for no number") {
  CHECK(heat_color(0, 0, 1) == "#440154");
  CHECK(heat_color(1, 0, 1) == "#fde725");
  CHECK(heat_color(-2, -2, 2, true) == "#2166ac");
  CHECK(heat_color(0, -2, 2, true) == "#f7f7f7");
  CHECK(heat_color(2, -2, 2, true) == "#b2182b");
  CHECK(heat_color(std::nan(""), 0, 1) == "#808080");
}

}  // namespace
}  // namespace bellman::test
