#include "rl/log/tensorboard.h"

#include <array>
#include <bit>
#include <cmath>
#include <utility>

#include <unistd.h>

namespace bellman {
namespace {

// Little-endian numbers.
template <class T>
void put_fixed(std::string& out, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) out += static_cast<char>(value >> (8 * i) & 0xff);
}

// Protobuf's wire format: a varint has seven bits a byte, the lowest first, and the high bit says "more".
void put_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

enum WireType : std::uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

void put_key(std::string& out, std::uint32_t field, WireType type) { put_varint(out, field << 3 | type); }

void put_bytes(std::string& out, std::uint32_t field, std::string_view bytes) {
  put_key(out, field, kBytes);
  put_varint(out, bytes.size());
  out += bytes;
}

std::string event_head(double wall_time, Index step) {
  std::string event;
  put_key(event, 1, kFixed64);
  put_fixed(event, std::bit_cast<std::uint64_t>(wall_time));
  if (step != 0) {  // protobuf leaves zeros out
    put_key(event, 2, kVarint);
    put_varint(event, static_cast<std::uint64_t>(step));
  }
  return event;
}

std::uint32_t masked_crc32c(std::string_view bytes) {
  const std::uint32_t crc = crc32c(bytes);
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8U;
}

std::string record(std::string_view payload) {
  std::string out;
  put_fixed(out, static_cast<std::uint64_t>(payload.size()));
  put_fixed(out, masked_crc32c(out));
  out += payload;
  put_fixed(out, masked_crc32c(payload));
  return out;
}

constexpr std::array<std::uint32_t, 256> crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t c = i;
    for (int bit = 0; bit < 8; ++bit) c = (c >> 1) ^ (c & 1 ? 0x82f63b78U : 0U);
    table[i] = c;
  }
  return table;
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  static constexpr std::array<std::uint32_t, 256> kTable = crc_table();
  std::uint32_t crc = 0xffffffffU;
  for (const char c : bytes) crc = (crc >> 8) ^ kTable[(crc ^ static_cast<unsigned char>(c)) & 0xff];
  return ~crc;
}

std::string tensorboard_file_name(double seconds_since_1970) {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0 || host[0] == '\0') host = {"localhost"};
  return "events.out.tfevents." + std::to_string(static_cast<long long>(seconds_since_1970)) + "." +
         host.data();
}

TensorboardWriter::TensorboardWriter(const std::filesystem::path& path, std::function<double()> now)
    : file_(path), now_(std::move(now)) {
  std::string event = event_head(now_(), 0);
  put_bytes(event, 3, "brain.Event:2");
  file_.append(record(event));
}

void TensorboardWriter::on_episode(const EpisodeRecord& episode) {
  const std::array<Scalar, 2> scalars = {{{"charts/episodic_return", episode.episode_return},
                                          {"charts/episodic_length", static_cast<double>(episode.length)}}};
  add_event(episode.timestep, scalars);
}

void TensorboardWriter::on_scalars(Index timestep, std::span<const Scalar> scalars) {
  add_event(timestep, scalars);
  file_.append(pending_);
  pending_.clear();
}

void TensorboardWriter::flush() {
  file_.append(pending_);
  pending_.clear();
}

void TensorboardWriter::add_event(Index timestep, std::span<const Scalar> scalars) {
  std::string summary;
  for (const Scalar& scalar : scalars) {
    if (std::isnan(scalar.value)) continue;
    std::string value;
    put_bytes(value, 1, scalar.name);
    put_key(value, 2, kFixed32);
    put_fixed(value, std::bit_cast<std::uint32_t>(static_cast<float>(scalar.value)));
    put_bytes(summary, 1, value);
  }
  std::string event = event_head(now_(), timestep);
  put_bytes(event, 5, summary);
  pending_ += record(event);
}

}  // namespace bellman
