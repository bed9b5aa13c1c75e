#include "core/io/text_file.h"

#include <algorithm>
#include <iterator>
#include <span>
#include <utility>

#include <unistd.h>

#include "core/base/check.h"

namespace bellman {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kUtf8Mark = "\xef\xbb\xbf"sv;

/// The encoding that a byte-order mark at the start of `text` names; null for UTF-8 and without a mark.
const char* foreign_encoding(std::string_view text) {
  if (text.starts_with("\xff\xfe\0\0"sv) || text.starts_with("\0\0\xfe\xff"sv)) return "UTF-32";
  if (text.starts_with("\xff\xfe"sv) || text.starts_with("\xfe\xff"sv)) return "UTF-16";
  return nullptr;
}

}  // namespace

TextReader::TextReader(FileDescriptor file, std::uint64_t max_bytes)
    : file_(std::move(file)), max_bytes_(max_bytes) {}

TextReader::int_type TextReader::underflow() {
  if (at_end_) return traits_type::eof();
  const bool first = bytes_ == 0;
  const std::string name = file_.path().string();
  chunk_.resize(kChunk);
  chunk_.resize(file_.read(std::as_writable_bytes(std::span(chunk_))));
  at_end_ = chunk_.size() < kChunk;
  if (first && chunk_.empty() && file_.is_pipe()) fail(name, ": is a pipe to which nobody writes");

  const char* encoding = first ? foreign_encoding(chunk_) : nullptr;
  if (encoding) fail(name, ": is ", encoding, " by its byte-order mark: save it as UTF-8");
  refuse_nul_byte(name, chunk_, bytes_);
  bytes_ += chunk_.size();
  if (bytes_ > max_bytes_) fail(name, ": is longer than ", max_bytes_, " bytes");

  const std::size_t mark = first && chunk_.starts_with(kUtf8Mark) ? kUtf8Mark.size() : 0;
  setg(chunk_.data(), chunk_.data() + mark, chunk_.data() + chunk_.size());
  return gptr() == egptr() ? traits_type::eof() : traits_type::to_int_type(*gptr());
}

std::string read_text_file(const std::filesystem::path& path, std::uint64_t max_bytes) {
  TextReader reader(open_for_reading(path), max_bytes);
  return {std::istreambuf_iterator<char>(&reader), {}};
}

void refuse_nul_byte(std::string_view what, std::string_view text, std::uint64_t before) {
  if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos)
    fail(what, ": byte ", before + nul + 1, " is NUL, which no text has");
}

FileDescriptor standard_input() { return {::dup(STDIN_FILENO), "standard input", "read"}; }

}  // namespace bellman
