// The message of a call's error.
#pragma once

#include <string>

#include "core/base/check.h"

namespace bellman::test {

/// The message of the Error that `call` throws; "no error" when it throws none.
template <class Call>
std::string error_message(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace bellman::test
