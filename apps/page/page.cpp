#include "apps/page/page.h"

#include <fstream>
#include <system_error>

#include "apps/page/page_assets.h"
#include "core/base/check.h"
#include "core/io/files.h"

namespace bellman {
namespace {

constexpr std::string_view kPageBegin = "<!doctype html>", kPictureBegin = "<svg";

/// Throws: Error, if there is a regular file that has bytes and does not begin so.
void check_replaceable(const std::filesystem::path& path, std::string_view begin, std::string_view what) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return;
  std::string bytes(begin.size(), '\0');
  std::ifstream file(path, std::ios::binary);
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (file.gcount() > 0 && bytes != begin)
    fail(path.string(), ": is there and is not a ", what, "; it would be lost");
}

}  // namespace

void check_page_file(const std::filesystem::path& path) { check_replaceable(path, kPageBegin, "page"); }
void check_picture_file(const std::filesystem::path& path) {
  check_replaceable(path, kPictureBegin, "picture");
}

void write_page(const std::filesystem::path& path, std::string_view page) {
  check_page_file(path);
  write_file_atomically(path, page);
}

void write_picture(const std::filesystem::path& path, std::string_view picture) {
  check_picture_file(path);
  write_file_atomically(path, picture);
}

std::string page(std::string_view title, const Markup& content) {
  const std::string policy = "default-src 'none'; style-src 'sha256-" + std::string(kPageStyleHash) +
                             "'; script-src 'sha256-" + std::string(kPageScriptHash) +
                             "'; img-src data:; base-uri 'none'; form-action 'none'";
  const std::string shown_title = as_text(title).text();
  return std::string(kPageBegin) +
         "\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
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
  return std::string(kPictureBegin) + " xmlns=\"http://www.w3.org/2000/svg\"" +
         svg.substr(kOpen.size(), inside - kOpen.size()) + "<style>" + std::string(kPageStyle) +
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
