// The numbers written out on a page of docs/backprop, and the check that they are right.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/base/tensor.h"

namespace bellman::test {

/// The named arrays of a page's ```worked blocks. Those of a block with words behind "worked" are named
/// "<words>/<name>".
class WorkedPage {
 public:
  /// How far a written number may be from the computed one, relative to max(|computed|, scale). A number with
  /// more decimals must also be correctly rounded.
  struct Precision {
    double relative, scale;
  };
  static constexpr Precision kTenDigits = {1e-10, 1};
  static constexpr Precision kFourDigits = {6e-4, 0};

  /// Reads docs/backprop/<file>.
  explicit WorkedPage(const std::string& file);

  /// The numbers of an array that the page gives, in row-major order.
  const std::vector<double>& operator[](const std::string& name);
  /// The same, for an array of one number.
  double number(const std::string& name);
  /// Compares an array with what was computed; differences are added to wrong().
  void check(const std::string& name, const std::vector<double>& computed, Precision precision = kTenDigits);

  /// A line for each number that differs from the computed one.
  const std::vector<std::string>& wrong() const { return wrong_; }
  /// Arrays that were neither used nor checked.
  std::vector<std::string> unread() const;

  struct Place {
    std::string name;
    std::size_t index;
  };
  /// Every number that was checked.
  std::vector<Place> checked() const;
  /// The page with a checked number changed by a little more than a difference that check() allows, and
  /// nothing read yet.
  WorkedPage with_changed(const Place& place) const;

 private:
  struct Array {
    std::vector<double> numbers;
    std::vector<double> units;  // of each number's last decimal
    bool read = false, checked = false;
    Precision precision = kTenDigits;
  };

  Array& find(const std::string& name);
  void parse_line(const std::string& prefix, const std::string& line);

  std::string file_;
  std::map<std::string, Array> arrays_;
  std::vector<std::string> wrong_;
};

/// `compute` takes what the page gives, computes the rest, and checks it. Fails for a wrong number, for an
/// array that `compute` does not read, and if `compute` finds nothing wrong with the page after any one of
/// the checked numbers was changed.
void check_worked_page(const std::string& file, const std::function<void(WorkedPage&)>& compute);

inline TensorView<const double> view(const std::vector<double>& numbers, const Shape& shape) {
  return {numbers.data(), shape};
}
inline TensorView<double> view(std::vector<double>& numbers, const Shape& shape) {
  return {numbers.data(), shape};
}

}  // namespace bellman::test
