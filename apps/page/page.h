// The frame of every page that bellman writes: one file that a browser shows without a network. Its content policy
// allows nothing but the style and the script of apps/page/, by their hashes, so that text from a run directory
// could not run a script even if it got past the escaping (apps/page/markup.h).
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "apps/page/markup.h"

namespace bellman {

/// A whole HTML document. The first heading is the title; `content` follows.
std::string page(std::string_view title, const Markup& content);

/// A page replaces nothing but a page, so that a mistyped name costs no checkpoint. Throws: Error with the name, if another
/// file is there.
void check_page_file(const std::filesystem::path& path);
/// Likewise for a picture_file().
void check_picture_file(const std::filesystem::path& path);

/// Writes a page, whole or not at all. Throws: Error, as check_page_file() and write_file_atomically().
void write_page(const std::filesystem::path& path, std::string_view page);
/// Writes a picture_file() likewise.
void write_picture(const std::filesystem::path& path, std::string_view picture);

/// A section with its heading and an id that links can name.
Markup section(Literal id, std::string_view heading, const Markup& content);

/// Folded until the reader opens it.
Markup folded(std::string_view summary, const Markup& content);

/// A table that scrolls sideways where the window is narrow. The first row is the header.
Markup table(const std::vector<std::vector<Markup>>& rows);
/// A row of it; the texts are escaped.
std::vector<Markup> text_cells(const std::vector<std::string>& texts);
/// A table of text_cells.
Markup text_table(const std::vector<std::vector<std::string>>& rows);

/// The first drawing in it as a file of its own, an SVG. REQUIRES: there is a drawing.
std::string picture_file(const Markup& figures);

}  // namespace bellman
