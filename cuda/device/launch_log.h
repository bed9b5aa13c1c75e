// What a sequence of ops launched, in order, so that the next run of the same ops can be compared with it.
#pragma once

#include <array>
#include <cstddef>
#include <cstring>
#include <functional>
#include <span>
#include <type_traits>
#include <vector>

namespace bellman::cuda {

/// Reuses its memory: after the first run of a sequence, logging it again allocates nothing (but for what
/// `call` captures).
class LaunchLog {
 public:
  struct Launch {
    const void* kernel = nullptr;      // the kernel's address; for a copy or a library call: what names it
    std::array<unsigned, 6> shape{};   // grid x y z, block x y z
    std::size_t shared_bytes = 0;      // dynamic
    std::vector<std::byte> arguments;  // each at a multiple of 16 bytes
    std::vector<std::size_t> offsets;  // of the arguments
    std::function<void()> call;        // starts it; unset where the kernel's address says enough

    template <class T>
    void add_argument(const T& value) {
      static_assert(std::is_trivially_copyable_v<T> && alignof(T) <= 16);
      const std::size_t offset = (arguments.size() + 15) / 16 * 16;
      arguments.resize(offset + sizeof(T));
      if constexpr (!std::is_empty_v<T>) std::memcpy(arguments.data() + offset, &value, sizeof(T));
      offsets.push_back(offset);
    }
    bool same_kernel(const Launch& other) const {
      return kernel == other.kernel && shape == other.shape && shared_bytes == other.shared_bytes;
    }
    bool same_arguments(const Launch& other) const { return arguments == other.arguments; }
  };

  void clear() { size_ = 0; }
  Launch& append(const void* kernel, const std::array<unsigned, 6>& shape, std::size_t shared_bytes) {
    if (size_ == launches_.size()) launches_.emplace_back();
    Launch& launch = launches_[size_++];
    launch.kernel = kernel;
    launch.shape = shape;
    launch.shared_bytes = shared_bytes;
    launch.arguments.clear();
    launch.offsets.clear();
    launch.call = nullptr;
    return launch;
  }
  std::span<const Launch> launches() const { return {launches_.data(), size_}; }
  std::span<Launch> launches() { return {launches_.data(), size_}; }

  /// The same kernels on the same grids, whatever their arguments.
  bool same_sequence(const LaunchLog& other) const {
    if (size_ != other.size_) return false;
    for (std::size_t i = 0; i < size_; ++i)
      if (!launches_[i].same_kernel(other.launches_[i])) return false;
    return true;
  }

 private:
  std::vector<Launch> launches_;  // of which the first size_ count
  std::size_t size_ = 0;
};

}  // namespace bellman::cuda
