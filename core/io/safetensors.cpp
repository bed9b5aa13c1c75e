#include "core/io/safetensors.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <iterator>
#include <unordered_set>
#include <utility>

#include "core/base/check.h"
#include "core/base/memory.h"
#include "core/base/text.h"
#include "core/io/files.h"
#include "core/io/safetensors_header.h"

namespace bellman {
namespace {

static_assert(std::endian::native == std::endian::little,
              "numbers are read and written as they lie in memory");

constexpr std::size_t kLengthBytes = 8;

template <class... Parts>
[[noreturn]] void refuse(const std::filesystem::path& path, const Parts&... parts) {
  fail(path.string(), ": ", parts...);
}

/// A file's bytes in memory, with FileDescriptor's interface.
class Bytes {
 public:
  Bytes(std::span<const std::byte> bytes, const std::filesystem::path& source)
      : rest_(bytes), source_(source) {}

  const std::filesystem::path& path() const { return source_; }
  std::uint64_t regular_size() const { return rest_.size(); }
  std::size_t read(std::span<std::byte> to) {
    const std::size_t count = std::min(to.size(), rest_.size());
    if (count > 0) std::memcpy(to.data(), rest_.data(), count);
    rest_ = rest_.subspan(count);
    return count;
  }

 private:
  std::span<const std::byte> rest_;
  const std::filesystem::path& source_;
};

template <class File>
std::vector<std::byte> read_bytes(File& file, std::uint64_t count) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(count));
  if (file.read(bytes) != bytes.size()) refuse(file.path(), "it became shorter while it was read");
  return bytes;
}

/// Reads the header; the file is then at the start of the data.
template <class File>
SafetensorsHeader read_header(File& file) {
  const std::uint64_t size = file.regular_size();
  if (size < kLengthBytes) refuse(file.path(), "it has ", size, " bytes, too few for a safetensors file");
  const std::vector<std::byte> length_bytes = read_bytes(file, kLengthBytes);
  std::uint64_t length = 0;
  std::memcpy(&length, length_bytes.data(), kLengthBytes);
  if (length > kMaxSafetensorsHeader)
    refuse(file.path(), "it is no safetensors file: its header would have ", length, " bytes, at most ",
           kMaxSafetensorsHeader, " are allowed");
  if (length > size - kLengthBytes)
    refuse(file.path(), "its header should have ", length, " bytes but ", size - kLengthBytes, " are there");
  const std::vector<std::byte> json = read_bytes(file, length);
  try {
    return parse_safetensors_header({reinterpret_cast<const char*>(json.data()), json.size()},
                                    size - kLengthBytes - length);
  } catch (const Error& error) {
    refuse(file.path(), error.what());
  }
}

template <class File>
TensorFile read_from(File& file) {
  SafetensorsHeader header = read_header(file);
  TensorFile result;
  result.metadata = std::move(header.metadata);
  result.tensors.reserve(header.entries.size());
  for (SafetensorsHeader::Entry& entry : header.entries)
    result.tensors.push_back({std::move(entry.name), entry.dtype, std::move(entry.shape),
                              read_bytes(file, entry.end - entry.begin), std::move(entry.other_dtype)});
  return result;
}

/// The header of tensors in the file's order.
SafetensorsHeader header_of(const std::map<std::string, std::string>& metadata,
                            const std::vector<TensorHead>& heads) {
  SafetensorsHeader header;
  header.metadata = metadata;
  std::unordered_set<std::string_view> names = {"__metadata__"};
  std::uint64_t end = 0;
  for (const TensorHead& head : heads) {
    if (!names.insert(head.name).second) fail("two tensors are named \"", printable(head.name), "\"");
    const std::uint64_t bytes = tensor_bytes(head.name, head.dtype, head.shape);
    header.entries.push_back({head.name, head.dtype, head.shape, end, end + bytes});
    end += bytes;
  }
  return header;
}

/// Throws: Error when the tensor cannot be written.
TensorHead head_of(const FileTensor& tensor) {
  const std::string& name = tensor.name;
  if (tensor.dtype == DType::kOther)
    fail("tensor \"", printable(name), "\" is of the type ", printable(tensor.other_dtype),
         ", which this program cannot write");
  const std::uint64_t bytes = tensor_bytes(name, tensor.dtype, tensor.shape);
  if (bytes != tensor.bytes.size())
    fail("tensor \"", printable(name), "\" has ", tensor.bytes.size(), " bytes but ",
         dtype_name(tensor.dtype), " of shape ", shape_text(tensor.shape), " takes ", bytes);
  return {name, tensor.dtype, tensor.shape};
}

}  // namespace

std::uint64_t FileTensor::elements() const {
  std::uint64_t product = 1;
  for (const std::uint64_t extent : shape) product *= extent;
  return product;
}

std::span<const float> FileTensor::f32() const {
  if (dtype != DType::kF32) fail("tensor \"", printable(name), "\" holds ", dtype_text(), ", not F32");
  return {reinterpret_cast<const float*>(bytes.data()), bytes.size() / sizeof(float)};
}

