// Metadata of a model, or of a checkpoint with right hashes, from an attacker. It is refused with the
// file's name and the key. The memory used is in proportion to the file, however deep or many its values
// are.
#include <map>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "apps/base/fingerprint.h"
#include "apps/run/checkpoint.h"
#include "apps/run/hashed_file.h"
#include "rl/train/model_file.h"
#include "tests/support/counts/memory_taken.h"
#include "tests/support/error_message.h"

namespace bellman::test {
namespace {

constexpr std::size_t kManyBytes = 4'000'000;

std::string repeated(const std::string& item, std::size_t bytes = kManyBytes) {
  std::string text;
  while (text.size() < bytes) text += item;
  return text;
}

/// {"0":value,"1":value,...}, of about kManyBytes.
std::string object_of(const std::string& value) {
  std::string text = "{";
  for (std::size_t i = 0; text.size() < kManyBytes; ++i)
    text += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":" + value;
  return text + "}";
}

TensorFile checkpoint_file() {
  TensorFile file;
  const std::vector<float> values = {1, 2};
  file.add("a", {2}, values);
  const auto bytes = reinterpret_cast<const char*>(file.tensors[0].bytes.data());
  file.metadata = {{"format", "bellman checkpoint 3"},
                   {"version", "0.1"},
                   {"build", "0123456789abcdef"},
                   {"device", "cpu"},
                   {"config", ""},
                   {"timestep", "7"},
                   {"logs", "{\"monitor.csv\":12}"},
                   {"history", "[{\"config\":\"gamma = 0.5\",\"until\":3}]"},
                   {"hashes", "{\"a\":\"" + xxh64({bytes, file.tensors[0].bytes.size()}) + "\"}"}};
  return file;
}

/// One key of the metadata changed, and the hash over it made right.
TensorFile forged(const std::string& key, const std::string& value) {
  TensorFile file = checkpoint_file();
  file.metadata[key] = value;
  file.metadata["xxh64"] = digest_of(file);
  return file;
}

std::string refusal(const std::string& key, const std::string& value) {
  return error_message([&] { checkpoint_of(forged(key, value), "FILE"); });
}

TEST_CASE("forged checkpoint: metadata whose hash is right") {
  const Checkpoint good = checkpoint_of(forged("device", "simt"), "FILE");
  CHECK(good.device == "simt");
  CHECK(good.timestep == 7);
  REQUIRE(good.history.size() == 1);
  CHECK(good.history[0].config == "gamma = 0.5");
  CHECK(good.history[0].until == 3);
  CHECK(good.logs == std::map<std::string, std::int64_t>{{"monitor.csv", 12}});

  struct Bad {
    const char* key;
    const char* value;
    const char* expected;
  };
  const std::string hash = checkpoint_file().metadata["hashes"].substr(6, 16);
  const std::string twice = "{\"a\":\"" + hash + "\",\"a\":\"" + hash + "\"}";
  const std::string another = "{\"a\":\"" + hash + "\",\"b\":\"" + hash + "\"}";
  const Bad kBad[] = {
      {"format", "bellman checkpoint 1", "is a checkpoint of an earlier version of this program"},
      {"format", "bellman checkpoint 2", "is a checkpoint of an earlier version of this program"},
      {"format", "bellman checkpoint 4", "is no checkpoint of this program"},
      {"timestep", "-1", "timestep is \"-1\", must be a whole number"},
      {"timestep", "9223372036854775808", "must be a whole number"},
      {"logs", "[]", "\"logs\" is not an object"},
      {"logs", "{\"a\":-1}", "\"logs\" has -1 for \"a\""},
      {"logs", "{\"a\":1.5}", "\"logs\" has 1.5 for \"a\""},
      {"logs", "{\"a\":9223372036854775808}", "\"logs\" has 9223372036854775808 for \"a\""},
      {"logs", "{\"../a\":1}", "\"logs\" has 1 for \"../a\""},
      {"logs", "{\"a\":1,\"a\":1}", "\"logs\" has \"a\" twice"},
      {"logs", "{\"a\":{}}", "\"logs\" holds an array or an object for \"a\""},
      {"history", "{}", "\"history\" is not an array of objects"},
      {"history", "[7]", "\"history\" is not an array of objects"},
      {"history", "[{}]", "\"history\" has an empty entry"},
      {"history", "[{},{\"config\":\"\",\"until\":3}]", "\"history\" has an empty entry"},
      {"history", "[{\"config\":\"\"}]",
       "\"history\": entry 1 needs a config, and a step until which it applied, from 0 on"},
      {"history", "[{\"until\":3}]", "\"history\": entry 1 needs"},
      {"history", "[{\"config\":\"\",\"until\":-1}]", "\"history\": entry 1 needs"},
      {"history", "[{\"config\":\"\",\"until\":3},{\"config\":\"\",\"until\":2}]", "entry 2 needs"},
      {"history", "[{\"config\":\"\",\"until\":\"3\"}]", "\"history\": entry 1 has \"3\" for \"until\""},
      {"history", "[{\"config\":\"\",\"until\":1,\"until\":2}]", "\"history\": entry 1 has 2 for \"until\""},
      {"history", "[{\"config\":\"\",\"while\":1}]", "\"history\": entry 1 has 1 for \"while\""},
      {"history", "[{\"config\":\"\",\"until\":1,\"run\":\"\"}]",
       "\"history\": entry 1 has \"\" for \"run\""},
      {"history", "[{\"config\":\"\",\"run\":\"a\",\"run\":\"b\"}]", "entry 1 has \"b\" for \"run\""},
      {"hashes", "[]", "\"hashes\" is not an object"},
      {"hashes", "{}", "\"hashes\" lacks a"},
      {"hashes", "{\"a\":7}", "the hash of a does not match"},
      {"hashes", "{\"a\":\"0000000000000000\"}", "the hash of a does not match"},
      {"hashes", twice.c_str(), "\"hashes\" has \"a\" twice"},
      {"hashes", another.c_str(), "\"hashes\" has \"b\", which is no tensor"},
  };
  for (const Bad& bad : kBad) {
    const std::string message = refusal(bad.key, bad.value);
    CHECK_MESSAGE(message.starts_with("FILE: "), message);
    CHECK_MESSAGE(message.find(bad.expected) != std::string::npos, message);
  }
}

/// A million arrays, each in the one before: JSON without fault, which a tree of it holds and a recursion
/// does not survive.
std::string deep_array() {
  constexpr std::size_t kDepth = 1'000'000;
  return std::string(kDepth, '[') + std::string(kDepth, ']');
}

/// What may be in every JSON text of metadata: deep, wide, long, or the terminal's own commands.
const std::string kHostile[] = {deep_array(),
                                "{\"id\":" + deep_array() + "}",
                                "[{\"config\":" + deep_array() + "}]",
                                repeated("["),
                                repeated("{\"a\":"),
                                repeated("[{\"a\":"),
                                repeated("{\"a\":[", 100),
                                "\"\x1b[2J\xc2\x9b",
                                "[\"\\u001b[2J\"]",
                                "{\"\\u001b[2J\":-1}",
                                "[{\"\\u009b2J\":\"\\u001b[2J\"}]"};

void check_harmless(const std::string& message, const std::string& key) {
  CHECK_MESSAGE(message.starts_with("FILE: "), message);
  CHECK_MESSAGE(message.find(key) != std::string::npos, message);
  CHECK(message.size() < 250);
  for (const char c : message) CHECK_MESSAGE((c >= ' ' && c <= '~'), message);
}

TEST_CASE("hostile metadata: deep, long, and with commands to the terminal") {
  for (const std::string& text : kHostile) {
    for (const char* key : {"logs", "history", "hashes", "timestep"}) check_harmless(refusal(key, text), key);
    for (const char* key : {"input_shape", "env", "observation_mean", "seed", "format"}) {
      Model model;
      model.network = "dense 2";
      model.input_shape = {2};
      TensorFile file = file_of(model);
      file.metadata[key] = std::string(key) == "format" ? "bellman" + text : text;
      check_harmless(error_message([&] { model_of(std::move(file), "FILE"); }), key);
    }
  }
}

TEST_CASE("hostile metadata: memory stays within 16 times the file's size") {
  if (!kMemoryIsMeasured) {
    MESSAGE("SKIPPED: a sanitizer's memory is counted, too");
    return;
  }
  const auto check = [](const std::string& key, const std::string& text, const auto& read) {
    const double times = static_cast<double>(memory_taken(read)) / static_cast<double>(text.size());
    CAPTURE(key);
    CAPTURE(text.substr(0, 20));
    CAPTURE(times);
    CHECK(times > 0);
    CHECK(times < 16);
  };
  const std::string entry = "{\"config\":\"\",\"until\":1}";
  const std::string numbers = "[1" + repeated(",1") + "]";
  const std::string entries = "[" + entry + repeated("," + entry) + "]";
  const std::string empty_entries = "[{}" + repeated(",{}") + "]";
  const std::string long_text = "[\"" + repeated("x") + "\"]";
  for (const std::string& text :
       {numbers, entries, empty_entries, long_text, object_of("1"), object_of("\"\""), deep_array()}) {
    for (const char* key : {"logs", "history", "hashes"})
      check(key, text, [&] { checkpoint_of(forged(key, text), "FILE"); });
    for (const char* key : {"input_shape", "env", "observation_mean"}) {
      Model model;
      model.network = "dense 2";
      model.input_shape = {Index{1} << 20, 1 << 10};
      TensorFile file = file_of(model);
      file.metadata[key] = text;
      check(key, text, [&] { model_of(std::move(file), "FILE"); });
    }
  }
}

}  // namespace
}  // namespace bellman::test
