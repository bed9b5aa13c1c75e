// Numbers of a trace on a page: each with an id, so that what it was made of and where it goes can light up.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "apps/explain/update_trace.h"
#include "apps/page/markup.h"

namespace bellman {

/// "a1:5": element 5 of the sample's row of a1.
std::string number_id(std::string_view tensor, Index element);

/// The number with its id, and the ids of what it was made of.
Markup shown_number(double value, const std::string& id, const std::vector<std::string>& made_of = {});

/// The numbers of one sample's row of a tensor (B, ..), by element.
std::vector<double> sample_row(const TracedTensor& tensor, Index sample);

/// A row of numbers: up to 24 of them as text, more as cells of colour. `name` is what stands over them, `tensor` begins
/// their ids. `made_of` gives the ids that element i was made of; null: none is said.
Markup shown_row(const std::string& name, const std::string& tensor, const std::vector<double>& values,
                 const std::vector<Index>& shape,
                 const std::function<std::vector<std::string>(Index)>& made_of = nullptr);

/// Indices of the `most` largest of `values` by size, NaN before all, in their order.
std::vector<Index> largest_indices(const std::vector<double>& values, std::size_t most);

}  // namespace bellman
