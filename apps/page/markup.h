// HTML that cannot be written unescaped. Markup is made of literals of this program's source and of escaped text;
// nothing else converts to it. A run directory's names, maps and cells therefore never reach a page as tags.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>

namespace bellman {

/// Text that stands in the program's source: the compiler refuses any other.
class Literal {
 public:
  template <std::size_t N>
  consteval Literal(const char (&text)[N])
      : text_(text, N - 1) {}  // NOLINT: an implicit conversion is the point
  constexpr std::string_view text() const { return text_; }

 private:
  std::string_view text_;
};

/// A piece of a page.
class Markup {
 public:
  Markup() = default;
  Markup(Literal literal) : text_(literal.text()) {}  // NOLINT: an implicit conversion is the point
  Markup& operator+=(const Markup& more) {
    text_ += more.text_;
    return *this;
  }
  Markup& operator+=(Literal more) {
    text_ += more.text();
    return *this;
  }
  friend Markup operator+(Markup left, const Markup& right) { return left += right; }
  friend Markup operator+(Markup left, Literal right) { return left += right; }
  friend Markup operator+(Literal left, const Markup& right) { return Markup(left) += right; }

  bool empty() const { return text_.empty(); }
  const std::string& text() const { return text_; }

 private:
  friend Markup as_text(std::string_view text);
  friend class Attributes;
  friend Markup element(Literal tag, const class Attributes& attributes, const Markup& content);
  friend Markup leaf(Literal tag, const class Attributes& attributes);
  friend Markup json_data(std::string_view id, std::string_view json);

  std::string text_;
};

/// The text as a reader sees it. Control characters but for newline and tab become U+FFFD, as HTML has none.
Markup as_text(std::string_view text);

/// name="value" pairs, in their order; values are escaped.
class Attributes {
 public:
  struct Pair {
    Literal name;
    std::string value;
  };
  Attributes() = default;
  Attributes(std::initializer_list<Pair> pairs);
  Attributes& add(Literal name, std::string_view value);
  const std::string& text() const { return text_; }

 private:
  std::string text_;  // each with a space before it
};

/// <tag attributes>content</tag>
Markup element(Literal tag, const Attributes& attributes, const Markup& content);
inline Markup element(Literal tag, const Markup& content) { return element(tag, {}, content); }
/// <tag attributes/>, as SVG's shapes and MathML's spaces are written.
Markup leaf(Literal tag, const Attributes& attributes);

/// <script type="application/json" id="...">: data that the page's own script reads. It is never executed, and
/// `<` inside it is written as \u003c, so that no text ends the element. REQUIRES: valid JSON.
Markup json_data(std::string_view id, std::string_view json);

}  // namespace bellman
