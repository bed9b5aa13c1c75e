// Texts that a user names: configurations, maps, observations. They may come from any editor, or be no text
// at all, so they are checked while they are read, piece by piece.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <streambuf>
#include <string>
#include <string_view>

#include "core/io/file_descriptor.h"

namespace bellman {

/// A stream of a text's bytes, without the byte-order mark (EF BB BF) that some editors put at its start.
/// Reading from it throws: Error that names the file, for
///   - what is UTF-16 or UTF-32 by its byte-order mark;
///   - a NUL byte, which no text has and every unending device has soon;
///   - more than `max_bytes` bytes;
///   - a pipe at whose other end nobody writes.
class TextReader final : public std::streambuf {
 public:
  TextReader(FileDescriptor file, std::uint64_t max_bytes);

 protected:
  int_type underflow() override;

 private:
  static constexpr std::size_t kChunk = std::size_t{1} << 16;

  FileDescriptor file_;
  std::uint64_t max_bytes_, bytes_ = 0;
  std::string chunk_;
  bool at_end_ = false;
};

/// The whole text of a file. Throws: Error, as TextReader and open_for_reading do.
std::string read_text_file(const std::filesystem::path& path, std::uint64_t max_bytes);

/// Throws: Error "<what>: byte N is NUL ..." when there is one in `text`, which parsers may take for its end.
/// N counts from 1, and `before` bytes before the text.
void refuse_nul_byte(std::string_view what, std::string_view text, std::uint64_t before = 0);

/// Standard input, open for reading.
FileDescriptor standard_input();

}  // namespace bellman
