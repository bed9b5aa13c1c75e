#include "apps/page/markup.h"

namespace bellman {
namespace {

/// Each byte that is no part of a valid character becomes U+FFFD.
std::string valid_utf8(std::string_view text) {
  constexpr std::size_t kLongest = 4;
  std::string valid;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t size = 1;
    while (size <= kLongest && !is_utf8(text.substr(i, size))) ++size;
    valid += size > kLongest ? std::string_view("\uFFFD") : text.substr(i, size);
    i += size > kLongest ? 1 : size;
  }
  return valid;
}

void append_escaped(std::string& out, std::string_view text) {
  if (!is_utf8(text)) return append_escaped(out, valid_utf8(text));
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else if ((static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') || c == 0x7f)
      out += "\uFFFD";
    else
      out += c;
  }
}

}  // namespace

Markup as_text(std::string_view text) {
  Markup markup;
  append_escaped(markup.text_, text);
  return markup;
}

Attributes::Attributes(std::initializer_list<Pair> pairs) {
  for (const Pair& pair : pairs) add(pair.name, pair.value);
}

Attributes& Attributes::add(Literal name, std::string_view value) {
  text_.append(" ").append(name.text()).append("=\"");
  append_escaped(text_, value);
  text_ += '"';
  return *this;
}

Markup element(Literal tag, const Attributes& attributes, const Markup& content) {
  Markup markup;
  markup.text_.append("<").append(tag.text()).append(attributes.text()).append(">");
  markup.text_.append(content.text_).append("</").append(tag.text()).append(">");
  return markup;
}

Markup leaf(Literal tag, const Attributes& attributes) {
  Markup markup;
  markup.text_.append("<").append(tag.text()).append(attributes.text()).append("/>");
  return markup;
}

Markup json_data(std::string_view id, std::string_view json) {
  Markup markup;
  markup.text_ = "<script type=\"application/json\" id=\"" + as_text(id).text() + "\">";
  for (const char c : json) {
    if (c == '<')
      markup.text_ += "\\u003c";
    else
      markup.text_ += c;
  }
  markup.text_ += "</script>\n";
  return markup;
}

}  // namespace bellman
