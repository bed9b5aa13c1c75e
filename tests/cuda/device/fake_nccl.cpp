// A library of NCCL's names, for ranks that are threads of one process and whose devices' memory is the host's
// (fake_cuda_runtime.cpp). It moves numbers as NCCL does, and refuses what NCCL would wait for or misread.
#include "tests/cuda/device/fake_nccl.h"

#include <condition_variable>
#include <cstddef>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace {

using bellman::test::FakeNccl;

constexpr int kOk = 0, kSystemError = 2, kInvalidArgument = 4, kInvalidUsage = 5, kFloat = 7;

struct Id {
  char bytes[128];
};

FakeNccl state;
std::mutex mutex;  // guards what follows, and the state
std::condition_variable changed;
int ids = 0;
std::map<std::string, int> arrived;  // ranks, by id
/// What a rank sent to another and that one has not received.
std::map<std::pair<std::string, std::pair<int, int>>, std::deque<std::vector<float>>> mail;

int result_of(const char* call) {
  const std::lock_guard lock(mutex);
  ++state.calls[call];
  return state.failing == call ? kSystemError : kOk;
}

}  // namespace

struct ncclComm {
  std::string id;
  int rank, ranks;
};

namespace {

void post(const ncclComm& comm, int to, const float* from, std::size_t count) {
  const std::lock_guard lock(mutex);
  mail[{comm.id, {comm.rank, to}}].emplace_back(from, from + count);
  changed.notify_all();
}

int fetch(const ncclComm& comm, int from, float* to, std::size_t count) {
  std::unique_lock lock(mutex);
  auto& letters = mail[{comm.id, {from, comm.rank}}];
  changed.wait(lock, [&] { return !letters.empty(); });
  const std::vector<float> letter = std::move(letters.front());
  letters.pop_front();
  if (letter.size() != count) return kInvalidArgument;
  std::memcpy(to, letter.data(), count * sizeof(float));
  return kOk;
}

/// What a thread has queued since ncclGroupStart.
struct Group {
  struct Call {
    ncclComm* comm;
    const float* from;  // null: it receives
    float* to;
    std::size_t count;
    int peer;
  };
  bool is_open = false;
  std::vector<Call> calls;
};
thread_local Group group;

int queue(const char* name, const Group::Call& call, int type) {
  if (const int result = result_of(name)) return result;
  if (!group.is_open) return kInvalidUsage;  // alone it would wait for its peer's
  if (type != kFloat || call.peer < 0 || call.peer >= call.comm->ranks) return kInvalidArgument;
  group.calls.push_back(call);
  return kOk;
}

}  // namespace

extern "C" {

FakeNccl* fake_nccl() { return &state; }

int ncclGetVersion(int* version) { return *version = 22809, kOk; }
const char* ncclGetErrorString(int result) { return result == kSystemError ? "made up" : "another"; }
const char* ncclGetLastError(ncclComm*) { return "details"; }

int ncclGetUniqueId(Id* id) {
  const int result = result_of("ncclGetUniqueId");
  const std::lock_guard lock(mutex);
  *id = {};
  std::memcpy(id->bytes + 1, &++ids, sizeof ids);  // begins with a 0, as text would end
  return result;
}

int ncclCommInitRank(ncclComm** comm, int ranks, Id id, int rank) {
  if (const int result = result_of("ncclCommInitRank")) return result;
  std::unique_lock lock(mutex);
  const std::string name(id.bytes, sizeof id.bytes);
  ++arrived[name];
  changed.notify_all();
  changed.wait(lock, [&] { return arrived[name] == ranks; });
  *comm = new ncclComm{name, rank, ranks};
  return kOk;
}
int ncclCommDestroy(ncclComm* comm) {
  delete comm;
  return result_of("ncclCommDestroy");
}
int ncclCommAbort(ncclComm* comm) {
  delete comm;
  return result_of("ncclCommAbort");
}
int ncclCommGetAsyncError(ncclComm*, int* error) {
  const int result = result_of("ncclCommGetAsyncError");
  const std::lock_guard lock(mutex);
  *error = state.asynchronous;
  return result;
}

int ncclGroupStart() {
  group = {.is_open = true, .calls = {}};
  return result_of("ncclGroupStart");
}
int ncclGroupEnd() {
  if (const int result = result_of("ncclGroupEnd")) return result;
  const Group queued = std::exchange(group, {});
  for (const Group::Call& call : queued.calls)
    if (call.from) post(*call.comm, call.peer, call.from, call.count);
  for (const Group::Call& call : queued.calls)
    if (!call.from)
      if (const int result = fetch(*call.comm, call.peer, call.to, call.count)) return result;
  return kOk;
}
int ncclSend(const void* from, std::size_t count, int type, int peer, ncclComm* comm, void*) {
  return queue("ncclSend", {comm, static_cast<const float*>(from), nullptr, count, peer}, type);
}
int ncclRecv(void* to, std::size_t count, int type, int peer, ncclComm* comm, void*) {
  return queue("ncclRecv", {comm, nullptr, static_cast<float*>(to), count, peer}, type);
}
int ncclAllGather(const void* own, void* all, std::size_t count, int type, ncclComm* comm, void*) {
  if (const int result = result_of("ncclAllGather")) return result;
  float* const to = static_cast<float*>(all);
  if (type != kFloat || own != to + static_cast<std::size_t>(comm->rank) * count) return kInvalidArgument;
  for (int other = 0; other < comm->ranks; ++other)
    if (other != comm->rank) post(*comm, other, static_cast<const float*>(own), count);
  for (int other = 0; other < comm->ranks; ++other)
    if (other != comm->rank)
      if (const int result = fetch(*comm, other, to + static_cast<std::size_t>(other) * count, count))
        return result;
  return kOk;
}
}
