// The numbers written out in docs/backprop/ are computed again with the ops' definitions.
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "core/reference/reference_backend.h"
#include "tests/support/compare.h"
#include "tests/support/parse_json.h"

namespace bellman::test {
namespace {

// The pages write ten digits.
constexpr double kWrittenPrecision = 1e-10;

/// The named arrays of a page's ```worked blocks; those of a block with words behind "worked" are named
/// "<words>/<name>".
class WorkedNumbers {
 public:
  explicit WorkedNumbers(const std::string& page) {
    std::ifstream file(std::string(BELLMAN_DOCS) + "/backprop/" + page);
    REQUIRE_MESSAGE(file.good(), "docs/backprop/" << page << " cannot be read");
    std::string line, prefix;
    bool inside = false;
    while (std::getline(file, line)) {
      if (line.starts_with("```")) {
        inside = line.starts_with("```worked");
        prefix = line.size() > 10 && inside ? line.substr(10) + "/" : "";
      } else if (inside) {
        const std::size_t equals = line.find('=');
        REQUIRE(equals != std::string::npos);
        const std::string name = line.substr(0, line.find(' '));
        arrays_[prefix + name] = parse_json(line.substr(equals + 1));
      }
    }
  }

  std::vector<double> operator[](const std::string& name) const {
    const auto found = arrays_.find(name);
    REQUIRE_MESSAGE(found != arrays_.end(), "the page does not write out " << name);
    std::vector<double> numbers;
    append(numbers, found->second);
    return numbers;
  }

 private:
  static void append(std::vector<double>& numbers, const nlohmann::json& value) {
    if (!value.is_array()) return numbers.push_back(value.get<double>());
    for (const nlohmann::json& element : value) append(numbers, element);
  }

  std::map<std::string, nlohmann::json> arrays_;
};

using In = TensorView<const double>;

In view(const std::vector<double>& numbers, const Shape& shape) { return In(numbers.data(), shape); }
TensorView<double> view(std::vector<double>& numbers, const Shape& shape) { return {numbers.data(), shape}; }

void check_page(const WorkedNumbers& page, const std::string& name, const std::vector<double>& computed) {
  CAPTURE(name);
  const std::vector<double> written = page[name];
  check_close<double, double>(written, computed, kWrittenPrecision);
}

TEST_CASE("worked numbers: dense and ReLU") {
  const WorkedNumbers page("dense.md");
  ReferenceBackend<double> backend;
  const auto x = page["x"], w = page["w"], b = page["b"], dr = page["dr"];
  std::vector<double> y(4), r(4), dy(4), dw(6), db(2), dx(6);
  backend.dense_forward(view(y, {2, 2}), view(x, {2, 3}), view(w, {2, 3}), view(b, {2}));
  backend.activation_forward(view(r, {2, 2}), In(y.data(), {2, 2}), Activation::kRelu);
  backend.activation_backward(view(dy, {2, 2}), view(dr, {2, 2}), In(r.data(), {2, 2}), Activation::kRelu);
  backend.dense_backward(view(dx, {2, 3}), view(dw, {2, 3}), view(db, {2}), In(dy.data(), {2, 2}),
                         view(x, {2, 3}), view(w, {2, 3}));
  check_page(page, "y", y);
  check_page(page, "r", r);
  check_page(page, "dy", dy);
  check_page(page, "dw", dw);
  check_page(page, "db", db);
  check_page(page, "dx", dx);
}

void check_convolution(const WorkedNumbers& page, const std::string& prefix, const Window& window) {
  ReferenceBackend<double> backend;
  const Shape image{1, 1, 3, 3}, kernel{1, 1, 2, 2}, output{1, 1, 2, 2};
  const auto x = page["x"], w = page["w"], b = page["b"], dy = page["dy"];
  std::vector<double> y(4), dw(4), db(1), dx(9);
  std::vector<double> scratch(static_cast<std::size_t>(backend.conv2d_scratch(image, kernel, window)) + 1);
  const TensorView<double> scratch_view = view(scratch, {static_cast<Index>(scratch.size())});
  backend.conv2d_forward(view(y, output), view(x, image), view(w, kernel), view(b, {1}), window,
                         scratch_view);
  backend.conv2d_backward(view(dx, image), view(dw, kernel), view(db, {1}), view(dy, output), view(x, image),
                          view(w, kernel), window, scratch_view);
  check_page(page, prefix + "y", y);
  check_page(page, prefix + "dw", dw);
  check_page(page, prefix + "dx", dx);
  check_page(page, "db", db);
}

TEST_CASE("worked numbers: convolution") {
  const WorkedNumbers page("convolution.md");
  check_convolution(page, "", Window{.kernel_h = 2, .kernel_w = 2});
  check_convolution(
      page, "stride=2 padding=1/",
      Window{.kernel_h = 2, .kernel_w = 2, .stride_h = 2, .stride_w = 2, .padding_h = 1, .padding_w = 1});
}

TEST_CASE("worked numbers: dueling") {
  const WorkedNumbers page("dueling.md");
  ReferenceBackend<double> backend;
  const auto v = page["v"], a = page["a"], dq = page["dq"];
  std::vector<double> q(6), dv(2), da(6);
  backend.dueling_forward(view(q, {2, 3}), view(v, {2, 1}), view(a, {2, 3}));
  backend.dueling_backward(view(dv, {2, 1}), view(da, {2, 3}), view(dq, {2, 3}));
  check_page(page, "q", q);
  check_page(page, "dv", dv);
  check_page(page, "da", da);
}

TEST_CASE("worked numbers: Adam") {
  const WorkedNumbers page("adam.md");
  ReferenceBackend<double> backend;
  std::vector<double> p = page["p0"], m(2), v(2);
  for (Index t = 1; t <= 3; ++t) {
    const std::string step = std::to_string(t);
    const auto g = page["g" + step];
    backend.adam_step(view(p, {2}), view(m, {2}), view(v, {2}), view(g, {2}), 0.1, t, AdamOptions{});
    check_page(page, "m" + step, m);
    check_page(page, "v" + step, v);
    check_page(page, "p" + step, p);
  }
}

}  // namespace
}  // namespace bellman::test
