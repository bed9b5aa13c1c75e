// Compiled once for each MPI library, into bellman_mpi_openmpi.so and bellman_mpi_mpich.so.
#include "apps/ranks/mpi_plugin.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <list>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include <mpi.h>

namespace bellman {
namespace {

// Above kSmall a collective's parts go as messages of at most kPiece bytes: MPI-3 counts in int.
constexpr std::size_t kSmall = std::size_t{1} << 20U, kPiece = std::size_t{16} << 20U;

struct Outgoing {
  std::vector<std::byte> bytes;
  MPI_Request request = MPI_REQUEST_NULL;
};

struct Channel {
  MPI_Comm comm = MPI_COMM_NULL;
  MPI_Message found = MPI_MESSAGE_NULL;  // by probe()
  int bytes = 0;                         // of it
  MPI_Request request = MPI_REQUEST_NULL;
};

MPI_Comm collectives = MPI_COMM_NULL;
std::array<Channel, 2> channels;
std::vector<MPI_Request> requests;              // of the collective in progress
std::vector<int> gather_counts, gather_places;  // its arguments, which MPI reads until it ends
std::list<Outgoing> outgoing;                   // messages that MPI may still read
int own_rank = 0, all = 1;

int start() {
  int provided = 0;
  if (const int error = MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &provided)) return error;
  if (const int error = MPI_Comm_rank(MPI_COMM_WORLD, &own_rank)) return error;
  if (const int error = MPI_Comm_size(MPI_COMM_WORLD, &all)) return error;
  for (MPI_Comm* const comm : {&collectives, &channels[0].comm, &channels[1].comm}) {
    if (const int error = MPI_Comm_dup(MPI_COMM_WORLD, comm)) return error;
    if (const int error = MPI_Comm_set_errhandler(*comm, MPI_ERRORS_RETURN)) return error;
  }
  return provided < MPI_THREAD_SERIALIZED ? MPI_ERR_OTHER : MPI_SUCCESS;
}

int rank() { return own_rank; }
int size() { return all; }

const char* name() {
  static const std::string text = [] {
    char version[MPI_MAX_LIBRARY_VERSION_STRING] = "";
    int length = 0;
    MPI_Get_library_version(version, &length);
    std::string first(version, static_cast<std::size_t>(length));
    first = first.substr(0, first.find('\n'));
    std::replace(first.begin(), first.end(), '\t', ' ');
    return first;
  }();
  return text.c_str();
}

const char* explain(int code) {
  static char text[MPI_MAX_ERROR_STRING] = "";
  int length = 0;
  MPI_Error_string(code, text, &length);
  return text;
}

template <class Byte, class Begin>
int in_pieces(Byte* part, std::size_t bytes, const Begin& begin) {
  for (std::size_t at = 0; at < bytes; at += kPiece) {
    requests.push_back(MPI_REQUEST_NULL);
    if (const int error = begin(part + at, static_cast<int>(std::min(kPiece, bytes - at)), &requests.back()))
      return error;
  }
  return MPI_SUCCESS;
}

/// The part for, or from, each other rank by messages. Part r is at out[r] and in[r]. MPI keeps the pieces' order.
int exchange(const std::vector<const std::byte*>& out, const std::size_t* out_sizes,
             const std::vector<std::byte*>& in, const std::size_t* in_sizes) {
  for (int step = 1; step < all; ++step) {  // not everybody to the same one first
    const int from = (own_rank + all - step) % all, to = (own_rank + step) % all;
    const auto f = static_cast<std::size_t>(from), t = static_cast<std::size_t>(to);
    if (const int error =
            in_pieces(in[f], in_sizes[f], [&](std::byte* piece, int bytes, MPI_Request* request) {
              return MPI_Irecv(piece, bytes, MPI_BYTE, from, 0, collectives, request);
            }))
      return error;
    if (const int error =
            in_pieces(out[t], out_sizes[t], [&](const std::byte* piece, int bytes, MPI_Request* request) {
              return MPI_Isend(piece, bytes, MPI_BYTE, to, 0, collectives, request);
            }))
      return error;
  }
  return MPI_SUCCESS;
}

template <class Byte>
std::vector<Byte*> parts_of(Byte* first, const std::size_t* sizes) {
  std::vector<Byte*> parts;
  for (int r = 0; r < all; ++r) {
    parts.push_back(first);
    first += sizes[r];
  }
  return parts;
}

int begin_all_gather(std::byte* bytes, const std::size_t* sizes) {
  requests.clear();
  const auto self = static_cast<std::size_t>(own_rank), count = static_cast<std::size_t>(all);
  if (std::accumulate(sizes, sizes + count, std::size_t{0}) <= kSmall) {
    gather_counts.clear();
    gather_places.clear();
    for (std::size_t r = 0, place = 0; r < count; place += sizes[r++]) {
      gather_counts.push_back(static_cast<int>(sizes[r]));
      gather_places.push_back(static_cast<int>(place));
    }
    requests.push_back(MPI_REQUEST_NULL);
    return MPI_Iallgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, bytes, gather_counts.data(),
                           gather_places.data(), MPI_BYTE, collectives, requests.data());
  }
  const std::vector<std::byte*> in = parts_of(bytes, sizes);
  const std::vector<std::size_t> out_sizes(count, sizes[self]);
  return exchange(std::vector<const std::byte*>(count, in[self]), out_sizes.data(), in, sizes);
}

