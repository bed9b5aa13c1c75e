// Compiled with -ffp-contract=off: core/power_of.h.
#include "core/power.h"

#include <cstddef>

#include "core/double_vec.h"
#include "core/power_of.h"

namespace bellman {

double raised(double x, double a) { return PowerOf<double, std::int64_t>::of(x, a); }

void raise_all(std::span<double> x, double a) {
  std::size_t i = 0;
  for (; i + kDoubleLanes <= x.size(); i += kDoubleLanes)
    store_vec(&x[i], PowerOf<DoubleVec, IntVec>::of(load_vec<DoubleVec>(&x[i]), a));
  for (; i < x.size(); ++i) x[i] = raised(x[i], a);
}

}  // namespace bellman
