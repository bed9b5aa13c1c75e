#include "tests/docs/worked_page.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>

#include <doctest/doctest.h>

namespace bellman::test {
namespace {

double allowed(double computed, double unit, const WorkedPage::Precision& precision) {
  // Half a unit for rounding, a tenth for another processor's last bits.
  return std::min(0.6 * unit, precision.relative * std::max(std::abs(computed), precision.scale));
}

std::string joined(const std::vector<std::string>& lines) {
  std::string all;
  for (const std::string& line : lines) all += "\n  " + line;
  return all;
}

}  // namespace

WorkedPage::WorkedPage(const std::string& file) : file_(file) {
  std::ifstream page(std::string(BELLMAN_DOCS) + "/backprop/" + file);
  REQUIRE_MESSAGE(page.good(), "docs/backprop/" << file << " cannot be read");
  std::string line, prefix;
  bool inside = false;
  while (std::getline(page, line)) {
    if (line.starts_with("```")) {
      inside = line.starts_with("```worked");
      prefix = line.size() > 10 && inside ? line.substr(10) + "/" : "";
    } else if (inside) {
      parse_line(prefix, line);
    }
  }
}

void WorkedPage::parse_line(const std::string& prefix, const std::string& line) {
  const std::size_t equals = line.find('=');
  REQUIRE_MESSAGE(equals != std::string::npos, file_ << ": a line of a worked block has no =: " << line);
  const std::string name = prefix + line.substr(0, line.find(' '));
  REQUIRE_MESSAGE(!arrays_.contains(name), file_ << " writes " << name << " twice");
  Array& array = arrays_[name];
  std::string text = line.substr(equals + 1);
  for (char& c : text)
    if (c == '[' || c == ']' || c == ',') c = ' ';
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    std::size_t end = 0;
    array.numbers.push_back(std::stod(word, &end));
    REQUIRE_MESSAGE(end == word.size(), file_ << ": no number: " << word);
    const std::size_t point = word.find('.');
    const std::size_t decimals = point == std::string::npos ? 0 : word.size() - point - 1;
    array.units.push_back(std::pow(10.0, -static_cast<double>(decimals)));
  }
}

WorkedPage::Array& WorkedPage::find(const std::string& name) {
  const auto found = arrays_.find(name);
  REQUIRE_MESSAGE(found != arrays_.end(), file_ << " does not write out " << name);
  return found->second;
}

const std::vector<double>& WorkedPage::operator[](const std::string& name) {
  Array& array = find(name);
  array.read = true;
  return array.numbers;
}

double WorkedPage::number(const std::string& name) {
  const std::vector<double>& numbers = (*this)[name];
  REQUIRE_MESSAGE(numbers.size() == 1, file_ << ": " << name << " is not one number");
  return numbers[0];
}

void WorkedPage::check(const std::string& name, const std::vector<double>& computed, Precision precision) {
  Array& array = find(name);
  REQUIRE_MESSAGE(array.numbers.size() == computed.size(),
                  file_ << ": " << name << " has " << array.numbers.size() << " numbers, computed were "
                        << computed.size());
  array.checked = true;
  array.precision = precision;
  for (std::size_t i = 0; i < computed.size(); ++i) {
    if (std::abs(array.numbers[i] - computed[i]) <= allowed(computed[i], array.units[i], precision)) continue;
    std::ostringstream line;
    line.precision(12);
    line << name << "[" << i << "] is written as " << array.numbers[i] << ", computed: " << computed[i];
    wrong_.push_back(line.str());
  }
}

std::vector<std::string> WorkedPage::unread() const {
  std::vector<std::string> names;
  for (const auto& [name, array] : arrays_)
    if (!array.read && !array.checked) names.push_back(name);
  return names;
}

std::vector<WorkedPage::Place> WorkedPage::checked() const {
  std::vector<Place> places;
  for (const auto& [name, array] : arrays_)
    for (std::size_t i = 0; array.checked && i < array.numbers.size(); ++i) places.push_back({name, i});
  return places;
}

WorkedPage WorkedPage::with_changed(const Place& place) const {
  WorkedPage changed = *this;
  changed.wrong_.clear();
  for (auto& [name, array] : changed.arrays_) array.read = array.checked = false;
  Array& array = changed.arrays_.at(place.name);
  double& number = array.numbers[place.index];
  // The page's rounding may have been up to 1 the other way.
  number += 2.5 * allowed(number, array.units[place.index], array.precision);
  return changed;
}

void check_worked_page(const std::string& file, const std::function<void(WorkedPage&)>& compute) {
  CAPTURE(file);
  WorkedPage page(file);
  compute(page);
  CHECK_MESSAGE(page.wrong().empty(), "wrong numbers:" << joined(page.wrong()));
  CHECK_MESSAGE(page.unread().empty(), "numbers that nothing checks:" << joined(page.unread()));
  CHECK(!page.checked().empty());
  for (const WorkedPage::Place& place : page.checked()) {
    WorkedPage changed = page.with_changed(place);
    compute(changed);
    CHECK_MESSAGE(!changed.wrong().empty(), place.name << "[" << place.index << "] may be another number");
  }
}

}  // namespace bellman::test
