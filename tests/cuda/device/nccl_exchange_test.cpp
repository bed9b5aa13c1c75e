// What cuda/device/nccl_exchange.cu asks of NCCL, by a library that stands in for it; and NCCL's own declarations.
#include "cuda/device/nccl_exchange.h"

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include <dlfcn.h>
#include <doctest/doctest.h>

#include "rl/ranks/gather_texts.h"
#include "tests/cuda/device/fake_cuda_runtime.h"
#include "tests/cuda/device/fake_nccl.h"
#include "tests/support/error_message.h"
#include "tests/support/ranks/thread_ranks.h"

#if __has_include(<nccl.h>)
#include <nccl.h>
#endif

namespace bellman::cuda {
namespace {

using test::fake_cuda_runtime;
using test::FakeNccl;
using Use = LibraryChoice::Use;

/// The library's state, as new.
FakeNccl& fresh_nccl() {
  static void* const library = dlopen(BELLMAN_FAKE_NCCL, RTLD_NOW | RTLD_LOCAL);
  REQUIRE(library != nullptr);
  static auto* const nccl = reinterpret_cast<FakeNccl* (*)()>(dlsym(library, FakeNccl::kFunction))();
  return *nccl = {};
}

/// BELLMAN_NCCL while it lives.
class NcclVariable {
 public:
  explicit NcclVariable(const char* text) { setenv("BELLMAN_NCCL", text, 1); }
  ~NcclVariable() { unsetenv("BELLMAN_NCCL"); }
  NcclVariable(const NcclVariable&) = delete;
  NcclVariable& operator=(const NcclVariable&) = delete;
};

std::unique_ptr<DeviceExchange> linked(Ranks& ranks, LibraryExchanges& exchanges) {
  const std::string id = gather_texts(ranks, ranks.rank() == 0 ? exchanges.new_id() : "").front();
  return exchanges.make(ranks.rank(), ranks.size(), id);
}
/// Of a single rank.
std::unique_ptr<DeviceExchange> alone(LibraryExchanges& exchanges) {
  return exchanges.make(0, 1, exchanges.new_id());
}

float number_of(Index from, Index to, Index i) { return static_cast<float>(1000 * from + 100 * to + i); }

void check_exchange(Ranks& self, DeviceExchange& exchange, Index columns) {
  const Index ranks = self.size(), rank = self.rank();
  std::vector<float> out, in(static_cast<std::size_t>(ranks * columns)), expected, all(in.size()), gathered;
  for (Index other = 0; other < ranks; ++other)
    for (Index i = 0; i < columns; ++i) {
      out.push_back(number_of(rank, other, i));
      expected.push_back(number_of(other, rank, i));
      gathered.push_back(number_of(other, other, i));
      if (other == rank) all[static_cast<std::size_t>(rank * columns + i)] = number_of(rank, rank, i);
    }
  exchange.all_to_all(Tensor(in.data(), {ranks, columns}), ConstTensor(out.data(), {ranks, columns}));
  exchange.all_gather(Tensor(all.data(), {ranks, columns}));
  if (in != expected) fail("rank ", rank, " of ", ranks, ": other numbers came, ", columns, " from each");
  if (all != gathered) fail("rank ", rank, " of ", ranks, ": others were gathered, ", columns, " from each");
}

TEST_CASE("numbers go from every rank to every rank, and what each has to all") {
  FakeNccl& nccl = fresh_nccl();
  const NcclVariable variable(BELLMAN_FAKE_NCCL);
  for (const int ranks : {1, 2, 3, 4}) {
    nccl.calls.clear();
    test::on_thread_ranks(ranks, [&](Ranks& self) {
      Stream stream;
      LibraryExchanges exchanges(stream);
      const std::unique_ptr<DeviceExchange> exchange = linked(self, exchanges);
      for (const Index columns : {1, 5, 1000}) check_exchange(self, *exchange, columns);
    });
    CHECK(nccl.calls["ncclCommDestroy"] == ranks);
    CHECK(nccl.calls["ncclCommAbort"] == 0);
    CHECK(nccl.calls["ncclGetUniqueId"] == 1);
  }
}

TEST_CASE("an exchange says what it is, and a device has an id") {
  fresh_nccl();
  const NcclVariable variable(BELLMAN_FAKE_NCCL);
  Stream stream;
  LibraryExchanges exchanges(stream);
  CHECK(exchanges.no_reason().empty());
  CHECK(alone(exchanges)->description() == "NCCL 2.28.9");
  CHECK(exchanges.device_id() == "GPU-00ff0000000000000000000000000000");
}

TEST_CASE("an exchange can be recorded, and is queued when it is not") {
  fresh_nccl();
  const NcclVariable variable(BELLMAN_FAKE_NCCL);
  Stream stream;
  LibraryExchanges exchanges(stream);
  const std::unique_ptr<DeviceExchange> exchange = alone(exchanges);
  float number = 1;
  std::unique_ptr<Recording> recording;
  fake_cuda_runtime().calls.clear();
  stream.run_recorded(recording, [&] { exchange->all_gather(Tensor(&number, {1, 1})); });
  CHECK(fake_cuda_runtime().calls == std::vector<std::string>{"begin capture", "end capture", "child node",
                                                              "instantiate", "launch graph"});
}

TEST_CASE(
    "a call that NCCL refuses is an error with its name and NCCL's words, and the communicator is aborted") {
  FakeNccl& nccl = fresh_nccl();
  const NcclVariable variable(BELLMAN_FAKE_NCCL);
  for (const char* const call : {"ncclGetUniqueId", "ncclCommInitRank", "ncclGroupStart", "ncclSend",
                                 "ncclRecv", "ncclGroupEnd", "ncclAllGather"}) {
    CAPTURE(call);
    nccl = {};
    nccl.failing = call;
    const std::string message = test::error_message([] {
      Stream stream;
      LibraryExchanges exchanges(stream);
      const std::unique_ptr<DeviceExchange> exchange = alone(exchanges);
      float in = 0, out = 0;
      exchange->all_to_all(Tensor(&in, {1, 1}), ConstTensor(&out, {1, 1}));
      exchange->all_gather(Tensor(&in, {1, 1}));
    });
    CHECK(message == std::string("NCCL: ") + call + " failed: made up (details)");
    const bool began = nccl.calls["ncclCommInitRank"] > 0 && nccl.failing != "ncclCommInitRank";
    CHECK(nccl.calls["ncclCommAbort"] == (began ? 1 : 0));  // destroying would wait for the other ranks
    CHECK(nccl.calls["ncclCommDestroy"] == 0);
  }
}

TEST_CASE("an error of another rank ends the wait for the device, and the communicator") {
  FakeNccl& nccl = fresh_nccl();
  const NcclVariable variable(BELLMAN_FAKE_NCCL);
  Stream stream;
  LibraryExchanges exchanges(stream);
  const auto wait_for = [&](int queries) {
    fake_cuda_runtime().queries_until_done = queries;
    return test::error_message([&] { stream.synchronise(); });
  };
  {
    const std::unique_ptr<DeviceExchange> exchange = alone(exchanges);
    CHECK(wait_for(3) == "no error");
    CHECK(nccl.calls["ncclCommGetAsyncError"] == 3);
    nccl.asynchronous = NcclFunctions::kInProgress;
    CHECK(wait_for(3) == "no error");
    nccl.asynchronous = 2;
    CHECK(wait_for(3) == "NCCL: a collective failed: made up (details)");
    CHECK(nccl.calls["ncclCommAbort"] == 1);
    CHECK(wait_for(3) == "no error");  // the stream can still be waited for
  }
  CHECK(nccl.calls["ncclCommDestroy"] == 0);
  nccl.asynchronous = 0;
  {
    const std::unique_ptr<DeviceExchange> exchange = alone(exchanges);
    nccl.failing = "ncclCommGetAsyncError";
    CHECK(wait_for(1) == "NCCL: ncclCommGetAsyncError failed: made up (details)");
  }
  const int asked = nccl.calls["ncclCommGetAsyncError"];
  CHECK(wait_for(3) == "no error");  // nobody is asked any more
  CHECK(nccl.calls["ncclCommGetAsyncError"] == asked);
  fake_cuda_runtime().queries_until_done = 0;
}

TEST_CASE("what BELLMAN_NCCL says, and what is said where there is no NCCL") {
  CHECK(nccl_choice("").use == Use::kIfThere);
  CHECK(nccl_choice("on").use == Use::kAlways);
  CHECK(test::error_message([] { nccl_choice("yes"); }) ==
        "BELLMAN_NCCL is \"yes\", must be off, on or the path of libnccl.so.2");
  CHECK(open_nccl({.use = Use::kNever, .file = ""}).reason == "BELLMAN_NCCL is off");
  CHECK(open_nccl({.use = Use::kIfThere, .file = BELLMAN_NO_CUBLAS}).reason ==
        "NCCL is missing: " BELLMAN_NO_CUBLAS " is no NCCL of version 2.13 or later");
  CHECK(open_nccl({.use = Use::kIfThere, .file = "/nowhere/libnccl.so.2"})
            .reason.find("NCCL is missing: /nowhere/libnccl.so.2: ") == 0);
  CHECK(test::error_message([] { open_nccl({.use = Use::kAlways, .file = BELLMAN_NO_CUBLAS}); }) ==
        "NCCL is missing: " BELLMAN_NO_CUBLAS " is no NCCL of version 2.13 or later");
}

TEST_CASE("NCCL itself, where it is installed, has the functions") {
  const OpenedNccl nccl = open_nccl({});
  if (!nccl.reason.empty()) {
    std::printf("SKIPPED: %s\n", nccl.reason.c_str());
    return;
  }
  CHECK(version_text(nccl.functions).find("NCCL 2.") == 0);
  CHECK(std::string(nccl.functions.error_string(NcclFunctions::kSuccess)) == "no error");
}

#if __has_include(<nccl.h>)
TEST_CASE("our declarations are NVIDIA's") {
  using F = NcclFunctions;
  CHECK(F::kSuccess == static_cast<int>(ncclSuccess));
  CHECK(F::kInProgress == static_cast<int>(ncclInProgress));
  CHECK(F::kFloat == static_cast<int>(ncclFloat));
  static_assert(std::is_same_v<F::Comm, ncclComm_t>);
  static_assert(sizeof(ncclResult_t) == sizeof(int) && sizeof(ncclDataType_t) == sizeof(int));
  static_assert(sizeof(NcclId) == sizeof(ncclUniqueId) && alignof(NcclId) == alignof(ncclUniqueId) &&
                std::is_trivially_copyable_v<ncclUniqueId>);
  using Result = ncclResult_t;
  static_assert(std::is_same_v<decltype(&ncclGetVersion), Result (*)(int*)>);
  static_assert(std::is_same_v<decltype(&ncclGetUniqueId), Result (*)(ncclUniqueId*)>);
  static_assert(std::is_same_v<decltype(&ncclCommInitRank), Result (*)(ncclComm_t*, int, ncclUniqueId, int)>);
  static_assert(std::is_same_v<decltype(&ncclCommDestroy), Result (*)(ncclComm_t)>);
  static_assert(std::is_same_v<decltype(&ncclCommAbort), Result (*)(ncclComm_t)>);
  static_assert(std::is_same_v<decltype(&ncclCommGetAsyncError), Result (*)(ncclComm_t, Result*)>);
  static_assert(std::is_same_v<decltype(&ncclGetErrorString), const char* (*)(Result)>);
  static_assert(std::is_same_v<decltype(&ncclGetLastError), const char* (*)(ncclComm_t)>);
  static_assert(std::is_same_v<decltype(&ncclGroupStart), Result (*)()>);
  static_assert(std::is_same_v<decltype(&ncclGroupEnd), Result (*)()>);
  static_assert(std::is_same_v<decltype(&ncclSend), Result (*)(const void*, std::size_t, ncclDataType_t, int,
                                                               ncclComm_t, cudaStream_t)>);
  static_assert(std::is_same_v<decltype(&ncclRecv), Result (*)(void*, std::size_t, ncclDataType_t, int,
                                                               ncclComm_t, cudaStream_t)>);
  static_assert(
      std::is_same_v<decltype(&ncclAllGather),
                     Result (*)(const void*, void*, std::size_t, ncclDataType_t, ncclComm_t, cudaStream_t)>);
}
#endif

}  // namespace
}  // namespace bellman::cuda
