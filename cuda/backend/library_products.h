// Matrix products of a library, for layers so wide that it beats our own kernels.
//
//   class LibraryProducts
//     takes(x shape, w shape)      whether the library would do this layer
//     dense_forward(y, x, w, b), dense_backward(dx, dw, db, dy, x, w)      as the ops; false: not done
#pragma once

#include "cuda/base/dialect.h"

#if defined(__CUDACC__)
#include "cuda/device/cublas_products.h"
#else
#include "cuda/simt/no_library_products.h"
#endif
