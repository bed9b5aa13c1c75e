// Compiled with -ffp-contract=off: see PowerOf.
#include "core/base/numeric.h"

#include <cstddef>

#include "core/base/vec.h"

namespace bellman {

double deterministic_pow(double x, double a) { return PowerOf<double, std::int64_t>::of(x, a); }

void deterministic_pow_all(std::span<double> x, double a) {
  std::size_t i = 0;
  for (; i + kDoubleLanes <= x.size(); i += kDoubleLanes)
    store_vec(&x[i], PowerOf<DoubleVec, IntVec>::of(load_vec<DoubleVec>(&x[i]), a));
  for (; i < x.size(); ++i) x[i] = deterministic_pow(x[i], a);
}

}  // namespace bellman
