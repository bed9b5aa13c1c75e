// Hashes that tell files and programs apart.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace bellman {

/// XXH64 with seed 0, as 16 hexadecimal digits.
std::string xxh64(std::string_view bytes);

/// The same hash of bytes that arrive piece by piece.
class Xxh64 {
 public:
  Xxh64();
  ~Xxh64();
  void reset();
  void add(std::span<const std::byte> bytes);
  std::string digits() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The hash of the linker's build ID (--build-id) of the running program, 16 hexadecimal digits: the same ID
/// means the same program, and so the same bits. Throws: Error when the program was linked without one.
std::string build_id();

}  // namespace bellman
