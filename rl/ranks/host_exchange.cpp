#include "rl/ranks/host_exchange.h"

#include <span>

namespace bellman {
namespace {

/// The same memory, as long as t.
std::span<float> sized(std::vector<float>& numbers, const ConstTensor& t) {
  numbers.resize(static_cast<std::size_t>(t.elements()));
  return numbers;
}

void make_equal(std::vector<std::size_t>& sizes, const ConstTensor& rows) {
  sizes.assign(static_cast<std::size_t>(rows[0]), static_cast<std::size_t>(rows[1]) * sizeof(float));
}

}  // namespace

void HostExchange::all_to_all(Tensor in, ConstTensor out) {
  const std::span<float> from = sized(out_, out), to = sized(in_, in);
  make_equal(sizes_, in);
  backend_.download(from.data(), out.data(), from.size_bytes());
  ranks_.all_to_all(std::as_bytes(from), sizes_, std::as_writable_bytes(to), sizes_);
  backend_.upload(in.data(), to.data(), to.size_bytes());
}

void HostExchange::all_gather(Tensor all) {
  const std::span<float> host = sized(in_, all);
  make_equal(sizes_, all);
  const auto columns = static_cast<std::size_t>(all[1]);
  const std::size_t own = static_cast<std::size_t>(ranks_.rank()) * columns;
  backend_.download(host.data() + own, all.data() + own, columns * sizeof(float));
  ranks_.all_gather(std::as_writable_bytes(host), sizes_);
  backend_.upload(all.data(), host.data(), host.size_bytes());
}

}  // namespace bellman
