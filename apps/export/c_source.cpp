#include "apps/export/c_source.h"

#include <algorithm>
#include <sstream>
#include <vector>

#include "core/base/check.h"
#include "core/base/text.h"
#include "core/nn/layers/feature_layers.h"

namespace bellman {
namespace {

/// With as many digits as it takes to read back the same number.
std::string literal(float value) {
  std::string digits = formatted("%.9g", static_cast<double>(value));
  if (digits.find_first_of(".e") == std::string::npos) digits += ".0";
  return digits + "f";
}
std::string literal(double value) {
  std::string digits = formatted("%.17g", value);
  if (digits.find_first_of(".e") == std::string::npos) digits += ".0";
  return digits;
}

std::string identifier(std::string name) {
  std::ranges::replace(name, '.', '_');
  return name;
}

class SourceWriter {
 public:
  SourceWriter(const ExportedNetwork& network, std::string_view name) : network_(network), name_(name) {}

  std::string source() {
    const Index inputs = network_.input.elements();
    std::string x = "x";
    if (!network_.mean.empty()) x = normalised(x);
    const std::string q = steps(network_.steps, x);
    std::ostringstream out;
    out << "/* " << network_.text
        << "\n   Written by bellman export --c. C99; link with -lm. Not for several threads at once. */\n"
        << "#include <math.h>\n\n#define " << name_ << "_INPUTS " << inputs << "\n#define " << name_
        << "_ACTIONS " << network_.actions << "\n\n"
        << arrays_.str() << "\n/* q[" << network_.actions << "] of one observation x[" << inputs
        << "], as the environment gives it. */\nvoid " << name_
        << "_q_values(const float *x, float *q) {\n  int i, j;\n"
        << body_.str() << "  for (i = 0; i < " << network_.actions << "; ++i) q[i] = " << q
        << "[i];\n  (void)j;\n}\n\n"
        << "/* The action with the greatest Q-value, the first of equals. */\nint " << name_
        << "_action(const float *x) {\n  float q[" << network_.actions << "];\n  int a, best = 0;\n  "
        << name_ << "_q_values(x, q);\n  for (a = 1; a < " << network_.actions
        << "; ++a)\n    if (q[a] > q[best]) best = a;\n"
        << "  return best;\n}\n\n"
        << "#ifdef " << name_ << "_MAIN\n#include <stdio.h>\n/* Reads observations, " << inputs
        << " numbers each, and prints a line of Q-values for each. */\nint main(void) {\n  static float x["
        << inputs << "];\n  float q[" << network_.actions
        << "];\n  int i;\n  for (;;) {\n    for (i = 0; i < " << inputs
        << "; ++i)\n      if (scanf(\"%f\", &x[i]) != 1) return i != 0;\n    " << name_
        << "_q_values(x, q);\n    for (i = 0; i < " << network_.actions
        << "; ++i) printf(\"%.9g%c\", (double)q[i], i + 1 < " << network_.actions
        << " ? ' ' : '\\n');\n  }\n}\n#endif\n";
    return out.str();
  }

 private:
  template <class T>
  std::string array(const std::string& name, std::span<const T> values, const char* type) {
    arrays_ << "static const " << type << " " << name << "[" << values.size() << "] = {";
    for (std::size_t i = 0; i < values.size(); ++i)
      arrays_ << (i % 8 == 0 ? "\n  " : " ") << literal(values[i]) << ",";
    arrays_ << "\n};\n";
    return name;
  }
  std::string buffer(const Shape& shape) {
    const std::string name = "v" + std::to_string(++buffers_);
    arrays_ << "static float " << name << "[" << shape.elements() << "];\n";
    return name;
  }

  std::string normalised(const std::string& x) {
    array<double>("mean", network_.mean, "double");
    array<double>("scale", network_.scale, "double");
    const std::string y = buffer(network_.input), limit = literal(network_.limit);
    body_ << "  for (i = 0; i < " << network_.input.elements() << "; ++i) {\n    double z = ((double)" << x
          << "[i] - mean[i]) * scale[i];\n    if (z > " << limit << ") z = " << limit << ";\n    if (z < -"
          << limit << ") z = -" << limit << ";\n    " << y << "[i] = (float)z;\n  }\n";
    return y;
  }

  std::string steps(const std::vector<ExportedStep>& all, std::string x) {
    for (const ExportedStep& step : all) x = write(step, x);
    return x;
  }

