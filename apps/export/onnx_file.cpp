#include "apps/export/onnx_file.h"

#include <bit>
#include <cstdint>
#include <cstring>
#include <numbers>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/check.h"
#include "core/nn/layers/feature_layers.h"

namespace bellman {
namespace {

/// A message of the protocol-buffer encoding: fields one after the other, each with its number and wire type.
class Message {
 public:
  void integer(int field, std::uint64_t value) {
    key(field, 0);
    varint(value);
  }
  void real(int field, float value) {
    key(field, 5);
    append(std::bit_cast<std::uint32_t>(value));
  }
  void text(int field, std::string_view value) {
    key(field, 2);
    varint(value.size());
    bytes_.append(value);
  }
  void message(int field, const Message& value) { text(field, value.bytes_); }

  const std::string& bytes() const { return bytes_; }

 private:
  void key(int field, unsigned wire_type) { varint(static_cast<std::uint64_t>(field) << 3 | wire_type); }
  void varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_.push_back(static_cast<char>(value | 0x80));
    bytes_.push_back(static_cast<char>(value));
  }
  void append(std::uint32_t value) {
    for (int shift = 0; shift < 32; shift += 8) bytes_.push_back(static_cast<char>(value >> shift));
  }

  std::string bytes_;
};

// The numbers of fields, types and versions are onnx.proto's.
constexpr int kFloat = 1, kDouble = 11;  // TensorProto.DataType
constexpr std::uint64_t kIrVersion = 8, kOperatorSet = 17;

/// An attribute of a node.
struct Attribute {
  static Message integer(std::string_view name, Index value) {
    Message m;
    m.text(1, name);
    m.integer(3, static_cast<std::uint64_t>(value));
    m.integer(20, 2);
    return m;
  }
  static Message real(std::string_view name, double value) {
    Message m;
    m.text(1, name);
    m.real(2, static_cast<float>(value));
    m.integer(20, 1);
    return m;
  }
  static Message integers(std::string_view name, std::initializer_list<Index> values) {
    Message m;
    m.text(1, name);
    for (const Index value : values) m.integer(8, static_cast<std::uint64_t>(value));
    m.integer(20, 7);
    return m;
  }
};

/// Writes steps as nodes; a value is the name of a node's output.
class GraphWriter {
 public:
  std::string node(const char* op, const std::vector<std::string>& inputs,
                   const std::vector<Message>& attributes = {}) {
    std::string output = "v" + std::to_string(++values_);
    Message m;
    for (const std::string& input : inputs) m.text(1, input);
    m.text(2, output);
    m.text(3, std::string(op) + "_" + std::to_string(values_));
    m.text(4, op);
    for (const Message& attribute : attributes) m.message(5, attribute);
    graph_.message(1, m);
    return output;
  }

  template <class T>
  std::string constant(const std::string& name, std::span<const T> values, const Shape& shape, int type) {
    static_assert(std::endian::native == std::endian::little);
    Message m;
    for (int i = 0; i < shape.rank(); ++i) m.integer(1, static_cast<std::uint64_t>(shape[i]));
    m.integer(2, static_cast<std::uint64_t>(type));
    m.text(8, name);
    m.text(9, {reinterpret_cast<const char*>(values.data()), values.size_bytes()});
    constants_.push_back(std::move(m));
    return name;
  }
  std::string number(double value) {
    const auto single = static_cast<float>(value);
    return constant<float>("c" + std::to_string(++values_), {&single, 1}, {1}, kFloat);
  }
  std::string real(double value) {
    return constant<double>("c" + std::to_string(++values_), {&value, 1}, {}, kDouble);
  }

  std::string steps(const std::vector<ExportedStep>& all, std::string x) {
    for (const ExportedStep& step : all) x = write(step, x);
    return x;
  }
  /// z of ExportedNetwork::mean and ::scale.
  std::string normalised(const ExportedNetwork& network, const std::string& x) {
    const std::string mean = constant<double>("mean", network.mean, network.input, kDouble),
                      scale = constant<double>("scale", network.scale, network.input, kDouble);
    const std::string wide = node("Cast", {x}, {Attribute::integer("to", kDouble)});
    const std::string z = node("Mul", {node("Sub", {wide, mean}), scale});
    const std::string clipped = node("Clip", {z, real(-network.limit), real(network.limit)});
    return node("Cast", {clipped}, {Attribute::integer("to", kFloat)});
  }
  /// The graph of what was written, from `observation` to `output`.
  Message finish(const ExportedNetwork& network, const std::string& output) {
    Message last;
    last.text(1, output);
    last.text(2, "q_values");
    last.text(3, "Output");
    last.text(4, "Identity");
    graph_.message(1, last);
    graph_.text(2, "bellman");
    for (const Message& constant : constants_) graph_.message(5, constant);
    graph_.message(11, value_info("observation", network.input));
    graph_.message(12, value_info("q_values", {network.actions}));
    return std::exchange(graph_, {});
  }

