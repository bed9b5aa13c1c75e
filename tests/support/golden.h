// Golden values: another implementation computed them once. They are committed under tests/data/, and the
// scripts that made them under scripts/golden/.
//
// A file is JSON. Objects may nest; a tensor is {"shape": [3,4], "data": [...]} in row-major order; numbers
// and texts may stand beside tensors. Entries are found by path, keys joined by dots: "dense.x".
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/host_tensor.h"

namespace bellman::test {

class Golden {
 public:
  /// Reads tests/data/<name>.json. Throws: Error when it cannot be read or has another form.
  explicit Golden(std::string_view name);

  /// These throw Error for a missing path, naming file and path.
  const HostTensor<double>& operator[](const std::string& path) const;
  /// A tensor of whole numbers. Throws: Error, too, when one is not whole.
  HostTensor<std::int32_t> integers(const std::string& path) const;
  double number(const std::string& path) const;
  const std::string& text(const std::string& path) const;

  /// The keys directly under `path` ("" for the file itself), sorted: the cases of an op.
  std::vector<std::string> keys(const std::string& path) const;

 private:
  std::string file_;
  std::map<std::string, HostTensor<double>> tensors_;
  std::map<std::string, double> numbers_;
  std::map<std::string, std::string> texts_;
  std::map<std::string, std::vector<std::string>> keys_;
};

/// Every element agrees with the golden one within 1e-12 of its magnitude (of 0.1, where it is smaller).
inline void check_golden(const HostTensor<double>& actual, const HostTensor<double>& expected) {
  check_close(actual, expected, 1e-12, 0.1);
}

}  // namespace bellman::test
