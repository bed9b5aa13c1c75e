#include "envs/process/env_worker.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstring>
#include <iterator>
#include <limits>
#include <new>
#include <system_error>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/text.h"
#include "envs/process/atari_options.h"
#include "envs/process/worker_source.h"

extern char** environ;

namespace bellman {
namespace {

static_assert(sizeof(EnvWorker::Record) == 24);
constexpr std::size_t kHead = 64;  // bytes of a record before its observation

// Their numbers in the child.
constexpr int kSocketThere = 3, kMemoryThere = 4, kSourceThere = 5;

std::string system_reason(int error) { return std::generic_category().message(error); }

/// A file in memory. Throws: Error.
int memory_file(const std::string& id, const char* name) {
  const int file = memfd_create(name, MFD_CLOEXEC);
  if (file < 0) fail(id, ": no memory to share with a process: ", system_reason(errno));
  return file;
}

/// The text split at `separator`; of an empty text nothing.
std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= text.size() && !text.empty();) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

template <class T>
T number_of(const std::string& text) {
  T value{};
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || stop != text.data() + text.size())
    fail("a worker's answer has \"", printable(text), "\" where a number belongs");
  return value;
}

/// "step_each 3 5\n".
std::string request_of(const char* command, std::span<const Index> which) {
  std::string request = command;
  for (const Index e : which) request.append(1, ' ').append(std::to_string(e));
  return request.append(1, '\n');
}

/// Closed when it goes.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return number_; }

 private:
  int number_;
};

/// posix_spawn's descriptions of a child.
struct SpawnPlan {
  SpawnPlan() {
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
  }
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
};

}  // namespace

EnvWorker::EnvWorker(const EnvOptions& options, const EnvDescription* first) : options_(options) {
  try {
    start(first);
    const std::string fields = answer();
    if (first)
      description_ = *first;
    else
      describe(fields);
    stride_ =
        (kHead + sizeof(float) * static_cast<std::size_t>(description_.spec.observation_shape.elements()) +
         63) /
        64 * 64;
  } catch (...) {
    end();
    throw;
  }
}

EnvWorker::~EnvWorker() { end(); }