 private:
  std::string write(const ExportedStep& s, const std::string& x) {
    const Window& w = s.window;
    const auto weight = [&](const Shape& shape) {
      return constant<float>(s.name + ".weight", s.weight, shape, kFloat);
    };
    const auto bias = [&] {
      return constant<float>(s.name + ".bias", s.bias, {static_cast<Index>(s.bias.size())}, kFloat);
    };
    const auto window = [&] {
      return std::vector<Message>{
          Attribute::integers("kernel_shape", {w.kernel_h, w.kernel_w}),
          Attribute::integers("strides", {w.stride_h, w.stride_w}),
          Attribute::integers("pads", {w.padding_h, w.padding_w, w.padding_h, w.padding_w})};
    };
    switch (s.kind) {
      case ExportedStep::Kind::kDense:
        return node("Gemm", {x, weight({s.output[0], s.input[0]}), bias()},
                    {Attribute::integer("transB", 1)});
      case ExportedStep::Kind::kConv:
        return node("Conv", {x, weight({s.output[0], s.input[0], w.kernel_h, w.kernel_w}), bias()}, window());
      case ExportedStep::Kind::kMaxPool:
        return node("MaxPool", {x}, window());
      case ExportedStep::Kind::kActivation:
        return activation(s.activation, x);
      case ExportedStep::Kind::kLayerNorm:
        return node(
            "LayerNormalization", {x, weight(s.input), bias()},
            {Attribute::integer("axis", -1), Attribute::real("epsilon", LayerNormLayer<float>::kEpsilon)});
      case ExportedStep::Kind::kFlatten:
        return node("Flatten", {x});
      case ExportedStep::Kind::kDueling: {
        const std::string v = steps(s.value, x), a = steps(s.advantage, x);
        const std::string mean = node("ReduceMean", {a}, {Attribute::integers("axes", {1})});
        return node("Add", {v, node("Sub", {a, mean})});
      }
    }
    BELLMAN_CHECK(false);
    return x;
  }

  std::string activation(const Activation& f, const std::string& x) {
    switch (f.kind) {
      case Activation::kNone:
        break;
      case Activation::kRelu:
        return node("Relu", {x});
      case Activation::kLeakyRelu:
        return node("LeakyRelu", {x}, {Attribute::real("alpha", f.parameter)});
      case Activation::kTanh:
        return node("Tanh", {x});
      case Activation::kSigmoid:
        return node("Sigmoid", {x});
      case Activation::kGelu:  // x (1 + erf(x / sqrt 2)) / 2
        return halved(x, node("Erf", {node("Mul", {x, number(1 / std::numbers::sqrt2)})}));
      case Activation::kGeluTanh: {  // x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2
        const std::string cube = node("Mul", {node("Mul", {x, x}), x});
        const std::string u = node("Add", {x, node("Mul", {cube, number(0.044715)})});
        return halved(
            x, node("Tanh", {node("Mul", {u, number(std::numbers::sqrt2 * std::numbers::inv_sqrtpi)})}));
      }
      case Activation::kSilu:
        return node("Mul", {x, node("Sigmoid", {x})});
    }
    return x;
  }
  /// x (1 + y) / 2
  std::string halved(const std::string& x, const std::string& y) {
    return node("Mul", {node("Mul", {x, number(0.5)}), node("Add", {y, number(1)})});
  }

  static Message value_info(std::string_view name, const Shape& shape) {
    Message batch, dimensions;
    batch.text(2, "N");
    dimensions.message(1, batch);
    for (int i = 0; i < shape.rank(); ++i) {
      Message extent;
      extent.integer(1, static_cast<std::uint64_t>(shape[i]));
      dimensions.message(1, extent);
    }
    Message tensor, type, value;
    tensor.integer(1, kFloat);
    tensor.message(2, dimensions);
    type.message(1, tensor);
    value.text(1, name);
    value.message(2, type);
    return value;
  }

  Message graph_;
  std::vector<Message> constants_;
  int values_ = 0;
};

}  // namespace

std::string onnx_file(const ExportedNetwork& network) {
  GraphWriter writer;
  std::string x = "observation";
  if (!network.mean.empty()) x = writer.normalised(network, x);
  x = writer.steps(network.steps, x);
  Message operators, text, model;
  operators.text(1, "");
  operators.integer(2, kOperatorSet);
  text.text(1, "network");
  text.text(2, network.text);
  model.integer(1, kIrVersion);
  model.text(2, "bellman");
  model.text(3, BELLMAN_VERSION);
  model.message(7, writer.finish(network, x));
  model.message(8, operators);
  model.message(14, text);
  constexpr std::size_t kMost = std::size_t{1} << 31;
  if (model.bytes().size() >= kMost)
    fail("the model has ", model.bytes().size(), " bytes, and ONNX files end at 2 GiB");
  return model.bytes();
}

}  // namespace bellman
