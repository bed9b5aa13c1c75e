// Formulas as MathML Core, which browsers draw without any script.
#pragma once

#include <cstddef>
#include <span>

#include "apps/page/markup.h"
#include "core/base/text.h"

namespace bellman {

/// An identifier: x, or a word.
inline Markup mi(Literal name) { return element("mi", Markup(name)); }
inline Markup mi_text(std::string_view name) { return element("mi", as_text(name)); }
inline Markup as_mtext(std::string_view text) { return element("mtext", as_text(text)); }
/// An operator: =, +, ∑.
inline Markup mo(Literal sign) { return element("mo", Markup(sign)); }
/// A parenthesis that stays as high as a line.
inline Markup parenthesis(Literal sign) { return element("mo", {{"stretchy", "false"}}, Markup(sign)); }
/// A number with up to `digits` significant digits; a negative one stands in parentheses.
inline Markup mn(double value, int digits = 4) {
  const Markup number = element("mn", as_text(formatted("%.*g", digits, value)));
  return value < 0 ? parenthesis("(") + number + parenthesis(")") : number;
}
inline Markup mrow(const Markup& row) { return element("mrow", row); }
inline Markup msub(const Markup& base, const Markup& below) {
  return element("msub", mrow(base) + mrow(below));
}
inline Markup msup(const Markup& base, const Markup& above) {
  return element("msup", mrow(base) + mrow(above));
}
inline Markup mfrac(const Markup& above, const Markup& below) {
  return element("mfrac", mrow(above) + mrow(below));
}
inline Markup msqrt(const Markup& row) { return element("msqrt", row); }
/// A sum over what stands below the sign.
inline Markup msum(const Markup& below) {
  return element("munder", element("mo", Markup("∑")) + mrow(below));
}

/// Numbers in rows, between two lines: a matrix, or a column of one number a row. (rows, columns)
inline Markup mmatrix(std::span<const float> numbers, std::size_t columns) {
  Markup rows;
  for (std::size_t begin = 0; begin < numbers.size(); begin += columns) {
    Markup cells;
    for (const float number : numbers.subspan(begin, columns))
      cells += element("mtd", element("mn", as_text(formatted("%.4g", static_cast<double>(number)))));
    rows += element("mtr", cells);
  }
  return element("mtable", {{"class", "matrix"}}, rows);
}

/// One formula on a line of its own, which scrolls sideways where it is too long.
inline Markup formula(const Markup& row) {
  return element("div", {{"class", "formula"}}, element("math", {{"display", "block"}}, row)) + "\n";
}

}  // namespace bellman
