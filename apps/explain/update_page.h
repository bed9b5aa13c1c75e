// A traced gradient step as a page: what `bellman explain` writes, and what its steps are made of.
#pragma once

#include <string>
#include <string_view>

#include "apps/explain/q_change.h"
#include "apps/explain/update_trace.h"
#include "apps/page/markup.h"
#include "core/base/text.h"

namespace bellman {

/// The step in the order in which it happens, for transition `sample` of its batch, and why one Q-value
/// changed: one HTML file. `title` may come from anybody. Throws: Error when the batch has no such transition.
std::string update_page(const UpdateTrace& trace, Index sample, const QChange& change,
                        const std::string& title);

/// One step of the walk.
inline Markup walk_step(Literal id, std::string_view heading, const Markup& content) {
  return element("section", {{"id", std::string(id.text())}, {"data-step", std::string(heading)}},
                 element("h2", as_text(heading)) + "\n" + content) +
         "\n";
}
inline Markup paragraph(std::string_view text) { return element("p", as_text(text)) + "\n"; }
inline std::string six_digits_of(double value) { return formatted("%.6g", value); }

Markup optimizer_step(const UpdateTrace& trace);
Markup q_change_step(const UpdateTrace& trace, const QChange& change);

}  // namespace bellman
