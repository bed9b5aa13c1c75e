#include "apps/sweep/over_ranks/sweep_message.h"

#include <array>
#include <cstring>

#include "apps/sweep/sweep_state.h"
#include "core/base/check.h"
#include "core/io/safetensors.h"

namespace bellman {
namespace {

constexpr const char* kSource = "a message of another rank";

using Head = std::array<std::uint64_t, 5>;  // kind, run, value, bytes of the record and of the model

void append(std::vector<std::byte>& all, std::span<const std::byte> bytes) {
  all.insert(all.end(), bytes.begin(), bytes.end());
}

}  // namespace

std::vector<std::byte> bytes_of(const SweepMessage& message) {
  const Head head = {message.kind, message.run, static_cast<std::uint64_t>(message.value),
                     message.record.size(), message.model.size()};
  std::vector<std::byte> all;
  append(all, std::as_bytes(std::span(head)));
  append(all, message.record);
  append(all, message.model);
  return all;
}

SweepMessage message_of(std::span<const std::byte> bytes) {
  Head head;
  BELLMAN_CHECK(bytes.size() >= sizeof head);
  std::memcpy(head.data(), bytes.data(), sizeof head);
  const std::span<const std::byte> rest = bytes.subspan(sizeof head);
  BELLMAN_CHECK(rest.size() == head[3] + head[4]);
  const auto record = rest.first(head[3]), model = rest.subspan(head[3]);
  return {.kind = static_cast<SweepMessage::Kind>(head[0]),
          .run = head[1],
          .value = static_cast<std::int64_t>(head[2]),
          .record = {record.begin(), record.end()},
          .model = {model.begin(), model.end()}};
}

SweepMessage message_of(const EndedRun& ended) {
  SweepMessage message{.kind = SweepMessage::kEnded, .run = ended.run, .value = ended.record.timestep};
  if (is_over(ended.record)) message.record = safetensors_bytes(record_tensors(ended.record), kSource);
  if (ended.model) message.model = safetensors_bytes(file_of(*ended.model), kSource);
  return message;
}

EndedRun ended_run_of(const SweepMessage& message) {
  EndedRun ended{.run = message.run, .record = {}, .model = {}};
  ended.record.state = RunState::kCut;
  if (!message.record.empty()) ended.record = record_of(parse_safetensors(message.record, kSource), kSource);
  if (!message.model.empty()) ended.model = model_of(parse_safetensors(message.model, kSource), kSource);
  ended.record.timestep = message.value;
  return ended;
}

}  // namespace bellman
