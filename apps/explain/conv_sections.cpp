// Convolution and pooling: the window that slides over the input, its products, and the way back.
#include <algorithm>
#include <cmath>
#include <sstream>
#include <tuple>
#include <utility>

#include <nlohmann/json.hpp>

#include "apps/explain/layer_sections.h"
#include "apps/explain/shown_numbers.h"
#include "apps/page/chart.h"
#include "apps/page/math.h"
#include "apps/page/page.h"
#include "core/ops/op_options.h"

namespace bellman {
namespace {

/// An image (C,H,W) of the trace, of one transition.
struct Image {
  Image(const TracedTensor& tensor, Index sample)
      : values(sample_row(tensor, sample)),
        channels(tensor.shape[1]),
        height(tensor.shape[2]),
        width(tensor.shape[3]) {}
  bool holds(Index r, Index c) const { return r >= 0 && r < height && c >= 0 && c < width; }
  double at(Index k, Index r, Index c) const { return values[static_cast<std::size_t>(index(k, r, c))]; }
  Index index(Index k, Index r, Index c) const { return (k * height + r) * width + c; }

  std::vector<double> values;
  Index channels, height, width;
};

std::pair<Index, Index> extents_of(const std::string& word) {
  const std::size_t x = word.find('x');
  const Index first = std::stoll(word.substr(0, x));
  return {first, x == std::string::npos ? first : std::stoll(word.substr(x + 1))};
}

/// Of "conv 16 3x3 stride 2 padding 1" and "max_pool 2x2": a canonical text, as BasicNetwork writes it.
Window window_of(const std::string& text) {
  std::istringstream words(text);
  std::string word;
  words >> word;
  const bool pool = word == "max_pool";
  if (!pool) words >> word;  // the outputs
  Window window;
  words >> word;
  std::tie(window.kernel_h, window.kernel_w) = extents_of(word);
  window.stride_h = pool ? window.kernel_h : 1, window.stride_w = pool ? window.kernel_w : 1;
  window.padding_h = window.padding_w = 0;
  for (std::string value; words >> word >> value;) {
    if (word == "stride")
      std::tie(window.stride_h, window.stride_w) = extents_of(value);
    else
      std::tie(window.padding_h, window.padding_w) = extents_of(value);
  }
  return window;
}

struct Place {
  Index channel, row, column;
};
Place place_of(Index element, const Image& image) {
  return {element / (image.height * image.width), element / image.width % image.height,
          element % image.width};
}
std::string place_text(const Place& p) {
  return "(" + std::to_string(p.channel) + "," + std::to_string(p.row) + "," + std::to_string(p.column) + ")";
}

/// The weight w[o, c, u, v] of a convolution's (O,C,KH,KW).
double weight_at(const TracedTensor& w, Index o, Index c, Index u, Index v) {
  return w.values[static_cast<std::size_t>(((o * w.shape[1] + c) * w.shape[2] + u) * w.shape[3] + v)];
}

/// One channel of the input as cells, and a frame of the window's size that a player moves.
Markup sliding_scene(const Image& x, Index channel, const Window& window) {
  constexpr double kCell = 16;
  double high = 0;
  for (const double value : x.values) high = std::max(high, std::abs(value));
  Markup shapes;
  for (Index r = 0; r < x.height; ++r)
    for (Index c = 0; c < x.width; ++c)
      shapes += element("rect",
                        {{"x", formatted("%g", kCell * static_cast<double>(c + window.padding_w))},
                         {"y", formatted("%g", kCell * static_cast<double>(r + window.padding_h))},
                         {"width", "16"},
                         {"height", "16"},
                         {"fill", heat_color(x.at(channel, r, c), -high, high, true)}},
                        element("title", as_text(formatted("%.6g", x.at(channel, r, c)))));
  shapes += leaf("rect", {{"class", "outline window"},
                          {"stroke-width", "3"},
                          {"width", formatted("%g", kCell * static_cast<double>(window.kernel_w))},
                          {"height", formatted("%g", kCell * static_cast<double>(window.kernel_h))}});
  return element(
      "svg",
      {{"class", "map"},
       {"viewBox", formatted("0 0 %g %g", kCell * static_cast<double>(x.width + 2 * window.padding_w),
                             kCell * static_cast<double>(x.height + 2 * window.padding_h))},
       {"role", "img"},
       {"aria-label", "The input channel, and the window that slides over it"}},
      shapes);
}

/// The products of one place of the window, as a sentence; `y` what they come to.
std::string products_text(const Image& x, const TracedTensor& w, const Window& window, const Place& out,
                          double bias, double y) {
  std::vector<std::pair<double, std::string>> terms;
  for (Index c = 0; c < x.channels; ++c)
    for (Index u = 0; u < window.kernel_h; ++u)
      for (Index v = 0; v < window.kernel_w; ++v) {
        const Index r = out.row * window.stride_h + u - window.padding_h,
                    s = out.column * window.stride_w + v - window.padding_w;
        if (!x.holds(r, s)) continue;
        const double a = weight_at(w, out.channel, c, u, v), b = x.at(c, r, s);
        if (a * b != 0) terms.emplace_back(std::abs(a * b), formatted("%.3g·%.3g", a, b));
      }
  std::stable_sort(terms.begin(), terms.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  std::string text = "y" + place_text(out) + " = ";
  for (std::size_t i = 0; i < std::min<std::size_t>(terms.size(), 5); ++i)
    text += (i ? " + " : "") + terms[i].second;
  if (terms.size() > 5) text += " + " + std::to_string(terms.size() - 5) + " more products";
  return text + (terms.empty() ? "" : " + ") + formatted("b %.3g = %.4g", bias, y);
}

Markup sliding_window(const UpdateTrace& trace, std::size_t layer, Index sample, const Place& focus) {
  const Image x(trace.tensor(activation_name(layer)), sample),
      y(trace.tensor(activation_name(layer + 1)), sample);
  const Window window = window_of(trace.layers[layer]);
  const TracedTensor& w = trace.tensor("theta." + std::to_string(layer) + ".weight");
  const TracedTensor& b = trace.tensor("theta." + std::to_string(layer) + ".bias");
  constexpr Index kMostFrames = 256;
  nlohmann::ordered_json frames = nlohmann::ordered_json::array();
  for (Index r = 0; r < y.height; ++r)
    for (Index c = 0; c < y.width && static_cast<Index>(frames.size()) < kMostFrames; ++c)
      frames.push_back({{"set",
                         {{".window",
                           {{"x", formatted("%lld", static_cast<long long>(16 * c * window.stride_w))},
                            {"y", formatted("%lld", static_cast<long long>(16 * r * window.stride_h))}}}}},
                        {"caption", products_text(x, w, window, {focus.channel, r, c},
                                                  b.values[static_cast<std::size_t>(focus.channel)],
                                                  y.at(focus.channel, r, c))}});
  return element(
             "figure", {{"data-player", "frames-" + std::to_string(layer)}, {"data-rate", "5"}},
             sliding_scene(x, 0, window) +
                 element("figcaption", as_text("Input channel 0 of " + std::to_string(x.channels) +
                                               "; the window stands where it makes an output of channel " +
                                               std::to_string(focus.channel) + "."))) +
         json_data("frames-" + std::to_string(layer), frames.dump()) + "\n";
}

}  // namespace

Markup window_forward(const UpdateTrace& trace, std::size_t layer, Index sample) {
  const Image y(trace.tensor(activation_name(layer + 1)), sample);
  const Place focus = place_of(
      largest_indices(sample_row(trace.tensor(activation_name(layer + 1, true)), sample), 1).front(), y);
  if (trace.layers[layer].starts_with("max_pool")) {
    const Image x(trace.tensor(activation_name(layer)), sample);
    const Window window = window_of(trace.layers[layer]);
    Markup numbers;
    for (Index u = 0; u < window.kernel_h; ++u)
      for (Index v = 0; v < window.kernel_w; ++v) {
        const Index r = focus.row * window.stride_h + u - window.padding_h,
                    c = focus.column * window.stride_w + v - window.padding_w;
        if (x.holds(r, c)) numbers += (numbers.empty() ? Markup() : mo(",")) + mn(x.at(focus.channel, r, c));
      }
    return formula(msub(mi("y"), as_mtext(place_text(focus))) + mo("=") + mi("max") + mo("(") + numbers +
                   mo(")") + mo("=") + mn(y.at(focus.channel, focus.row, focus.column), 6));
  }
  return formula(msub(mi("y"), mi("o") + mo(",") + mi("r") + mo(",") + mi("c")) + mo("=") +
                 msum(mi("k") + mo(",") + mi("u") + mo(",") + mi("v")) +
                 msub(mi("w"), mi("o") + mo(",") + mi("k") + mo(",") + mi("u") + mo(",") + mi("v")) +
                 mo("·") +
                 msub(mi("x"), mi("k") + mo(",") + mi("r s") + mo("+") + mi("u") + mo("−") + mi("p") +
                                   mo(",") + mi("c s") + mo("+") + mi("v") + mo("−") + mi("p")) +
                 mo("+") + msub(mi("b"), mi("o"))) +
         sliding_window(trace, layer, sample, focus);
}

Markup window_backward(const UpdateTrace& trace, std::size_t layer, Index sample) {
  const Image y(trace.tensor(activation_name(layer + 1)), sample);
  const TracedTensor& dy_all = trace.tensor(activation_name(layer + 1, true));
  const Image dy(dy_all, sample);
  const Window window = window_of(trace.layers[layer]);
  const TracedTensor* const dx_all = input_gradient(trace, layer);
  const bool pool = trace.layers[layer].starts_with("max_pool");
  Markup text;
  if (!pool)
    text += formula(
        msub(mi("dw"), mi("o") + mo(",") + mi("k") + mo(",") + mi("u") + mo(",") + mi("v")) + mo("=") +
        msum(mi("n") + mo(",") + mi("r") + mo(",") + mi("c")) +
        msub(mi("dy"), mi("n") + mo(",") + mi("o") + mo(",") + mi("r") + mo(",") + mi("c")) + mo("·") +
        msub(mi("x"), mi("n") + mo(",") + mi("k") + mo(",") + mi("r s") + mo("+") + mi("u") + mo("−") +
                          mi("p") + mo(",") + mi("c s") + mo("+") + mi("v") + mo("−") + mi("p")));
  if (dx_all) {
    const Image dx(*dx_all, sample);
    const Place at = place_of(largest_indices(dx.values, 1).front(), dx);
    // Every output whose window covers the input element sends something back to it.
    Markup terms;
    Index count = 0;
    for (Index o = pool ? at.channel : 0; o < (pool ? at.channel + 1 : dy.channels); ++o)
      for (Index u = 0; u < window.kernel_h; ++u)
        for (Index v = 0; v < window.kernel_w; ++v) {
          const Index r = at.row + window.padding_h - u, c = at.column + window.padding_w - v;
          if (r % window.stride_h != 0 || c % window.stride_w != 0 ||
              !dy.holds(r / window.stride_h, c / window.stride_w))
            continue;
          const double d = dy.at(o, r / window.stride_h, c / window.stride_w);
          if (pool || d == 0) continue;
          const double w =
              weight_at(trace.tensor("theta." + std::to_string(layer) + ".weight"), o, at.channel, u, v);
          if (count++ < 5) terms += (terms.empty() ? Markup() : mo("+")) + mn(w) + mo("·") + mn(d);
        }
    const double value = dx.at(at.channel, at.row, at.column);
    if (pool) {
      text += element("p", Markup("Each output sends its gradient to the input that was the maximum of its "
                                  "window; the others get nothing."));
      text += formula(msub(mi("dx"), as_mtext(place_text(at))) + mo("=") + mn(value, 6));
    } else {
      if (count > 5) terms += mo("+") + as_mtext(std::to_string(count - 5) + " more");
      text += element("p", Markup("Backward it scatters: an input element gets w · dy from every output "
                                  "whose window covered it."));
      text += formula(msub(mi("dx"), as_mtext(place_text(at))) + mo("=") + terms + mo("=") + mn(value, 6));
    }
  }
  if (!pool) {
    text += folded(
        "Why",
        element("p",
                Markup("y<sub>o,r,c</sub> holds w<sub>o,k,u,v</sub> times one input element, so its slope by "
                       "the weight is that element. The same weight is used at every place r, c: its "
                       "gradient is the sum over all of them, and over the batch. An input element lies "
                       "under several windows, at another place of the kernel in each; what comes back from "
                       "them adds up, and that is a convolution with the kernel turned by 180°.")));
    text += gradient_table(trace, std::to_string(layer) + ".weight") +
            gradient_table(trace, std::to_string(layer) + ".bias");
  }
  return text;
}

}  // namespace bellman