/// In a process group of its own: Ctrl-C at the terminal is for the command, which then ends its workers.
void EnvWorker::start(const EnvDescription* first) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    fail(options_.id, ": no socket to a process: ", system_reason(errno));
  process_.socket = ends[0];
  const Descriptor theirs(ends[1]);
  const timeval patience = {static_cast<time_t>(options_.env_timeout), 0};
  setsockopt(process_.socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  process_.memory = memory_file(options_.id, "bellman-records");
  const Descriptor source(memory_file(options_.id, "bellman-worker"));
  for (const std::string_view text : {kAtariSource, kWorkerSource})  // the worker begins in the last line
    if (::write(source.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
      fail(options_.id, ": no memory to share with a process: ", system_reason(errno));

  SpawnPlan plan;
  // Above the numbers that they get: none is overwritten before it was copied.
  const std::array<std::pair<int, int>, 3> handed = {
      {{theirs.get(), kSocketThere}, {process_.memory, kMemoryThere}, {source.get(), kSourceThere}}};
  constexpr int kApart = 100;
  for (const auto& [here, there] : handed)
    posix_spawn_file_actions_adddup2(&plan.files, here, there + kApart);
  for (const auto& [here, there] : handed)
    posix_spawn_file_actions_adddup2(&plan.files, there + kApart, there);
  for (const auto& [here, there] : handed) posix_spawn_file_actions_addclose(&plan.files, there + kApart);
  posix_spawnattr_setflags(&plan.attributes,
                           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  sigset_t none, usual;
  sigemptyset(&none);
  sigemptyset(&usual);
  sigaddset(&usual, SIGPIPE);
  sigaddset(&usual, SIGXFSZ);
  posix_spawnattr_setsigmask(&plan.attributes, &none);
  posix_spawnattr_setsigdefault(&plan.attributes, &usual);

  std::array<std::string, 10> arguments = {
      options_.python,
      "-c",
      "import os; os.lseek(5, 0, 0); exec(compile(os.fdopen(5, encoding='utf-8').read(), 'env_worker.py', "
      "'exec'))",
      std::to_string(kSocketThere),
      std::to_string(kMemoryThere),
      options_.id,
      options_.env_kwargs,
      std::to_string(options_.max_episode_steps),
      first ? first->way_to_save.empty() ? "none" : first->way_to_save : "first",
      atari_arguments(options_)};
  std::array<char*, 11> pointers{};
  std::transform(arguments.begin(), arguments.end(), pointers.begin(),
                 [](std::string& text) { return text.data(); });
  const int error = posix_spawnp(&process_.pid, options_.python.c_str(), &plan.files, &plan.attributes,
                                 pointers.data(), environ);
  if (error == 0) return;
  process_.pid = -1;
  fail(options_.id, ": cannot start ", printable(options_.python), ": ", system_reason(error),
       " (--python names a Python)");
}

void EnvWorker::describe(const std::string& fields) {
  const std::vector<std::string> parts = split(fields, '\t');
  if (parts.size() != 7)
    fail(options_.id, ": the worker's description has ", parts.size(), " fields, must be 7");
  EnvSpec& spec = description_.spec;
  spec.id = options_.id;
  for (const std::string& extent : split(parts[0], ','))
    spec.observation_shape.append(number_of<Index>(extent));
  spec.num_actions = number_of<int>(parts[1]);
  spec.max_episode_steps = options_.limit_or(number_of<Index>(parts[2]));
  spec.reward_threshold =
      parts[3] == "nan" ? std::numeric_limits<double>::quiet_NaN() : number_of<double>(parts[3]);
  description_.observation_type = parts[4];
  description_.way_to_save = parts[5];
  spec.byte_observations = parts[4] == "uint8";
  constexpr std::string_view kExact[] = {"one_hot", "float32", "float16", "uint8",
                                         "int8",    "uint16",  "int16",   "bool"};
  spec.narrows_observations = std::ranges::find(kExact, parts[4]) == std::end(kExact);
  spec.saves_episodes = !parts[5].empty();
  spec.action_names = split(parts[6], ',');
  if (static_cast<int>(spec.action_names.size()) == spec.num_actions) return;
  spec.action_names.clear();
  for (int a = 0; a < spec.num_actions; ++a) spec.action_names.push_back(std::to_string(a));
}

Index EnvWorker::add(Index copies) {
  const Index first = copies_, all = copies_ + copies;
  const std::size_t before = stride_ * static_cast<std::size_t>(copies_),
                    after = stride_ * static_cast<std::size_t>(all);
  if (ftruncate(process_.memory, static_cast<off_t>(after)) != 0)
    fail(options_.id, ": no memory for ", all, " copies: ", system_reason(errno));
  if (records_) munmap(records_, before);
  void* const mapped = mmap(nullptr, after, PROT_READ | PROT_WRITE, MAP_SHARED, process_.memory, 0);
  records_ = mapped == MAP_FAILED ? nullptr : static_cast<std::byte*>(mapped);
  copies_ = records_ ? all : 0;
  if (!records_) fail(options_.id, ": no memory for ", all, " copies: ", system_reason(errno));
  send("grow " + std::to_string(all) + "\n");
  answer();
  return first;
}

EnvWorker::Record& EnvWorker::record(Index e) {
  return *std::launder(reinterpret_cast<Record*>(records_ + stride_ * static_cast<std::size_t>(e)));
}

std::span<const float> EnvWorker::observation(Index e) const {
  const std::byte* const at = records_ + stride_ * static_cast<std::size_t>(e) + kHead;
  return {reinterpret_cast<const float*>(at),
          static_cast<std::size_t>(description_.spec.observation_shape.elements())};
}

void EnvWorker::ask_step(Index first, Index end) {
  send("step " + std::to_string(first) + " " + std::to_string(end) + "\n");
}

void EnvWorker::ask_step(std::span<const Index> which) { send(request_of("step_each", which)); }

void EnvWorker::wait() { answer(); }

void EnvWorker::ask_reset(std::span<const Index> which) { send(request_of("reset", which)); }

std::vector<std::byte> EnvWorker::save(Index e) { return ask_bytes("save", e); }
std::vector<std::byte> EnvWorker::frame(Index e) { return ask_bytes("frame", e); }

std::vector<std::byte> EnvWorker::ask_bytes(const char* command, Index e) {
  send(request_of(command, {&e, 1}));
  const auto size = number_of<std::size_t>(answer());
  while (received_.size() < size) receive_more();
  std::vector<std::byte> bytes(size);
  std::memcpy(bytes.data(), received_.data(), size);
  received_.erase(0, size);
  return bytes;
}

void EnvWorker::load(Index e, std::span<const std::byte> state) {
  send("load " + std::to_string(e) + " " + std::to_string(state.size()) + "\n");
  send({reinterpret_cast<const char*>(state.data()), state.size()});
  answer();
}

// ---- the connection

void EnvWorker::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(process_.socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail_with_end();
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

void EnvWorker::receive_more() {
  std::array<char, 1 << 16> piece;
  for (;;) {
    const ssize_t n = reader_.read(process_.socket, piece);
    if (n > 0) {
      received_.append(piece.data(), static_cast<std::size_t>(n));
      return;
    }
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
      fail(options_.id, ": no answer for ", options_.env_timeout,
           " s from the process that plays it (--env-timeout)");
    fail_with_end();
  }
}

std::string EnvWorker::line() {
  while (received_.find('\n') == std::string::npos) receive_more();
  const std::size_t end = received_.find('\n');
  std::string text = received_.substr(0, end);
  received_.erase(0, end + 1);
  return text;
}

/// What follows "ok". Throws: Error for "error".
std::string EnvWorker::answer() {
  std::string text = line();
  if (text == "ok") return "";
  if (text.starts_with("ok ")) return text.substr(3);
  ControlFilter filter;
  std::string reason;
  for (const char c : text.starts_with("error ") ? text.substr(6) : text) reason.push_back(filter.next(c));
  fail(options_.id, ": ", reason);
}

/// The socket was closed: the process has ended, or will in a moment.
void EnvWorker::fail_with_end() {
  int status = 0;
  pid_t ended = 0;
  for (int tries = 0; tries < 100 && (ended = waitpid(process_.pid, &status, WNOHANG)) == 0; ++tries)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  if (ended != process_.pid) fail(options_.id, ": the process that plays it answers no more");
  process_.pid = -1;
  if (WIFSIGNALED(status))
    fail(options_.id, ": the process that plays it was ended by signal ", WTERMSIG(status), " (",
         strsignal(WTERMSIG(status)), ")");
  fail(options_.id, ": the process that plays it has ended with status ", WEXITSTATUS(status));
}

void EnvWorker::end() {
  if (process_.socket >= 0) ::close(process_.socket);
  if (process_.memory >= 0) ::close(process_.memory);
  if (records_) munmap(records_, stride_ * static_cast<std::size_t>(copies_));
  if (process_.pid <= 0) return;
  for (int tries = 0; tries < 100; ++tries) {
    if (waitpid(process_.pid, nullptr, WNOHANG) != 0) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  ::kill(process_.pid, SIGKILL);
  while (waitpid(process_.pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace bellman
