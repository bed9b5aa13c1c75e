// A traced gradient step as a page: what `bellman explain` writes.
#pragma once

#include <string>

#include "apps/explain/q_change.h"
#include "apps/explain/update_trace.h"

namespace bellman {

/// The step in the order in which it happens, for transition `sample` of its batch, and why one Q-value
/// changed: one HTML file. `title` may come from
/// anybody. Throws: Error when the batch has no such transition.
std::string update_page(const UpdateTrace& trace, Index sample, const QChange& change,
                        const std::string& title);

}  // namespace bellman
