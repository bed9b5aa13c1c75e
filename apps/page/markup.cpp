#include "apps/page/markup.h"

namespace bellman {
namespace {

void append_escaped(std::string& out, std::string_view text) {
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
