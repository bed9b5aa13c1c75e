// Compiled with -ffp-contract=off: core/base/power_of.h.
#include "core/base/power.h"

#include <cstddef>

#include "core/base/double_vec.h"
#include "core/base/power_of.h"

namespace bellman {

double raised(double x, double a) { return PowerOf<double, std::int64_t>::of(x, a); }

void raise_all(std::span<double> x, double a) {
  std::size_t i = 0;
  for (; i + kDoubleLanes <= x.size(); i += kDoubleLanes)
    store_vec(&x[i], PowerOf<DoubleVec, IntVec>::of(load_vec<DoubleVec>(&x[i]), a));
  for (; i < x.size(); ++i) x[i] = raised(x[i], a);
}

}  // namespace bellman
