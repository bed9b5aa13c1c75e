// What the command needs of MPI, as a table of functions. Open MPI and MPICH are not binary compatible: the plugin's
// source is compiled against each, into a shared object of its own, and the command opens the one that mpirun is of
// (decision 0037). It links no MPI itself.
#pragma once

#include <cstddef>

namespace bellman {

constexpr int kMpiPluginVersion = 1;
constexpr std::size_t kMostMessage = 0x7fffffff;  // MPI-3 counts bytes in int
constexpr const char* kMpiPluginFunction = "bellman_mpi_plugin";

/// Functions that return int return 0, or a code that `explain` knows. One thread at a time calls them.
struct MpiPlugin {
  int version;  // kMpiPluginVersion of the header that the plugin was compiled with

  /// MPI_Init_thread, and communicators of our own.
  int (*start)();
  int (*rank)();
  int (*size)();
  /// The first line of MPI_Get_library_version.
  const char* (*name)();
  const char* (*explain)(int code);

  /// Collectives of Ranks. They are begun, and then tested until `*done` is 1; all buffers live until then. One at a time.
  int (*begin_all_gather)(std::byte* all, const std::size_t* sizes);
  int (*begin_all_to_all)(const std::byte* out, const std::size_t* out_sizes, std::byte* in,
                          const std::size_t* in_sizes);
  int (*test)(int* done);

  /// Messages on channel 0 (Ranks::send) or 1 (notes between waiting ranks). send() copies the bytes, at most kMostMessage.
  int (*send)(int channel, int to, const std::byte* bytes, std::size_t size);
  /// The next message that has begun to arrive: `*from` is -1 when there is none. It is then received into `bytes` of its
  /// size, which is tested until `*done` is 1, before the channel is probed again.
  int (*probe)(int channel, int* from, std::size_t* size);
  int (*begin_receive)(int channel, std::byte* bytes);
  int (*test_receive)(int channel, int* done);

  void (*abort)(int status);
  /// MPI_Finalize, when MPI has read all messages.
  void (*finish)();
};

/// The type of the plugin's one exported function.
using MpiPluginFunction = const MpiPlugin* (*)();

}  // namespace bellman
