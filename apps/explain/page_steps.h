// The steps of an explained update that stand in files of their own, and what all of them are made of.
#pragma once

#include <string>
#include <string_view>

#include "apps/explain/q_change.h"
#include "apps/explain/update_trace.h"
#include "apps/page/markup.h"
#include "core/base/text.h"

namespace bellman {

/// One step of the walk.
inline Markup step(Literal id, std::string_view heading, const Markup& content) {
  return element("section", {{"id", std::string(id.text())}, {"data-step", std::string(heading)}},
                 element("h2", as_text(heading)) + "\n" + content) +
         "\n";
}
inline Markup paragraph(std::string_view text) { return element("p", as_text(text)) + "\n"; }
inline std::string six_digits_of(double value) { return formatted("%.6g", value); }

Markup optimizer_step(const UpdateTrace& trace);
Markup q_change_step(const UpdateTrace& trace, const QChange& change);

}  // namespace bellman
