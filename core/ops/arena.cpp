#include "core/ops/arena.h"

namespace bellman {

void ArenaLayout::add(const std::string& name, const Shape& shape) {
  for (const Entry& entry : entries_)
    if (entry.name == name) fail("two tensors of one arena are named ", name);
  entries_.push_back({name, shape, size_});
  size_ += (shape.elements() + kAlignment - 1) / kAlignment * kAlignment;
}

Index ArenaLayout::parameters() const {
  Index n = 0;
  for (const Entry& entry : entries_) n += entry.shape.elements();
  return n;
}

const ArenaLayout::Entry& ArenaLayout::find(const std::string& name) const {
  for (const Entry& entry : entries_)
    if (entry.name == name) return entry;
  fail("there is no tensor named ", name);
}

}  // namespace bellman
