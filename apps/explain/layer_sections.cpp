#include "apps/explain/layer_sections.h"

#include <algorithm>
#include <cmath>

#include "apps/explain/shown_numbers.h"
#include "apps/page/math.h"
#include "apps/page/page.h"

namespace bellman {
namespace {

constexpr std::size_t kMostTerms = 6;

std::string parameter_name(std::size_t layer, const char* name) { return std::to_string(layer) + "." + name; }

const TracedTensor& before_layer(const UpdateTrace& trace, std::size_t layer) {
  return trace.tensor(activation_name(layer));
}
const TracedTensor& after_layer(const UpdateTrace& trace, std::size_t layer) {
  return trace.tensor(activation_name(layer + 1));
}

/// The element of the layer's output whose gradient is largest: formulas are filled in for it.
Index focus(const UpdateTrace& trace, std::size_t layer, Index sample) {
  return largest_indices(sample_row(trace.tensor(activation_name(layer + 1, true)), sample), 1).front();
}

/// A sum of products with the numbers filled in: the largest terms, what the others come to, and what else is added.
Markup filled_sum(const std::vector<double>& left, const std::vector<double>& right) {
  std::vector<double> products(left.size());
  for (std::size_t i = 0; i < left.size(); ++i) products[i] = left[i] * right[i];
  double others = 0;
  for (const double product : products) others += product;
  Markup terms;
  for (const Index i : largest_indices(products, kMostTerms)) {
    const auto k = static_cast<std::size_t>(i);
    if (!terms.empty()) terms += mo("+");
    terms += mn(left[k]) + mo("·") + mn(right[k]);
    others -= products[k];
  }
  if (products.size() > kMostTerms)
    terms += mo("+") +
             element("mtext", as_text("the other " + std::to_string(products.size() - kMostTerms) + ": ")) +
             mn(others);
  return terms;
}

/// Row `row` of a matrix (rows, columns); its column.
std::vector<double> matrix_row(const TracedTensor& matrix, Index row) { return sample_row(matrix, row); }
std::vector<double> matrix_column(const TracedTensor& matrix, Index column) {
  std::vector<double> values;
  for (Index r = 0; r < matrix.shape[0]; ++r) values.push_back(matrix.at(r, column));
  return values;
}

Markup indexed(Literal name, Index i) { return msub(mi(name), mn(static_cast<double>(i))); }
Markup indexed(Literal name, Index i, Index j) {
  return msub(mi(name), mn(static_cast<double>(i)) + mo(",") + mn(static_cast<double>(j)));
}

// ---- dense

Markup dense_forward(const UpdateTrace& trace, std::size_t layer, Index sample) {
  const std::vector<double> x = sample_row(before_layer(trace, layer), sample),
                            y = sample_row(after_layer(trace, layer), sample);
  const TracedTensor& w = trace.tensor("theta." + parameter_name(layer, "weight"));
  const TracedTensor& b = trace.tensor("theta." + parameter_name(layer, "bias"));
  const Index j = focus(trace, layer, sample);
  return formula(msub(mi("y"), mi("j")) + mo("=") + msum(mi("i")) +
                 msub(mi("w"), mi("j") + mo(",") + mi("i")) + mo("·") + msub(mi("x"), mi("i")) + mo("+") +
                 msub(mi("b"), mi("j"))) +
         formula(indexed("y", j) + mo("=") + filled_sum(matrix_row(w, j), x) + mo("+") +
                 mn(b.values[static_cast<std::size_t>(j)]) + mo("=") + mn(y[static_cast<std::size_t>(j)], 6));
}

Markup dense_backward(const UpdateTrace& trace, std::size_t layer, Index sample) {
  const std::vector<double> x = sample_row(before_layer(trace, layer), sample);
  const TracedTensor& dy_all = trace.tensor(activation_name(layer + 1, true));
  const std::vector<double> dy = sample_row(dy_all, sample);
  const TracedTensor& w = trace.tensor("theta." + parameter_name(layer, "weight"));
  const TracedTensor& dw = trace.tensor("gradient." + parameter_name(layer, "weight"));
  const Index j = focus(trace, layer, sample), i = largest_indices(matrix_row(dw, j), 1).front();
  Markup text = formula(msub(mi("dw"), mi("j") + mo(",") + mi("i")) + mo("=") + msum(mi("n")) +
                        msub(mi("dy"), mi("n") + mo(",") + mi("j")) + mo("·") +
                        msub(mi("x"), mi("n") + mo(",") + mi("i")));
  text += formula(indexed("dw", j, i) + mo("=") +
                  filled_sum(matrix_column(dy_all, j), matrix_column(before_layer(trace, layer), i)) +
                  mo("=") + mn(dw.at(j, i), 6));
  text += as_text("This transition's part of it: ") +
          formula(mn(dy[static_cast<std::size_t>(j)]) + mo("·") + mn(x[static_cast<std::size_t>(i)]) +
                  mo("=") + mn(dy[static_cast<std::size_t>(j)] * x[static_cast<std::size_t>(i)], 6));
  text += formula(msub(mi("db"), mi("j")) + mo("=") + msum(mi("n")) +
                  msub(mi("dy"), mi("n") + mo(",") + mi("j")));
  if (const TracedTensor* const dx = input_gradient(trace, layer)) {
    text += formula(msub(mi("dx"), mi("i")) + mo("=") + msum(mi("j")) +
                    msub(mi("w"), mi("j") + mo(",") + mi("i")) + mo("·") + msub(mi("dy"), mi("j")));
    text += formula(indexed("dx", i) + mo("=") + filled_sum(matrix_column(w, i), dy) + mo("=") +
                    mn(sample_row(*dx, sample)[static_cast<std::size_t>(i)], 6));
  } else {
    text +=
        element(
            "p",
            Markup("No gradient of the observation is needed: nothing before this layer has parameters.")) +
        "\n";
  }
  text += folded(
      "Why",
      element("p", Markup("y depends on the weight w<sub>j,i</sub> through y<sub>j</sub> alone, and "
                          "linearly: ∂y<sub>j</sub>/∂w<sub>j,i</sub> = x<sub>i</sub>. The chain rule "
                          "multiplies it by dL/dy<sub>j</sub>, and the loss is a sum over the transitions n "
                          "of the batch, so their parts add up. An input x<sub>i</sub> reaches the loss "
                          "through every output, each with the slope w<sub>j,i</sub>: those add up, too.")));
  return text + gradient_table(trace, parameter_name(layer, "weight")) +
         gradient_table(trace, parameter_name(layer, "bias"));
}

// ---- activations

struct ActivationFormula {
  std::string_view name;
  Literal forward, backward;
};
// y = f(x) and dx/dy, as text; the numbers of the focus stand beneath.
constexpr ActivationFormula kFormulas[] = {
    {"relu", "y = max(0, x)", "dx = dy where y > 0, else 0"},
    {"leaky_relu", "y = x where x > 0, else slope · x", "dx = dy where x > 0, else slope · dy"},
    {"tanh", "y = tanh x", "dx = dy (1 − y²)"},
    {"sigmoid", "y = 1 / (1 + e^−x)", "dx = dy y (1 − y)"},
    {"gelu", "y = x Φ(x), Φ the normal distribution's", "dx = dy (Φ(x) + x φ(x)), φ its density"},
    {"gelu_tanh", "y = x/2 (1 + tanh u), u = √(2/π) (x + 0.044715 x³)",
     "dx = dy (1/2 (1 + tanh u) + x/2 (1 − tanh² u) u′)"},
    {"silu", "y = x σ(x), σ the sigmoid", "dx = dy (σ(x) + x σ(x) (1 − σ(x)))"},
};

const ActivationFormula* formula_of(std::string_view text) {
  const std::string_view word = text.substr(0, text.find(' '));
  const auto* const found = std::find_if(std::begin(kFormulas), std::end(kFormulas),
                                         [&](const ActivationFormula& f) { return f.name == word; });
  return found == std::end(kFormulas) ? nullptr : found;
}

Markup filled_element(const UpdateTrace& trace, std::size_t layer, Index sample, bool backward) {
  // Of an element that lets something through, if there is one.
  const TracedTensor* const through = input_gradient(trace, layer);
  const Index j =
      through ? largest_indices(sample_row(*through, sample), 1).front() : focus(trace, layer, sample);
  const auto at = [&](const TracedTensor& tensor) {
    return sample_row(tensor, sample)[static_cast<std::size_t>(j)];
  };
  Markup row = indexed("x", j) + mo("=") + mn(at(before_layer(trace, layer))) + mo(",") + indexed("y", j) +
               mo("=") + mn(at(after_layer(trace, layer)));
  if (!backward) return formula(row);
  row += mo(",") + indexed("dy", j) + mo("=") + mn(at(trace.tensor(activation_name(layer + 1, true))));
  if (const TracedTensor* const dx = input_gradient(trace, layer))
    row += mo("→") + indexed("dx", j) + mo("=") + mn(at(*dx), 6);
  return formula(row);
}

// ---- dueling, layer norm

Markup dueling_forward(const UpdateTrace& trace, std::size_t layer, Index sample) {
  const TracedTensor& v = trace.tensor(parameter_name(layer, "value"));
  const TracedTensor& a = trace.tensor(parameter_name(layer, "advantage"));
  const std::vector<double> advantages = sample_row(a, sample);
  double mean = 0;
  for (const double x : advantages) mean += x / static_cast<double>(advantages.size());
  Markup text = shown_row("v", v.name, sample_row(v, sample), {}) + shown_row("a", a.name, advantages, {});
  text += formula(msub(mi("q"), mi("k")) + mo("=") + mi("v") + mo("+") + msub(mi("a"), mi("k")) + mo("−") +
                  element("mover", mi("a") + mo("¯")));
  const Index k = focus(trace, layer, sample);
  return text + formula(indexed("q", k) + mo("=") + mn(v.at(sample, 0)) + mo("+") + mn(a.at(sample, k)) +
                        mo("−") + mn(mean) + mo("=") +
                        mn(sample_row(after_layer(trace, layer), sample)[static_cast<std::size_t>(k)], 6));
}

Markup dueling_backward(const UpdateTrace& trace, std::size_t layer, Index sample) {
  const std::vector<double> dq = sample_row(trace.tensor(activation_name(layer + 1, true)), sample);
  const TracedTensor& dv = trace.tensor("d" + parameter_name(layer, "value"));
  const TracedTensor& da = trace.tensor("d" + parameter_name(layer, "advantage"));
  Markup text = formula(mi("dv") + mo("=") + msum(mi("k")) + msub(mi("dq"), mi("k")) + mo(",") +
                        msub(mi("da"), mi("k")) + mo("=") + msub(mi("dq"), mi("k")) + mo("−") +
                        element("mover", mi("dq") + mo("¯")));
  text += shown_row("dv", dv.name, sample_row(dv, sample), {}) +
          shown_row("da", da.name, sample_row(da, sample), {});
  text +=
      folded("Why", element("p", Markup("v stands in every q<sub>k</sub> with the slope 1, so its gradient "
                                        "is the sum of theirs. a<sub>k</sub> stands in q<sub>k</sub> with "
                                        "the slope 1 and in every q through the mean, with −1/A.")));
  for (const TracedTensor& tensor : trace.tensors)
    if (tensor.name.starts_with("gradient." + std::to_string(layer) + "."))
      text += gradient_table(trace, tensor.name.substr(9));
  return text;
}

Markup norm_forward(const UpdateTrace& trace, std::size_t layer, Index sample) {
  const double mean = trace.tensor(parameter_name(layer, "mean")).at(sample, 0),
               rstd = trace.tensor(parameter_name(layer, "rstd")).at(sample, 0);
  const Index j = focus(trace, layer, sample);
  const auto k = static_cast<std::size_t>(j);
  const double x = sample_row(before_layer(trace, layer), sample)[k];
  const double gain = trace.tensor("theta." + parameter_name(layer, "weight")).values[k],
               offset = trace.tensor("theta." + parameter_name(layer, "bias")).values[k];
  return formula(msub(mi("y"), mi("j")) + mo("=") + msub(mi("γ"), mi("j")) + mo("(") +
                 msub(mi("x"), mi("j")) + mo("−") + mi("μ") + mo(")") + mo("/") +
                 msqrt(msup(mi("σ"), mn(2)) + mo("+") + mi("ε")) + mo("+") + msub(mi("β"), mi("j"))) +
         formula(indexed("y", j) + mo("=") + mn(gain) + mo("·") + mo("(") + mn(x) + mo("−") + mn(mean) +
                 mo(")") + mo("·") + mn(rstd) + mo("+") + mn(offset) + mo("=") +
                 mn(sample_row(after_layer(trace, layer), sample)[k], 6));
}

Markup norm_backward(const UpdateTrace& trace, std::size_t layer) {
  return formula(msub(mi("dx"), mi("j")) + mo("=") +
                 mfrac(mn(1), msqrt(msup(mi("σ"), mn(2)) + mo("+") + mi("ε"))) + mo("(") +
                 msub(mi("g"), mi("j")) + mo("−") + element("mover", mi("g") + mo("¯")) + mo("−") +
                 msub(mi("x̂"), mi("j")) + mo("·") + element("mover", mi("g x̂") + mo("¯")) + mo(")") +
                 mo(",") + msub(mi("g"), mi("j")) + mo("=") + msub(mi("γ"), mi("j")) +
                 msub(mi("dy"), mi("j"))) +
         gradient_table(trace, parameter_name(layer, "weight")) +
         gradient_table(trace, parameter_name(layer, "bias"));
}

std::vector<Index> sample_shape(const TracedTensor& tensor) {
  return {tensor.shape.begin() + 1, tensor.shape.end()};
}

/// What element j of the layer's output was made of, where that are few numbers.
std::vector<std::string> sources(const UpdateTrace& trace, std::size_t layer, Index j) {
  const std::string& text = trace.layers[layer];
  const std::string x = activation_name(layer);
  if (formula_of(text) || text == "flatten") return {number_id(x, j)};
  std::vector<std::string> all;
  if (!text.starts_with("dense")) return all;
  const Index inputs = trace.tensor("theta." + parameter_name(layer, "weight")).shape[1];
  for (Index i = 0; i < inputs; ++i) all.push_back(number_id(x, i));
  return all;
}

}  // namespace

/// The backward pass ends at the first layer with parameters: no gradient goes into it or into what is before it.
const TracedTensor* input_gradient(const UpdateTrace& trace, std::size_t layer) {
  for (std::size_t before = 0; before < layer; ++before)
    for (const TracedTensor& tensor : trace.tensors)
      if (tensor.name.starts_with("theta." + std::to_string(before) + "."))
        return trace.find(activation_name(layer, true));
  return nullptr;
}

std::string activation_name(std::size_t i, bool gradient) {
  return (gradient ? "da" : "a") + std::to_string(i);
}

Markup gradient_table(const UpdateTrace& trace, const std::string& parameter) {
  const TracedTensor &gradient = trace.tensor("gradient." + parameter),
                     &difference = trace.tensor("difference." + parameter);
  std::vector<std::vector<std::string>> rows = {
      {"element of " + parameter, "gradient", "finite difference", "they differ by"}};
  for (const Index i : largest_indices(gradient.values, 6)) {
    const auto k = static_cast<std::size_t>(i);
    std::string place;
    Index rest = i;
    for (std::size_t d = gradient.shape.size(); d-- > 0; rest /= gradient.shape[d])
      place = std::to_string(rest % gradient.shape[d]) + (place.empty() ? "" : ",") + place;
    const bool taken = std::isfinite(difference.values[k]);
    rows.push_back({"(" + place + ")", formatted("%.6g", gradient.values[k]),
                    taken ? formatted("%.6g", difference.values[k]) : "–",
                    taken ? formatted("%.1e", std::abs(gradient.values[k] - difference.values[k])) : "–"});
  }
  return text_table(rows);
}

Markup layer_forward(const UpdateTrace& trace, std::size_t layer, Index sample) {
  const std::string& text = trace.layers[layer];
  const TracedTensor& y = after_layer(trace, layer);
  Markup how;
  if (const ActivationFormula* const f = formula_of(text))
    how = element("p", Markup(f->forward)) + filled_element(trace, layer, sample, false);
  else if (text.starts_with("dense"))
    how = dense_forward(trace, layer, sample);
  else if (text.starts_with("dueling"))
    how = dueling_forward(trace, layer, sample);
  else if (text == "layer_norm")
    how = norm_forward(trace, layer, sample);
  else if (text == "flatten")
    how = element("p", Markup("The same numbers as one row."));
  else
    how = window_forward(trace, layer, sample);
  return element("h3", as_text("Layer " + std::to_string(layer) + ": " + text)) + "\n" + how +
         shown_row(y.name, y.name, sample_row(y, sample), sample_shape(y),
                   [&](Index j) { return sources(trace, layer, j); });
}

Markup layer_backward(const UpdateTrace& trace, std::size_t layer, Index sample) {
  const std::string& text = trace.layers[layer];
  const TracedTensor* const dx = input_gradient(trace, layer);
  Markup how;
  if (const ActivationFormula* const f = formula_of(text))
    how = element("p", Markup(f->backward)) + filled_element(trace, layer, sample, true);
  else if (text.starts_with("dense"))
    how = dense_backward(trace, layer, sample);
  else if (text.starts_with("dueling"))
    how = dueling_backward(trace, layer, sample);
  else if (text == "layer_norm")
    how = norm_backward(trace, layer);
  else if (text == "flatten")
    how = element("p", Markup("The same numbers in their former shape."));
  else
    how = window_backward(trace, layer, sample);
  Markup below;
  if (dx) {
    const std::string dy = activation_name(layer + 1, true);
    const bool element_by_element = formula_of(text) || text == "flatten";
    below = shown_row(dx->name, dx->name, sample_row(*dx, sample), sample_shape(*dx), [&](Index i) {
      return element_by_element
                 ? std::vector<std::string>{number_id(dy, i), number_id(activation_name(layer), i)}
                 : std::vector<std::string>();
    });
  }
  return element("h3", as_text("Layer " + std::to_string(layer) + ": " + text)) + "\n" + how + below;
}

}  // namespace bellman
