// What a test asks of the library of NCCL's names (fake_nccl.cpp), and what that one was asked for.
#pragma once

#include <map>
#include <string>

namespace bellman::test {

struct FakeNccl {
  std::string failing;               // this call fails with "made up (details)"
  int asynchronous = 0;              // the state of every communicator
  std::map<std::string, int> calls;  // how often each was made

  /// What fake_nccl() in the library returns: the one there is.
  static constexpr const char* kFunction = "fake_nccl";
};

}  // namespace bellman::test
