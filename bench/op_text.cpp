#include "bench/op_text.h"

#include <algorithm>
#include <charconv>
#include <initializer_list>
#include <vector>

#include "core/base/check.h"
#include "core/ops/op_options.h"

namespace bellman::bench {
namespace {

struct Known {
  OpFamily family;
  const char* form;  // of a size
  std::vector<std::string> ops;
};

std::vector<std::string> elementwise_ops() {
  std::vector<std::string> ops;
  for (const ActivationInfo& info : kActivations)
    for (const char* const pass : {"_forward", "_backward"}) ops.push_back(std::string(info.name) + pass);
  ops.emplace_back("fill");
  return ops;
}

const std::vector<Known>& known_ops() {
  static const std::vector<Known> known = {
      {OpFamily::kDense, "BxI->O", {"dense_forward", "dense_backward", "dense_backward_without_dx"}},
      {OpFamily::kConv2d,
       "BxCxHxW->O KHxKW [stride S] [padding P]",
       {"conv2d_forward", "conv2d_backward", "conv2d_backward_without_dx"}},
      {OpFamily::kMaxPool2d, "BxCxHxW KHxKW [stride S]", {"max_pool2d_forward", "max_pool2d_backward"}},
      {OpFamily::kElementwise, "N", elementwise_ops()},
      {OpFamily::kLayerNorm, "BxI", {"layer_norm_forward", "layer_norm_backward"}},
      {OpFamily::kQLearning, "BxA", {"td_target", "td_loss", "dueling_forward", "softmax_cross_entropy"}},
      {OpFamily::kOptimizer, "N", {"adam_step", "rmsprop_step", "sgd_step", "global_norm", "polyak_update"}}};
  return known;
}

const Known& family_of(std::string_view op) {
  std::string names;
  for (const Known& known : known_ops())
    for (const std::string& name : known.ops) {
      if (name == op) return known;
      names += (names.empty() ? "" : ", ") + name;
    }
  fail("--op: there is no op \"", op, "\"; known: ", names);
}

/// Takes numbers and words off the front of a size.
class Reader {
 public:
  Reader(std::string_view op, std::string_view size, const char* form)
      : op_(op), size_(size), form_(form), rest_(size) {}

  Index number() {
    Index value = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (error != std::errc() || end == rest_.data()) refuse();
    if (value < 1) fail("--op ", op_, ": its size is ", size_, ", must be made of numbers from 1 on");
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return value;
  }
  Index number_from_zero() { return take("0") ? 0 : number(); }
  bool take(std::string_view word) {
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }
  Index after(std::string_view word) {
    if (!take(word)) refuse();
    return number();
  }
  void end() const {
    if (!rest_.empty()) refuse();
  }

 private:
  [[noreturn]] void refuse() const {
    fail("--op ", op_, ": its size is \"", size_, "\", must be like ", form_);
  }

  std::string_view op_, size_;
  const char* form_;
  std::string_view rest_;
};

void read_image(OpText& read, Reader& reader) {
  const Index channels = reader.after("x"), height = reader.after("x"), width = reader.after("x");
  read.image = {channels, height, width};
  const bool convolves = read.family == OpFamily::kConv2d;
  if (convolves) read.outputs = reader.after("->");
  Window& window = read.window;
  window.kernel_h = reader.after(" ");
  window.kernel_w = reader.after("x");
  window.stride_h = window.stride_w = reader.take(" stride ") ? reader.number()
                                      : convolves             ? 1
                                                              : window.kernel_h;
  if (convolves && reader.take(" padding ")) window.padding_h = window.padding_w = reader.number_from_zero();
  if (window.kernel_h > height + 2 * window.padding_h || window.kernel_w > width + 2 * window.padding_w)
    fail("--op ", read.op, ": a window of ", window.kernel_h, "x", window.kernel_w,
         " does not fit images of ", height, "x", width, " with a padding of ", window.padding_h);
}

/// How many numbers its largest array has.
double largest_array(const OpText& read) {
  const auto product = [](std::initializer_list<Index> extents) {
    double numbers = 1;
    for (const Index extent : extents) numbers *= static_cast<double>(extent);
    return numbers;
  };
  const Index outputs = std::max<Index>(1, read.outputs), inputs = std::max<Index>(1, read.inputs);
  if (read.image.rank() == 0)
    return std::max(
        {product({read.batch, inputs}), product({read.batch, outputs}), product({inputs, outputs})});
  const Index C = read.image[0], H = read.image[1], W = read.image[2];
  const Window& window = read.window;
  return std::max(
      {product({read.batch, C, H, W}), product({outputs, C, window.kernel_h, window.kernel_w}),
       product({read.batch, read.outputs > 0 ? outputs : C, window.output_h(H), window.output_w(W)})});
}

}  // namespace

OpText read_op(std::string_view text) {
  const std::size_t space = text.find(' ');
  OpText read;
  read.op = text.substr(0, space);
  const Known& known = family_of(read.op);
  read.family = known.family;
  const std::string_view size = space == std::string_view::npos ? "" : text.substr(space + 1);
  Reader reader(read.op, size, known.form);
  read.batch = reader.number();
  switch (read.family) {
    case OpFamily::kDense:
      read.inputs = reader.after("x");
      read.outputs = reader.after("->");
      break;
    case OpFamily::kConv2d:
    case OpFamily::kMaxPool2d:
      read_image(read, reader);
      break;
    case OpFamily::kLayerNorm:
    case OpFamily::kQLearning:
      read.inputs = reader.after("x");
      break;
    case OpFamily::kElementwise:
    case OpFamily::kOptimizer:
      break;
  }
  reader.end();
  if (largest_array(read) > 0x1p31)
    fail("--op ", read.op, ": a size of ", size, " has arrays of more than 2^31 numbers");
  return read;
}

}  // namespace bellman::bench
