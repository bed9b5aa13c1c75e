// Formulas as MathML Core, which browsers draw without any script.
#pragma once

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

/// One formula on a line of its own, which scrolls sideways where it is too long.
inline Markup formula(const Markup& row) {
  return element("div", {{"class", "formula"}}, element("math", {{"display", "block"}}, row)) + "\n";
}

}  // namespace bellman
