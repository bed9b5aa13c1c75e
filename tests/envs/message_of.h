// The message of the error that a call throws.
#pragma once

#include <string>

#include "core/check.h"

namespace bellman::test {

template <class Call>
std::string message_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace bellman::test
