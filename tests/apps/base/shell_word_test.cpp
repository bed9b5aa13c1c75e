#include <doctest/doctest.h>

#include "apps/base/process.h"

namespace bellman::test {
namespace {

TEST_CASE("a path is quoted where a shell would split or change it") {
  CHECK(shell_word("runs/CartPole-v1__1__20260101-120000/model.safetensors") ==
        "runs/CartPole-v1__1__20260101-120000/model.safetensors");
  CHECK(shell_word("runs/my run") == "'runs/my run'");
  CHECK(shell_word("a'b") == "'a'\\''b'");
  CHECK(shell_word("$HOME") == "'$HOME'");
  CHECK(shell_word("a;b*") == "'a;b*'");
  CHECK(shell_word("caf\xc3\xa9") == "'caf\xc3\xa9'");
  CHECK(shell_word("") == "''");
}

}  // namespace
}  // namespace bellman::test
