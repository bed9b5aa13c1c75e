// The module bellman._bellman.
#include <cstdlib>

#include "python/src/bindings.h"

namespace bellman::python {
namespace {

void bind(nb::module_& m) {
  // Objects that outlive the interpreter's end are no fault: a kept exception keeps a run. scripts/python.sh asks for them.
  nb::set_leak_warnings(std::getenv("BELLMAN_LEAK_WARNINGS") != nullptr);
  m.doc() = "The engine of the package bellman.";
  // Unusable input is a ValueError to Python; the message names what was wrong and its value.
  nb::exception<Error>(m, "Error", PyExc_ValueError);
  bind_config(m);
  bind_envs(m);
  bind_dqn(m);
  bind_network(m);
  bind_ops(m);
  bind_replay(m);
}

}  // namespace
}  // namespace bellman::python

NB_MODULE(_bellman, m) { bellman::python::bind(m); }
