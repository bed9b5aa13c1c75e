#include "envs/grid/grid_map.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>

#include "core/base/check.h"
#include "core/base/text.h"
#include "core/io/files.h"

namespace bellman {
namespace {

constexpr double kMaxReward = 1e6;
constexpr Index kMaxSteps = 1'000'000'000;
constexpr std::array<std::string_view, 6> kKeys = {"step_cost", "goal_reward", "pit_reward",
                                                   "slip",      "max_steps",   "solved_return"};

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }
bool is_bindable(char c) { return is_letter(c) && c != 'S' && c != 'G' && c != 'H'; }

/// A character for an error message, printable for any byte.
std::string shown(char c) {
  const auto byte = static_cast<unsigned char>(c);
  if (byte > 0x20 && byte < 0x7F) return std::string("'") + c + "'";
  constexpr const char* kDigits = "0123456789abcdef";
  return std::string("byte 0x") + kDigits[byte >> 4] + kDigits[byte & 15];
}

/// At most 40 characters of a text, made printable.
std::string excerpt(std::string_view text) {
  std::string out;
  for (char c : text.substr(0, 40)) out += c >= 0x20 && c < 0x7F ? c : '?';
  return out + (text.size() > 40 ? "..." : "");
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// A `key: value` line with its line number, for messages.
struct HeaderLine {
  const std::string& map;
  std::size_t number;
  std::string_view key, value;

  template <class... Parts>
  [[noreturn]] void reject(const Parts&... parts) const {
    fail("map ", map, ", line ", number, ": ", parts...);
  }
  double number_in(std::string_view text, double low, double high) const {
    double x = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), x);
    if (text.empty() || error != std::errc() || end != text.data() + text.size())
      reject(key, " is \"", excerpt(text), "\", must be a number");
    if (!(x >= low && x <= high)) reject(key, " is ", x, ", must be from ", low, " to ", high);
    constexpr double kLeast = std::numeric_limits<float>::min();  // rewards are floats
    if (x != 0 && std::abs(x) < kLeast)
      reject(key, " is ", x, ", must be 0 or at least ", kLeast, " in size");
    return x;
  }
};

HeaderLine split_header(const MapLine& line, const std::string& name) {
  const std::size_t colon = line.text.find(':');
  return {name, line.number, trimmed(line.text.substr(0, colon)), trimmed(line.text.substr(colon + 1))};
}

/// `reward=0.5 terminal`, in this order.
GridMark parse_mark(const HeaderLine& line) {
  const std::size_t blank = std::min(line.value.find_first_of(" \t"), line.value.size());
  const std::string_view first = line.value.substr(0, blank), rest = trimmed(line.value.substr(blank));
  constexpr std::string_view kReward = "reward=";
  if (!first.starts_with(kReward) || !(rest.empty() || rest == "terminal"))
    line.reject("letter ", line.key, " is bound to \"", excerpt(line.value),
                "\", must be \"reward=NUMBER\" or \"reward=NUMBER terminal\"");
  const double reward = line.number_in(first.substr(kReward.size()), -kMaxReward, kMaxReward);
  return {line.key.front(), reward, !rest.empty()};
}

void read_header(GridMap& map, const HeaderLine& line) {
  if (line.key.size() == 1 && is_letter(line.key.front())) {
    if (!is_bindable(line.key.front())) line.reject("letter ", line.key, " has a meaning of its own");
    map.marks.push_back(parse_mark(line));
  } else if (line.key == "step_cost") {
    map.step_cost = line.number_in(line.value, -kMaxReward, kMaxReward);
  } else if (line.key == "goal_reward") {
    map.goal_reward = line.number_in(line.value, -kMaxReward, kMaxReward);
  } else if (line.key == "pit_reward") {
    map.pit_reward = line.number_in(line.value, -kMaxReward, kMaxReward);
  } else if (line.key == "slip") {
    map.slip = line.number_in(line.value, 0, 1);
  } else if (line.key == "solved_return") {
    map.solved_return = line.number_in(line.value, -1e12, 1e12);
  } else if (line.key == "max_steps") {
    const double steps = line.number_in(line.value, 0, static_cast<double>(kMaxSteps));
    if (steps != std::floor(steps)) line.reject("max_steps is ", steps, ", must be a whole number");
    map.max_steps = static_cast<Index>(steps);
  } else {
    line.reject("unknown key \"", excerpt(line.key), "\"", suggestion(excerpt(line.key), kKeys));
  }
}