/// By messages whatever the size: a rank's own sizes do not say whether others' sums are small.
int begin_all_to_all(const std::byte* out, const std::size_t* out_sizes, std::byte* in,
                     const std::size_t* in_sizes) {
  requests.clear();
  const std::vector<const std::byte*> out_parts = parts_of(out, out_sizes);
  const std::vector<std::byte*> in_parts = parts_of(in, in_sizes);
  const auto self = static_cast<std::size_t>(own_rank);
  if (out_sizes[self] > 0) std::memcpy(in_parts[self], out_parts[self], out_sizes[self]);
  return exchange(out_parts, out_sizes, in_parts, in_sizes);
}

int test(int* done) {
  return MPI_Testall(static_cast<int>(requests.size()), requests.data(), done, MPI_STATUSES_IGNORE);
}

/// Forgets the messages that MPI has read.
int tidy() {
  for (auto message = outgoing.begin(); message != outgoing.end();) {
    int done = 0;
    if (const int error = MPI_Test(&message->request, &done, MPI_STATUS_IGNORE)) return error;
    message = done ? outgoing.erase(message) : std::next(message);
  }
  return MPI_SUCCESS;
}

int send(int channel, int to, const std::byte* bytes, std::size_t count) {
  if (const int error = tidy()) return error;
  Outgoing& message = outgoing.emplace_back();
  message.bytes.assign(bytes, bytes + count);
  return MPI_Isend(message.bytes.data(), static_cast<int>(count), MPI_BYTE, to, 0,
                   channels[static_cast<std::size_t>(channel)].comm, &message.request);
}

int probe(int number, int* from, std::size_t* count) {
  *from = -1;
  if (const int error = tidy()) return error;
  Channel& channel = channels[static_cast<std::size_t>(number)];
  int found = 0;
  MPI_Status status;
  if (const int error = MPI_Improbe(MPI_ANY_SOURCE, 0, channel.comm, &found, &channel.found, &status))
    return error;
  if (!found) return MPI_SUCCESS;
  if (const int error = MPI_Get_count(&status, MPI_BYTE, &channel.bytes)) return error;
  *from = status.MPI_SOURCE;
  *count = static_cast<std::size_t>(channel.bytes);
  return MPI_SUCCESS;
}

int begin_receive(int number, std::byte* bytes) {
  Channel& channel = channels[static_cast<std::size_t>(number)];
  return MPI_Imrecv(bytes, channel.bytes, MPI_BYTE, &channel.found, &channel.request);
}

int test_receive(int channel, int* done) {
  if (const int error = tidy()) return error;
  return MPI_Test(&channels[static_cast<std::size_t>(channel)].request, done, MPI_STATUS_IGNORE);
}

void abort_all(int status) { MPI_Abort(MPI_COMM_WORLD, status); }

void finish() {
  while (!outgoing.empty() && tidy() == MPI_SUCCESS)
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  MPI_Finalize();
}

constexpr MpiPlugin kPlugin = {.version = kMpiPluginVersion,
                               .start = start,
                               .rank = rank,
                               .size = size,
                               .name = name,
                               .explain = explain,
                               .begin_all_gather = begin_all_gather,
                               .begin_all_to_all = begin_all_to_all,
                               .test = test,
                               .send = send,
                               .probe = probe,
                               .begin_receive = begin_receive,
                               .test_receive = test_receive,
                               .abort = abort_all,
                               .finish = finish};

}  // namespace
}  // namespace bellman

extern "C" __attribute__((visibility("default"))) const bellman::MpiPlugin* bellman_mpi_plugin() {
  return &bellman::kPlugin;
}
