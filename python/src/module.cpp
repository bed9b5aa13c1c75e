// The module bellman._bellman.
#include "python/src/bindings.h"

namespace bellman::python {
namespace {

void bind(nb::module_& m) {
  m.doc() = "The engine of the package bellman.";
  // Unusable input is a ValueError to Python; the message names what was wrong and its value.
  nb::exception<Error>(m, "Error", PyExc_ValueError);
  bind_config(m);
  bind_envs(m);
}

}  // namespace
}  // namespace bellman::python

NB_MODULE(_bellman, m) { bellman::python::bind(m); }
