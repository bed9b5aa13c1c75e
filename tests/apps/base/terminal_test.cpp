// What a terminal shows of a picture that is redrawn in place: here one made of strings, which is narrowed
// between two drawings and then either wraps its lines anew (as tmux does) or cuts them (as xterm does).
#include "apps/base/terminal.h"

#include <algorithm>
#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "apps/run/progress_bar.h"

namespace bellman::test {
namespace {

using Lines = std::vector<std::string>;

enum class WhenNarrowed { kWraps, kCuts };

class Screen {
 public:
  explicit Screen(std::size_t columns, std::size_t rows = 50) : columns_(columns), rows_(rows, "") {}

  /// Understands what TerminalPicture writes, and nothing else.
  void write(const std::string& text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '\r') {
        column_ = 0;
      } else if (text[i] == '\n') {
        column_ = 0;
        ++row_;
      } else if (text[i] == '\x1b') {
        std::size_t end = i + 2;
        REQUIRE(text[i + 1] == '[');
        while (text[end] >= '0' && text[end] <= '9') ++end;
        obey(text[end], std::max(1, std::atoi(text.c_str() + i + 2)));
        i = end;
      } else {
        put(text[i]);
      }
      REQUIRE(row_ < rows_.size());
    }
  }
  void narrow(std::size_t columns, WhenNarrowed how) {
    Lines rows;
    std::size_t row = row_;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      if (i == row_) row = rows.size();
      rows.push_back(rows_[i].substr(0, columns));
      for (std::size_t at = columns; how == WhenNarrowed::kWraps && at < rows_[i].size(); at += columns)
        rows.push_back(rows_[i].substr(at, columns));
    }
    REQUIRE(column_ == 0);  // where a cursor within a line ends up is unknown
    rows_ = rows;
    row_ = row;
    columns_ = columns;
  }
  /// Without empty lines at the end.
  Lines shown() const {
    Lines lines;
    for (std::string line : rows_) {
      line.erase(line.find_last_not_of(' ') + 1);
      lines.push_back(line);
    }
    while (!lines.empty() && lines.back().empty()) lines.pop_back();
    return lines;
  }
  std::size_t row() const { return row_; }

 private:
  void put(char c) {
    REQUIRE(column_ < columns_);
    std::string& line = rows_[row_];
    line.resize(std::max(line.size(), column_ + 1), ' ');
    line[column_++] = c;
  }
  void obey(char code, int count) {
    if (code == 'A') row_ -= std::min<std::size_t>(row_, static_cast<std::size_t>(count));
    if (code == 'K' || code == 'J') rows_[row_].resize(std::min(rows_[row_].size(), column_));
    if (code == 'J')
      for (std::size_t i = row_ + 1; i < rows_.size(); ++i) rows_[i].clear();
  }

  std::size_t columns_, row_ = 0, column_ = 0;
  Lines rows_;
};

class PictureRig {
 public:
  explicit PictureRig(std::size_t columns) : screen_(columns) {}
  Screen& screen() {
    screen_.write(out_.str());
    out_.str("");
    return screen_;
  }
  std::ostringstream out_;

 private:
  Screen screen_;
};

TEST_CASE("a picture covers the one before, longer or shorter") {
  PictureRig rig(20);
  rig.out_ << "before\n";
  {
    TerminalPicture picture(rig.out_);
    picture.draw({"one line", "two", "three"});
    CHECK(rig.screen().shown() == Lines{"before", "one line", "two", "three"});
    picture.draw({"a", "b"});
    CHECK(rig.screen().shown() == Lines{"before", "a", "b"});
    picture.clear();
    rig.out_ << "an error\n";
    picture.draw({"c", "dd", "e"});
    CHECK(rig.screen().shown() == Lines{"before", "an error", "c", "dd", "e"});
    picture.draw({});
    CHECK(rig.screen().shown() == Lines{"before", "an error"});
    picture.draw({"f", "g"});
  }
  rig.out_ << "after\n";
  CHECK(rig.screen().shown() == Lines{"before", "an error", "f", "g", "after"});
}

TEST_CASE("a terminal that is made narrower shows nothing stale") {
  for (const WhenNarrowed how : {WhenNarrowed::kWraps, WhenNarrowed::kCuts}) {
    for (const std::size_t columns : {5, 9, 10, 11, 19}) {
      CAPTURE(columns);
      PictureRig rig(40);
      rig.out_ << "top\n";
      TerminalPicture picture(rig.out_);
      picture.draw({std::string(39, 'a'), std::string(20, 'b'), std::string(39, 'c')});
      rig.screen().narrow(columns, how);
      picture.draw({"A", std::string(columns - 1, 'B'), "C"});
      CHECK(rig.screen().shown() == Lines{"top", "A", std::string(columns - 1, 'B'), "C"});
      picture.draw({std::string(columns - 1, 'd')});
      rig.screen().narrow(3, how);
      picture.finish();  // as it was drawn: nothing better is known
      CHECK(rig.out_.str().find(std::string(columns - 1, 'd')) != std::string::npos);
    }
  }
}

TEST_CASE("texts are cut between characters, which have one to four bytes") {
  CHECK(cut("abc", 2) == "ab");
  CHECK(cut("abc", 3) == "abc");
  CHECK(cut("abc", 0).empty());
  CHECK(cut("äöü", 2) == "äö");
  CHECK(cut("→x", 1) == "→");
  CHECK(cut("𝛼𝛽", 1) == "𝛼");
  CHECK(characters("äö→𝛼x") == 5);
}

TEST_CASE("no terminal is redrawn whose TERM is missing, empty or dumb; a closed one has the usual size") {
  const char* const before = std::getenv("TERM");
  const std::string kept = before ? before : "";
  for (const char* const name : {"", "dumb"}) {
    ::setenv("TERM", name, 1);
    CHECK(terminal_descriptor(0) == -1);
  }
  ::unsetenv("TERM");
  CHECK(terminal_descriptor(0) == -1);
  if (before) ::setenv("TERM", kept.c_str(), 1);
  CHECK(terminal_descriptor(-1) == -1);
  CHECK(terminal_size(-1).columns == 80);
  CHECK(terminal_size(-1).rows == 24);
}

TEST_CASE("a table that is too wide for the terminal becomes blocks") {
  Table table({"parameter", "shape", "numbers of it"}, {Align::kLeft, Align::kRight, Align::kLeft});
  table.add({"0.weight", "(64,4)", "0.5 0.25 0.125"});
  table.add({"0.bias", "", "1"});
  table.add_line("a line of its own");
  table.add({"2.weight", "(2,64)", "-3"});
  CHECK(table.text(80) == table.text());
  CHECK(table.text(33) == table.text());  // as wide as it is
  CHECK(table.text(32) ==
        "0.weight\n  shape          (64,4)\n  numbers of it  0.5 0.25 0.125\n"
        "0.bias\n  numbers of it  1\n"
        "a line of its own\n"
        "2.weight\n  shape          (2,64)\n  numbers of it  -3\n");
  CHECK(table.text(22).find("  numbers of it  0.5\n") != std::string::npos);
}

}  // namespace
}  // namespace bellman::test