const FileTensor* TensorFile::find(std::string_view name) const {
  for (const FileTensor& tensor : tensors)
    if (tensor.name == name) return &tensor;
  return nullptr;
}

void TensorFile::add(const std::string& name, const Shape& shape, std::span<const float> values) {
  FileTensor tensor;
  tensor.name = name;
  Index elements = 1;
  for (int i = 0; i < shape.rank(); ++i) {
    tensor.shape.push_back(static_cast<std::uint64_t>(shape[i]));
    elements *= shape[i];
  }
  if (static_cast<std::size_t>(elements) != values.size())
    fail("tensor \"", printable(name), "\" of shape ", shape, " cannot hold ", values.size(), " values");
  const std::span<const std::byte> bytes = std::as_bytes(values);
  tensor.bytes.assign(bytes.begin(), bytes.end());
  tensors.push_back(std::move(tensor));
}

TensorFile read_safetensors(const std::filesystem::path& path) {
  constexpr std::uint64_t kLarge = std::uint64_t{1} << 26;  // from here on, available memory is checked first
  FileDescriptor file = open_for_reading(path);
  if (const std::uint64_t size = file.regular_size(); size >= kLarge)
    check_memory(static_cast<Index>(size), path.string());
  return read_from(file);
}

SafetensorsHead read_safetensors_head(const std::filesystem::path& path) {
  FileDescriptor file = open_for_reading(path);
  SafetensorsHeader header = read_header(file);
  SafetensorsHead head = {std::move(header.metadata), {}};
  for (SafetensorsHeader::Entry& entry : header.entries)
    head.tensors.push_back({std::move(entry.name), entry.dtype, std::move(entry.shape)});
  return head;
}

TensorFile parse_safetensors(std::span<const std::byte> bytes, const std::filesystem::path& source) {
  Bytes file(bytes, source);
  return read_from(file);
}

namespace {

/// Hands the bytes of a file to `write`, which `begin` makes after everything that can be refused beforehand.
void write_content(const std::filesystem::path& path, const std::map<std::string, std::string>& metadata,
                   const std::vector<TensorHead>& heads, const WriteTensors& data,
                   const std::function<void(const std::function<void(const WriteBytes&)>&)>& begin) {
  std::vector<TensorHead> sorted = heads;
  std::stable_sort(sorted.begin(), sorted.end(), [](const TensorHead& a, const TensorHead& b) {
    return dtype_size(a.dtype) > dtype_size(b.dtype);
  });
  SafetensorsHeader header;
  std::string text;
  try {
    header = header_of(metadata, sorted);
    text = safetensors_header_text(header);
    if (text.size() > kMaxSafetensorsHeader)
      fail("its header would have ", text.size(), " bytes, at most ", kMaxSafetensorsHeader, " are allowed");
  } catch (const Error& error) {
    refuse(path, "cannot be written: ", error.what());
  }
  begin([&](const WriteBytes& write) {
    const std::array<std::uint64_t, 1> length = {text.size()};
    write(std::as_bytes(std::span(length)));
    write(std::as_bytes(std::span(text)));
    std::uint64_t written = 0;
    for (auto entry = header.entries.begin(); entry != header.entries.end();) {
      const std::size_t size = dtype_size(entry->dtype);
      while (entry != header.entries.end() && dtype_size(entry->dtype) == size) ++entry;
      data(size, [&](std::span<const std::byte> bytes) {
        write(bytes);
        written += bytes.size();
      });
      if (written != std::prev(entry)->end)
        refuse(path, "cannot be written: its tensors have ", written, " bytes where their shapes take ",
               std::prev(entry)->end);
    }
  });
}

std::vector<TensorHead> heads_of(const std::filesystem::path& path, const TensorFile& file) {
  std::vector<TensorHead> heads;
  try {
    for (const FileTensor& tensor : file.tensors) heads.push_back(head_of(tensor));
  } catch (const Error& error) {
    refuse(path, "cannot be written: ", error.what());
  }
  return heads;
}

WriteTensors data_of(const TensorFile& file) {
  return [&file](std::size_t element_size, const WriteBytes& write) {
    for (const FileTensor& tensor : file.tensors)
      if (dtype_size(tensor.dtype) == element_size) write(tensor.bytes);
  };
}

}  // namespace

void write_safetensors(const std::filesystem::path& path, const TensorFile& file) {
  write_safetensors(path, file.metadata, heads_of(path, file), data_of(file));
}

void write_safetensors(const std::filesystem::path& path, const std::map<std::string, std::string>& metadata,
                       const std::vector<TensorHead>& heads, const WriteTensors& data) {
  write_content(path, metadata, heads, data, [&](const std::function<void(const WriteBytes&)>& content) {
    write_file_atomically(path, content);
  });
}

std::vector<std::byte> safetensors_bytes(const TensorFile& file, const std::filesystem::path& name) {
  std::vector<std::byte> all;
  write_content(
      name, file.metadata, heads_of(name, file), data_of(file),
      [&](const std::function<void(const WriteBytes&)>& content) {
        content([&](std::span<const std::byte> bytes) { all.insert(all.end(), bytes.begin(), bytes.end()); });
      });
  return all;
}

}  // namespace bellman
