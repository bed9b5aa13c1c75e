#include <sstream>
#include <vector>

#include "cuda/simt/executor.h"

namespace bellman::simt::detail {

namespace {

struct Group {  // threads that are at the same thing
  const CudaThread* first;
  std::size_t size;
};

bool at_the_same(const CudaThread& a, const CudaThread& b) {
  if (a.state == CudaThread::State::kReturned || b.state == CudaThread::State::kReturned)
    return a.state == b.state;
  return a.place.line == b.place.line && std::string(a.place.file) == b.place.file &&
         std::string(a.call) == b.call;
}

std::vector<Group> groups_of(const std::vector<CudaThread>& threads) {
  std::vector<Group> groups;
  for (const CudaThread& thread : threads) {
    bool known = false;
    for (Group& group : groups)
      if (at_the_same(*group.first, thread)) {
        ++group.size;
        known = true;
        break;
      }
    if (!known) groups.push_back({&thread, 1});
  }
  return groups;
}

}  // namespace

std::string standstill_report(const std::vector<CudaThread>& threads) {
  std::ostringstream text;
  const char* separator = "";
  for (const Group& group : groups_of(threads)) {
    const CudaThread& first = *group.first;
    const bool one = group.size == 1;
    text << separator << group.size << (one ? " thread" : " threads");
    if (first.state == CudaThread::State::kReturned)
      text << (one ? " has returned" : " have returned");
    else
      text << (one ? " waits" : " wait") << " at " << first.call << " (" << to_string(first.place) << ")";
    text << ", the first is (" << first.index.x << ',' << first.index.y << ',' << first.index.z << ')';
    separator = "; ";
  }
  return text.str();
}

}  // namespace bellman::simt::detail
