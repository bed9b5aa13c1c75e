// A traced gradient step as text and as JSON: what `bellman show` prints.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "apps/explain/update_trace.h"

namespace bellman {

/// The step in the order in which it happens, for transition `sample` of its batch; lines of at most `width` characters, where their
/// words allow it.
/// Throws: Error when the batch has no such transition.
std::string update_text(const UpdateTrace& trace, Index sample, std::size_t width);

/// All of it: every tensor under its name, every draw. NaN is null.
nlohmann::ordered_json update_json(const UpdateTrace& trace);

/// The numbers of one tensor, a row a line.
std::string tensor_text(const TracedTensor& tensor);
nlohmann::ordered_json tensor_json(const TracedTensor& tensor);

}  // namespace bellman
