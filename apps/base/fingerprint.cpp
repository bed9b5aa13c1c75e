#include "apps/base/fingerprint.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include <link.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/base/check.h"
#include "core/base/text.h"

namespace bellman {
namespace {

std::string digits_of(XXH64_hash_t hash) {
  return formatted("%016llx", static_cast<unsigned long long>(hash));
}

/// The build ID among `notes` (an ELF segment: elf(5)); `otherwise` when there is none.
std::string_view build_id_among(std::string_view notes, std::string_view otherwise) {
  const auto padded = [](std::size_t size) { return (size + 3) / 4 * 4; };
  while (notes.size() >= sizeof(ElfW(Nhdr))) {
    ElfW(Nhdr) note;
    std::memcpy(&note, notes.data(), sizeof note);
    const std::size_t begin = sizeof note + padded(note.n_namesz);
    if (note.n_type == NT_GNU_BUILD_ID && notes.substr(sizeof note, 4) == std::string_view("GNU\0", 4))
      return notes.substr(begin, note.n_descsz);
    notes.remove_prefix(std::min(notes.size(), begin + padded(note.n_descsz)));
  }
  return otherwise;
}

}  // namespace

std::string xxh64(std::string_view bytes) { return digits_of(XXH64(bytes.data(), bytes.size(), 0)); }

struct Xxh64::State {
  XXH64_state_t hash{};
};

Xxh64::Xxh64() : state_(std::make_unique<State>()) { reset(); }
Xxh64::~Xxh64() = default;
void Xxh64::reset() { XXH64_reset(&state_->hash, 0); }
void Xxh64::add(std::span<const std::byte> bytes) { XXH64_update(&state_->hash, bytes.data(), bytes.size()); }
std::string Xxh64::digits() const { return digits_of(XXH64_digest(&state_->hash)); }

std::string build_id() {
  std::string_view id;
  // The first object of the list is the program itself.
  dl_iterate_phdr(
      [](dl_phdr_info* program, std::size_t, void* found) {
        for (const ElfW(Phdr) & segment : std::span(program->dlpi_phdr, program->dlpi_phnum))
          if (segment.p_type == PT_NOTE)
            *static_cast<std::string_view*>(found) = build_id_among(
                {reinterpret_cast<const char*>(program->dlpi_addr + segment.p_vaddr), segment.p_memsz},
                *static_cast<std::string_view*>(found));
        return 1;
      },
      &id);
  if (id.empty()) fail("the program was linked without --build-id: a checkpoint could not name its program");
  return xxh64(id);
}

}  // namespace bellman
