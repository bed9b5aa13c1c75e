#include "apps/page/page.h"

#include "apps/page/page_assets.h"
#include "core/base/check.h"

namespace bellman {

std::string page(std::string_view title, const Markup& content) {
  const std::string policy = "default-src 'none'; style-src 'sha256-" + std::string(kPageStyleHash) +
                             "'; script-src 'sha256-" + std::string(kPageScriptHash) +
                             "'; img-src data:; base-uri 'none'; form-action 'none'";
  const std::string shown_title = as_text(title).text();
  return "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
         "<meta http-equiv=\"Content-Security-Policy\" content=\"" +
         policy + "\"><meta name=\"viewport\" content=\"width=device-width\"><title>" + shown_title +
         "</title><style>" + std::string(kPageStyle) + "</style></head><body>\n<h1>" + shown_title +
         "</h1>\n" + content.text() + "<script>" + std::string(kPageScript) + "</script></body></html>\n";
}

std::string picture_file(const Markup& figures) {
  constexpr std::string_view kOpen = "<svg", kClose = "</svg>";
  const std::size_t begin = figures.text().find(kOpen), end = figures.text().find(kClose, begin);
  BELLMAN_CHECK(begin != std::string::npos && end != std::string::npos);
  const std::string svg = figures.text().substr(begin, end + kClose.size() - begin);
  const std::size_t inside = svg.find('>') + 1;
  return "<svg xmlns=\"http://www.w3.org/2000/svg\"" + svg.substr(kOpen.size(), inside - kOpen.size()) +
         "<style>" + std::string(kPageStyle) +
         "</style><rect class=\"sheet\" width=\"100%\" height=\"100%\"/>" + svg.substr(inside) + "\n";
}

Markup section(Literal id, std::string_view heading, const Markup& content) {
  return element("section", {{"id", std::string(id.text())}},
                 element("h2", as_text(heading)) + "\n" + content) +
         "\n";
}

Markup folded(std::string_view summary, const Markup& content) {
  return element("details", element("summary", as_text(summary)) + "\n" + content) + "\n";
}

Markup table(const std::vector<std::vector<Markup>>& rows) {
  Markup body;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    Markup cells;
    for (const Markup& cell : rows[r])
      cells += r == 0 ? element("th", {{"scope", "col"}}, cell) : element("td", cell);
    body += element("tr", cells) + "\n";
  }
  return element("div", {{"class", "scroll"}}, element("table", "\n" + body)) + "\n";
}

std::vector<Markup> text_cells(const std::vector<std::string>& texts) {
  std::vector<Markup> cells;
  for (const std::string& text : texts) cells.push_back(as_text(text));
  return cells;
}

Markup text_table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::vector<Markup>> cells;
  for (const std::vector<std::string>& row : rows) cells.push_back(text_cells(row));
  return table(cells);
}

}  // namespace bellman