  std::string write(const ExportedStep& s, const std::string& x) {
    if (s.kind == ExportedStep::Kind::kFlatten) return x;  // the same numbers in the same order
    body_ << "  /* " << s.name << " */\n";
    if (s.kind == ExportedStep::Kind::kDueling) return dueling(s, x);
    const std::string y = buffer(s.output);
    std::string w, b;
    if (!s.weight.empty()) {
      w = array<float>("w" + identifier(s.name), s.weight, "float");
      b = array<float>("b" + identifier(s.name), s.bias, "float");
    }
    switch (s.kind) {
      case ExportedStep::Kind::kDense:
        body_ << "  for (i = 0; i < " << s.output[0] << "; ++i) {\n    float sum = " << b
              << "[i];\n    for (j = 0; j < " << s.input[0] << "; ++j) sum += " << w << "[i * " << s.input[0]
              << " + j] * " << x << "[j];\n    " << y << "[i] = sum;\n  }\n";
        break;
      case ExportedStep::Kind::kConv:
      case ExportedStep::Kind::kMaxPool:
        window(s, y, x, w, b);
        break;
      case ExportedStep::Kind::kActivation:
        body_ << "  for (i = 0; i < " << s.output.elements() << "; ++i) {\n    const float a = " << x
              << "[i];\n    " << y << "[i] = " << activation(s.activation) << ";\n  }\n";
        break;
      case ExportedStep::Kind::kLayerNorm:
        body_ << "  {\n    float mean = 0.0f, variance = 0.0f;\n    for (i = 0; i < " << s.input[0]
              << "; ++i) mean += " << x << "[i] / " << s.input[0] << ".0f;\n    for (i = 0; i < "
              << s.input[0] << "; ++i) variance += (" << x << "[i] - mean) * (" << x << "[i] - mean) / "
              << s.input[0] << ".0f;\n    for (i = 0; i < " << s.input[0] << "; ++i) " << y << "[i] = (" << x
              << "[i] - mean) / sqrtf(variance + "
              << literal(static_cast<float>(LayerNormLayer<float>::kEpsilon)) << ") * " << w << "[i] + " << b
              << "[i];\n  }\n";
        break;
      case ExportedStep::Kind::kFlatten:
      case ExportedStep::Kind::kDueling:
        break;
    }
    return y;
  }

  /// A convolution, or a maximum, over each window of an image.
  void window(const ExportedStep& s, const std::string& y, const std::string& x, const std::string& w,
              const std::string& b) {
    const Window& k = s.window;
    const bool is_conv = s.kind == ExportedStep::Kind::kConv;
    const Index area = k.kernel_h * k.kernel_w, channels = is_conv ? s.input[0] : 1;
    body_ << "  {\n    int o, r, c, ch, kr, kc;\n    for (o = 0; o < " << s.output[0]
          << "; ++o)\n     for (r = 0; r < " << s.output[1] << "; ++r)\n      for (c = 0; c < " << s.output[2]
          << "; ++c) {\n       float value = " << (is_conv ? b + "[o]" : "-INFINITY")
          << ";\n       for (ch = 0; ch < " << channels << "; ++ch)\n        for (kr = 0; kr < " << k.kernel_h
          << "; ++kr)\n         for (kc = 0; kc < " << k.kernel_w
          << "; ++kc) {\n          const int row = r * " << k.stride_h << " + kr - " << k.padding_h
          << ", column = c * " << k.stride_w << " + kc - " << k.padding_w
          << ";\n          if (row < 0 || row >= " << s.input[1]
          << " || column < 0 || column >= " << s.input[2]
          << ") continue;\n          {\n           const float in = " << x << "[(" << (is_conv ? "ch" : "o")
          << " * " << s.input[1] << " + row) * " << s.input[2] << " + column];\n           ";
    if (is_conv)
      body_ << "value += " << w << "[(o * " << channels << " + ch) * " << area << " + kr * " << k.kernel_w
            << " + kc] * in;\n";
    else
      body_ << "if (in > value) value = in;\n";
    body_ << "          }\n         }\n       " << y << "[(o * " << s.output[1] << " + r) * " << s.output[2]
          << " + c] = value;\n      }\n  }\n";
  }

  std::string dueling(const ExportedStep& s, const std::string& x) {
    const std::string v = steps(s.value, x), a = steps(s.advantage, x), y = buffer(s.output);
    const Index actions = s.output[0];
    body_ << "  {\n    float mean = 0.0f;\n    for (i = 0; i < " << actions << "; ++i) mean += " << a
          << "[i] / " << actions << ".0f;\n    for (i = 0; i < " << actions << "; ++i) " << y << "[i] = " << v
          << "[0] + " << a << "[i] - mean;\n  }\n";
    return y;
  }

  /// Of the number `a`.
  static std::string activation(const Activation& f) {
    switch (f.kind) {
      case Activation::kNone:
        break;
      case Activation::kRelu:
        return "a > 0.0f ? a : 0.0f";
      case Activation::kLeakyRelu:
        return "a > 0.0f ? a : " + literal(static_cast<float>(f.parameter)) + " * a";
      case Activation::kTanh:
        return "tanhf(a)";
      case Activation::kSigmoid:
        return "1.0f / (1.0f + expf(-a))";
      case Activation::kGelu:
        return "0.5f * a * (1.0f + erff(a * 0.707106781f))";
      case Activation::kGeluTanh:
        return "0.5f * a * (1.0f + tanhf(0.797884561f * (a + 0.044715f * a * a * a)))";
      case Activation::kSilu:
        return "a / (1.0f + expf(-a))";
    }
    return "a";
  }

  const ExportedNetwork& network_;
  std::string name_;
  std::ostringstream arrays_, body_;
  int buffers_ = 0;
};

}  // namespace

std::string c_source(const ExportedNetwork& network, std::string_view name) {
  return SourceWriter(network, name).source();
}

}  // namespace bellman