/// Reads the header lines. Returns the index of the first line after them.
std::size_t read_headers(GridMap& map, const std::vector<MapLine>& lines, const std::string& name) {
  std::vector<std::string_view> seen;
  std::size_t i = 0;
  for (; i < lines.size(); ++i) {
    const std::string_view text = lines[i].text;
    if (text.empty()) continue;
    if (text.find(':') == std::string_view::npos) break;
    const HeaderLine line = split_header(lines[i], name);
    if (text.size() > kMaxMapHeaderChars)
      line.reject("it has ", text.size(), " characters, at most ", kMaxMapHeaderChars, " are possible");
    if (std::find(seen.begin(), seen.end(), line.key) != seen.end())
      line.reject("\"", excerpt(line.key), "\" is given twice");
    seen.push_back(line.key);
    read_header(map, line);
  }
  return i;
}

std::size_t count_letter(const GridMap& map, char letter) {
  std::size_t n = 0;
  for (const std::string& row : map.rows) n += std::count(row.begin(), row.end(), letter);
  return n;
}

void check_meaning(const GridMap& map, const std::string& name) {
  if (count_letter(map, 'S') == 0) fail("map ", name, ": there is no start 'S'");
  bool has_goal = count_letter(map, 'G') > 0;
  for (const GridMark& mark : map.marks) {
    if (count_letter(map, mark.letter) == 0)
      fail("map ", name, ": letter '", mark.letter, "' is bound, but not on the map");
    has_goal = has_goal || mark.terminal;
  }
  if (!has_goal) fail("map ", name, ": there is no goal 'G', nor a letter that is terminal");
}

}  // namespace

const GridMark* GridMap::find_mark(char letter) const {
  for (const GridMark& mark : marks)
    if (mark.letter == letter) return &mark;
  return nullptr;
}

std::vector<MapLine> map_lines(std::string_view text, const std::string& name) {
  if (text.size() > kMaxMapBytes)
    fail("map ", name, ": ", text.size(), " bytes, at most ", kMaxMapBytes, " are possible");
  std::vector<MapLine> lines;
  std::size_t number = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    std::string_view line = text.substr(begin, end - begin);
    if (line.ends_with('\r')) line.remove_suffix(1);
    ++number;
    const bool is_comment = line.starts_with(';');
    const bool is_before_all = line.empty() && lines.empty();
    if (!is_comment && !is_before_all) lines.push_back({number, line});
    begin = end + 1;
  }
  while (!lines.empty() && lines.back().text.empty()) lines.pop_back();
  return lines;
}

void check_map_rows(const std::vector<MapLine>& lines, std::string_view allowed, const std::string& name) {
  if (lines.empty()) fail("map ", name, ": there are no rows");
  if (lines.size() > kMaxMapRows)
    fail("map ", name, ": ", lines.size(), " rows, at most ", kMaxMapRows, " are possible");
  const std::size_t cols = lines.front().text.size();
  for (std::size_t row = 0; row < lines.size(); ++row) {
    const std::string_view text = lines[row].text;
    if (text.size() > kMaxMapCols)
      fail("map ", name, ": row ", row + 1, " has ", text.size(), " columns, at most ", kMaxMapCols,
           " are possible");
    for (std::size_t col = 0; col < text.size(); ++col)
      if (allowed.find(text[col]) == std::string_view::npos)
        fail("map ", name, ": unknown character ", shown(text[col]), " in row ", row + 1, ", column ",
             col + 1, " (line ", lines[row].number, ")");
    if (text.size() != cols)
      fail("map ", name, ": row ", row + 1, " has ", text.size(), " columns, the first row ", cols, " (line ",
           lines[row].number, ")");
  }
}

GridMap parse_grid_map(std::string_view text, const std::string& name) {
  GridMap map;
  map.max_steps = -1;
  std::vector<MapLine> lines = map_lines(text, name);
  lines.erase(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(read_headers(map, lines, name)));

  std::string allowed = "#. SGH";
  for (const GridMark& mark : map.marks) allowed += mark.letter;
  check_map_rows(lines, allowed, name);
  for (const MapLine& line : lines) map.rows.emplace_back(line.text);
  check_meaning(map, name);
  if (map.max_steps < 0) map.max_steps = static_cast<Index>(4 * map.rows.size() * map.rows.front().size());
  return map;
}

std::string plain_map_text(std::string_view text) {
  std::string plain;
  for (const MapLine& line : map_lines(text, "")) {
    if (line.text.empty()) continue;
    const std::size_t colon = line.text.find(':');
    if (colon == std::string_view::npos)
      plain.append(line.text);
    else
      plain.append(trimmed(line.text.substr(0, colon)))
          .append(": ")
          .append(trimmed(line.text.substr(colon + 1)));
    plain += '\n';
  }
  return plain;
}

std::string read_map_file(const std::string& path) {
  try {
    return read_text_file(path, kMaxMapBytes);
  } catch (const Error& error) {
    fail("map file ", error.what());
  }
}

}  // namespace bellman
