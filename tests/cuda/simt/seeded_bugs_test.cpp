// Every seeded bug is caught by what is said to catch it; kernels without one are not complained of.
//
// A bug that nothing but the thread sanitizer sees gives the right result on the executor, in every order,
// and may do so for years on a device.
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/run_program.h"

namespace bellman::test {
namespace {

const std::vector<std::string> kOrders = {"ascending", "descending", "1", "2", "3"};

// Exit codes: the first three as simt_bugs.cpp says, the others are set for the sanitizers below.
constexpr int kNothing = 0, kWrongResult = 2, kExecutorError = 3, kAddressReport = 4, kThreadReport = 5;

CommandResult run(const std::string& program, const std::string& bug, const std::string& order) {
  CommandOptions options;
  options.environment = {{"BELLMAN_SIMT_ORDER", order},
                         {"ASAN_OPTIONS", "exitcode=4"},
                         {"UBSAN_OPTIONS", "exitcode=4"},
                         {"TSAN_OPTIONS", "exitcode=5"}};
  options.fixed_addresses = true;
  return run_program(program, {bug}, options);
}

void check_sanitizer(const std::string& program, const std::string& bug, int code, const std::string& words) {
  const CommandResult result = run(program, bug, "ascending");
  INFO(result.err);
  CHECK(result.exit_code == code);
  CHECK(result.err.find(words) != std::string::npos);
}

// ---- who catches it

/// The executor itself, in every order, with a message that holds these words.
void check_executor(const std::string& bug, const std::string& words) {
  for (const std::string& order : kOrders) {
    const CommandResult result = run(SIMT_BUGS_PLAIN, bug, order);
    INFO("order ", order, ": ", result.err);
    CHECK(result.exit_code == kExecutorError);
    CHECK(result.err.find(words) != std::string::npos);
  }
}

/// A wrong result in every order from `first` of kOrders on.
void check_result(const std::string& bug, std::size_t first) {
  for (std::size_t i = first; i < kOrders.size(); ++i) {
    INFO("order ", kOrders[i]);
    CHECK(run(SIMT_BUGS_PLAIN, bug, kOrders[i]).exit_code == kWrongResult);
  }
}

void check_address([[maybe_unused]] const std::string& bug, [[maybe_unused]] const std::string& words) {
#if defined(SIMT_BUGS_ADDRESS)
  check_sanitizer(SIMT_BUGS_ADDRESS, bug, kAddressReport, words);
#endif
}

void check_thread([[maybe_unused]] const std::string& bug) {
#if defined(SIMT_BUGS_THREAD)
  check_sanitizer(SIMT_BUGS_THREAD, bug, kThreadReport, "data race");
#endif
}

// ---- the table

struct Executor {
  const char* words;
};
struct Address {
  const char* words;
};

const std::map<std::string, Executor> kByExecutor = {
    {"barrier_in_each_branch", {"32 threads wait at __syncthreads"}},
    {"return_before_barrier", {"1 thread has returned, the first is (63,0,0)"}},
    {"mask_names_absent_lanes", {"32 threads wait at __shfl_down_sync"}},
    {"lane_outside_its_mask", {"is not in its own mask 0xffff"}},
    {"different_calls_of_one_warp", {"lanes of the mask 0xffffffff call"}},
};
const std::map<std::string, Address> kByAddressSanitizer = {
    {"read_past_end_of_global", {"AddressSanitizer: heap-buffer-overflow"}},
    {"write_past_end_of_shared", {"WRITE of size 4"}},
    {"write_past_row_of_shared", {"index 8 out of bounds for type 'float [8]'"}},
    {"write_past_end_of_dynamic_shared", {"AddressSanitizer: heap-buffer-overflow"}},
    {"read_released_memory", {"AddressSanitizer: heap-use-after-free"}},
    {"misaligned_float4", {"misaligned address"}},
    {"float4_in_shared_floats", {"misaligned address"}},
    {"signed_overflow", {"signed integer overflow"}},
};
const std::set<std::string> kByResult = {"uninitialised_shared", "uninitialised_global", "no_wait_for_stream",
                                         "no_barrier_after_write", "no_barrier_before_overwrite"};
const std::set<std::string> kByResultButInAscendingOrder = {"no_barrier_but_lower_thread_first"};
const std::set<std::string> kByThreadSanitizer = {
    "no_barrier_after_write",    "no_barrier_but_lower_thread_first", "no_barrier_before_overwrite",
    "shuffle_taken_for_a_fence", "syncwarp_of_the_wrong_half",        "sum_without_atomics",
    "scatter_to_repeated_index", "blocks_sum_without_atomics",        "blocks_write_before_barrier",
    "last_block_without_fence",
};

std::vector<std::string> all_names() {
  std::istringstream lines(run_program(SIMT_BUGS_PLAIN, {}).out);
  std::vector<std::string> names;
  for (std::string name; std::getline(lines, name);) names.push_back(name);
  return names;
}

bool is_correct(const std::string& name) { return name.starts_with("correct_"); }

}  // namespace

TEST_CASE("what waits where it must not is named by the executor") {
  for (const auto& [bug, expected] : kByExecutor) {
    INFO(bug);
    check_executor(bug, expected.words);
  }
}

TEST_CASE("what is read before it is written is poison") {
  for (const std::string& bug : kByResult) {
    INFO(bug);
    check_result(bug, 0);
  }
  for (const std::string& bug : kByResultButInAscendingOrder) {
    INFO(bug);
    CHECK(run(SIMT_BUGS_PLAIN, bug, "ascending").exit_code == kNothing);
    check_result(bug, 1);
  }
}

TEST_CASE("the address and undefined-behaviour sanitizers see kernels' memory") {
  for (const auto& [bug, expected] : kByAddressSanitizer) {
    INFO(bug);
    check_address(bug, expected.words);
  }
}

TEST_CASE("the thread sanitizer sees CUDA threads") {
  for (const std::string& bug : kByThreadSanitizer) {
    INFO(bug);
    check_thread(bug);
  }
}

TEST_CASE("every seeded bug has somebody who catches it") {
  const std::vector<std::string> names = all_names();
  CHECK(names.size() >= 33);
  for (const std::string& name : names) {
    INFO(name);
    const bool caught = kByExecutor.contains(name) || kByAddressSanitizer.contains(name) ||
                        kByResult.contains(name) || kByThreadSanitizer.contains(name);
    CHECK(caught != is_correct(name));
  }
}

TEST_CASE("no tool complains of a correct kernel") {
  std::map<std::string, std::vector<std::string>> orders = {{SIMT_BUGS_PLAIN, kOrders}};
#if defined(SIMT_BUGS_ADDRESS)
  orders[SIMT_BUGS_ADDRESS] = {"ascending", "1"};
#endif
#if defined(SIMT_BUGS_THREAD)
  orders[SIMT_BUGS_THREAD] = {"ascending", "1"};
#endif
  for (const std::string& name : all_names()) {
    if (!is_correct(name)) continue;
    for (const auto& [program, its_orders] : orders)
      for (const std::string& order : its_orders) {
        const CommandResult result = run(program, name, order);
        INFO(program, " ", name, ", order ", order, ": ", result.err);
        CHECK(result.exit_code == kNothing);
      }
  }
}

}  // namespace bellman::test
