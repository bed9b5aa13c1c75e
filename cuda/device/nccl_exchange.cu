#include "cuda/device/nccl_exchange.h"

#include <cstdlib>
#include <cstring>
#include <exception>

namespace bellman::cuda {
namespace {

using Status = NcclFunctions::Status;

/// Throws: Error, with what NCCL knows of it, when `status` is an error. `comm` may be null.
void check(const NcclFunctions& nccl, NcclFunctions::Comm comm, const char* call, Status status) {
  if (status == NcclFunctions::kSuccess) return;
  const char* const more = nccl.last_error(comm);
  const std::string details = more && *more ? std::string(" (") + more + ")" : "";
  fail("NCCL: ", call, " failed: ", nccl.error_string(status), details);
}

/// A rank's communicator, on one stream. While the host waits for the stream it looks for errors of other ranks: a
/// collective that a rank does not come to never ends by itself.
class NcclExchange final : public DeviceExchange {
 public:
  NcclExchange(const NcclFunctions& nccl, Stream& stream, int rank, int ranks, const NcclId& id)
      : nccl_(nccl), stream_(stream), rank_(rank), ranks_(ranks) {
    check(nccl_, nullptr, "ncclCommInitRank", nccl_.comm_init_rank(&comm_, ranks, id, rank));
    stream_.watch([this] { look(); });
  }
  /// ncclCommDestroy waits for the other ranks. When this one ends with an error, they may not come.
  ~NcclExchange() override {
    stream_.watch(nullptr);
    if (!comm_) return;
    if (std::uncaught_exceptions() > exceptions_) {
      static_cast<void>(nccl_.comm_abort(comm_));
    } else {
      stream_.finish();
      static_cast<void>(nccl_.comm_destroy(comm_));
    }
  }
  NcclExchange(const NcclExchange&) = delete;
  NcclExchange& operator=(const NcclExchange&) = delete;

  std::string description() const override { return version_text(nccl_); }

  void all_to_all(Tensor in, ConstTensor out) override {
    static const char kName = 0;
    float* const to = in.data();
    const float* const from = out.data();
    const auto count = static_cast<std::size_t>(in[1]);
    stream_.call_library(
        &kName, [=, this] { exchange(to, from, count); }, to, from, count);
  }

  void all_gather(Tensor all) override {
    static const char kName = 0;
    float* const to = all.data();
    const auto count = static_cast<std::size_t>(all[1]);
    stream_.call_library(
        &kName,
        [=, this] {
          const float* const own = to + static_cast<std::size_t>(rank_) * count;  // in place
          require("ncclAllGather",
                  nccl_.all_gather(own, to, count, NcclFunctions::kFloat, comm_, stream_.get()));
        },
        to, count);
  }

 private:
  void require(const char* call, Status status) const { check(nccl_, comm_, call, status); }

  /// Every rank sends to all and receives from all. In a group, so that none waits for another one's turn.
  void exchange(float* to, const float* from, std::size_t count) const {
    require("ncclGroupStart", nccl_.group_start());
    for (int other = 0; other < ranks_; ++other) {
      const std::size_t place = static_cast<std::size_t>(other) * count;
      require("ncclSend",
              nccl_.send(from + place, count, NcclFunctions::kFloat, other, comm_, stream_.get()));
      require("ncclRecv", nccl_.recv(to + place, count, NcclFunctions::kFloat, other, comm_, stream_.get()));
    }
    require("ncclGroupEnd", nccl_.group_end());
  }

  /// Ends the collectives that would wait for ever, so that the stream can be waited for again.
  void look() {
    if (!comm_) return;
    Status state = NcclFunctions::kSuccess;
    const Status asked = nccl_.comm_get_async_error(comm_, &state);
    if (asked == NcclFunctions::kSuccess && state == NcclFunctions::kInProgress) return;
    if (asked == NcclFunctions::kSuccess && state == NcclFunctions::kSuccess) return;
    try {
      require("ncclCommGetAsyncError", asked);
      require("a collective", state);
    } catch (...) {
      static_cast<void>(nccl_.comm_abort(comm_));
      comm_ = nullptr;
      throw;
    }
  }

  const NcclFunctions nccl_;
  Stream& stream_;
  int rank_, ranks_;
  int exceptions_ = std::uncaught_exceptions();
  NcclFunctions::Comm comm_ = nullptr;
};

}  // namespace

LibraryExchanges::LibraryExchanges(Stream& stream)
    : stream_(stream), choice_(nccl_choice(std::getenv("BELLMAN_NCCL"))) {}

std::string LibraryExchanges::device_id() const {
  int device = 0;
  BELLMAN_CUDA_CALL(cudaGetDevice(&device));
  cudaDeviceProp properties;
  BELLMAN_CUDA_CALL(cudaGetDeviceProperties(&properties, device));
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text = "GPU-";  // as nvidia-smi -L writes it, but for its hyphens
  for (const char byte : properties.uuid.bytes) {
    text += kDigits[static_cast<unsigned char>(byte) / 16];
    text += kDigits[static_cast<unsigned char>(byte) % 16];
  }
  return text;
}

std::string LibraryExchanges::no_reason() {
  if (!nccl_) nccl_ = open_nccl(choice_);
  return nccl_->reason;
}

std::string LibraryExchanges::new_id() {
  BELLMAN_CHECK(no_reason().empty());
  NcclId id;
  check(nccl_->functions, nullptr, "ncclGetUniqueId", nccl_->functions.get_unique_id(&id));
  return {id.bytes, sizeof id.bytes};
}

std::unique_ptr<DeviceExchange> LibraryExchanges::make(int rank, int ranks, const std::string& text) {
  NcclId id;
  BELLMAN_CHECK(no_reason().empty() && text.size() == sizeof id.bytes);
  std::memcpy(id.bytes, text.data(), sizeof id.bytes);
  return std::make_unique<NcclExchange>(nccl_->functions, stream_, rank, ranks, id);
}

}  // namespace bellman::cuda
