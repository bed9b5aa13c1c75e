#include "apps/explain/update_page.h"

#include <algorithm>
#include <cmath>

#include "apps/explain/layer_sections.h"
#include "apps/explain/shown_numbers.h"
#include "apps/page/math.h"
#include "apps/page/page.h"
#include "core/base/check.h"
#include "core/base/text.h"
#include "core/nn/optimizer.h"
#include "rl/train/from_config.h"

namespace bellman {
namespace {

class Walk {
 public:
  Walk(const UpdateTrace& trace, Index sample, const QChange& change)
      : trace_(trace),
        update_(trace.update),
        config_(trace.update.config),
        sample_(sample),
        n_(static_cast<std::size_t>(sample)),
        change_(change) {}

  Markup text() const {
    return introduction() +
           element("div", {{"data-steps", ""}},
                   "\n" + draw() + weight() + forward() + target() + error() + backward() + clipping() +
                       optimizer_step(trace_) + priority() + outcome() + q_change_step(trace_, change_));
  }

 private:
  double value(std::string_view tensor) const { return trace_.tensor(tensor).values[n_]; }
  Index action() const { return static_cast<Index>(value("action")); }
  std::vector<double> row(std::string_view tensor) const {
    return sample_row(trace_.tensor(tensor), sample_);
  }

  Markup introduction() const {
    return paragraph("One gradient step of a real run, in the order in which it happens: gradient step " +
                     std::to_string(update_.number) + ", at environment step " +
                     std::to_string(update_.next.step.timestep) + ", on " + config_.env.id + ".") +
           paragraph(provenance()) +
           (trace_.skipped
                ? paragraph("This step was skipped: its loss or gradient is not finite, and on_nan is "
                            "skip. The weights did not move.")
                : Markup()) +
           paragraph("Shown for transition " + std::to_string(sample_) + " of the " +
                     std::to_string(update_.next.batch.size) +
                     " in the batch. Step with the buttons or the arrow keys. Point at a number, or tab to "
                     "it: what it was made of turns blue, what is made of it green.");
  }

  /// Which numbers are the run's own, and how far the others are from its own.
  std::string provenance() const {
    if (is_runs_own(trace_)) return "Every number is the run's own, to the last bit.";
    const std::string where = update_.on_device ? "on the device " + config_.device : "on the host";
    const std::string whose = update_.on_device ? "the device's" : "the run's";
    return "The run made this step " + where + " (" + update_.learner + "). The draw, the batch with its " +
           "weights, and the parameters and moments before the step are " + whose +
           (update_.on_device ? ", copied to the host. " : ". ") +
           "The host repeats the step op by op: activations, targets, gradients and the optimiser's step are "
           "the repeat's, which may round differently. " +
           (trace_.distance_from_run == 0
                ? "After the step its parameters are " + whose + ", to the last bit."
                : distance(whose));
  }
  std::string distance(const std::string& whose) const {
    return "After the step no parameter of the repeat is more than " +
           six_digits_of(trace_.distance_from_run) + " away from " + whose + ", " +
           formatted("%.2g", trace_.roundings_from_run) +
           " roundings (2⁻²⁴) of the largest in its tensor; step 8 has both.";
  }

  // ---- 1, 2: the draw

  Markup draw() const {
    const TracedDraw& drawn = trace_.draws[n_];
    Markup text = paragraph("The replay holds " + std::to_string(trace_.replay_size) +
                            " transitions that can be drawn. Slot " + std::to_string(drawn.slot) +
                            " came. Its environment has filled " + std::to_string(drawn.age) +
                            " slots since, one a step and one more where an episode ended; a single draw "
                            "takes it with probability " +
                            six_digits_of(drawn.probability) + ".");
    if (drawn.descent.empty()) {
      text += paragraph(config_.replay ? "Every transition has the same chance, and may come more than once."
                                       : "There is no replay: the newest transitions are learnt from, once.");
    } else {
      text += paragraph(
          "Each transition has a mass, its priority to the power alpha = " +
          six_digits_of(config_.per_alpha) +
          ". Leaves of a tree hold the masses, every other node the sum of its two children. The batch cuts "
          "the root's sum, " +
          six_digits_of(trace_.replay_mass) + ", into " + std::to_string(update_.next.batch.size) +
          " equal parts, and a random mass is drawn in each. From the root down: where the mass is less than "
          "the left child's sum the way goes left; otherwise right, and the left sum is taken off.");
      std::vector<std::vector<std::string>> rows = {
          {"level", "mass", "left child's sum", "right child's sum", "goes"}};
      for (std::size_t i = 0; i < drawn.descent.size(); ++i) {
        const TreeStep& at = drawn.descent[i];
        rows.push_back({std::to_string(i), six_digits_of(at.mass), six_digits_of(at.left),
                        six_digits_of(at.right),
                        at.goes_right ? "right: " + six_digits_of(at.mass) + " ≥ " + six_digits_of(at.left)
                                      : "left: " + six_digits_of(at.mass) + " < " + six_digits_of(at.left)});
      }
      text += text_table(rows);
    }
    const TracedTensor& s = trace_.tensor("a0");
    const TracedTensor& next = trace_.tensor("next_observation");
    text += shown_row("s", "a0", row("a0"), {s.shape.begin() + 1, s.shape.end()});
    text += element(
        "p", as_text("a = " + trace_.update.env.action_names[static_cast<std::size_t>(action())] + " (" +
                     std::to_string(action()) + "), r = ") +
                 shown_number(value("reward"), "reward") + as_text(", γᵏ = ") +
                 shown_number(value("discount"), "discount") +
                 as_text(value("terminated") != 0 ? ", and the task ended there" : ", and it went on"));
    text += shown_row("s′", "next", row("next_observation"), {next.shape.begin() + 1, next.shape.end()});
    return walk_step("draw", "1 · A transition is drawn from the replay", text);
  }

  Markup weight() const {
    const double w = value("weight");
    if (trace_.draws[n_].descent.empty())
      return walk_step("weight", "2 · Its weight",
                       paragraph("All draws are equally likely, so nothing has to be corrected: w = 1.") +
                           element("p", as_text("w = ") + shown_number(w, "weight")));
    double least = 1;
    for (const TracedDraw& drawn : trace_.draws) least = std::min(least, drawn.probability);
    const double p = trace_.draws[n_].probability;
    return walk_step(
        "weight", "2 · Its importance weight",
        paragraph("What is drawn more often must count less. N and the sum of all masses cancel when the "
                  "weights are divided by the batch's largest.") +
            formula(mi("w") + mo("=") + msup(mo("(") + mfrac(mi("min P"), mi("P")) + mo(")"), mi("β")) +
                    mo("=") + msup(mo("(") + mfrac(mn(least), mn(p)) + mo(")"), mn(update_.next.step.beta)) +
                    mo("=") + mn(w, 6)) +
            element("p", as_text("w = ") + shown_number(w, "weight")));
  }

  // ---- 3: forward

  Markup forward() const {
    Markup text = paragraph(
        "The online network θ looks at s. Formulas are filled in for the output with the largest gradient.");
    for (std::size_t i = 0; i < trace_.layers.size(); ++i) text += layer_forward(trace_, i, sample_);
    const std::string last = activation_name(trace_.layers.size());
    text += paragraph("The last row is Q(s, ·; θ). The action that was taken is " + std::to_string(action()) +
                      ":");
    text += element("p", as_text("Q(s, a) = ") + shown_number(q_taken(), "q", {number_id(last, action())}));
    return walk_step("forward", "3 · Forward: Q(s, ·) by the online network", text);
  }
  double q_taken() const { return row("q.now")[static_cast<std::size_t>(action())]; }

  // ---- 4: the target

  Markup target() const {
    const std::vector<double> next = row("q.next.target");
    const TracedTensor* const online = trace_.find("q.next.online");
    const std::string whose = config_.target_network
                                  ? "the target network θ⁻, which is " + std::to_string(update_.target_age) +
                                        " environment steps old"
                                  : "the network that learns";
    Markup text = paragraph(
        "What should Q(s, a) have been? The reward, and what is still to come from s′ on, discounted. Q(s′, "
        "·) is read from " +
        whose + ".");
    text += shown_row("Q(s′, ·; θ⁻)", "next_q", next, {});
    const std::vector<double> chooser = online ? sample_row(*online, sample_) : next;
    if (online) {
      text += shown_row("Q(s′, ·; θ)", "next_q_online", chooser, {});
      text += paragraph(
          "Double DQN: θ chooses the next action, θ⁻ says what it is worth. A network that does both takes "
          "the largest of its own errors.");
    }
    const double y = value("y"), r = value("reward"), gamma = value("discount"), ended = value("terminated");
    if (config_.munchausen) {
      const std::vector<double> now = row("q.now.target");
      text += shown_row("Q(s, ·; θ⁻)", "now_q_target", now, {});
      text += paragraph(
          "Munchausen DQN adds α τ log π(a|s), clipped, to the reward, and takes τ log Σ exp(Q/τ) for the "
          "maximum.");
      text += formula(mi("y") + mo("=") + mi("r") + mo("+") + mi("α") + mi("clip(τ log π(a|s))") + mo("+") +
                      msup(mi("γ"), mi("k")) + mi("τ log Σ exp(Q(s′,·)/τ)") + mo("=") + mn(y, 6));
      return walk_step("target", "4 · The target",
                       text + element("p", as_text("y = ") + shown_number(y, "y", {"reward", "discount"})));
    }
    const auto best = static_cast<Index>(std::max_element(chooser.begin(), chooser.end()) - chooser.begin());
    text += paragraph("arg max is action " + std::to_string(best) + ".");
    text += formula(mi("y") + mo("=") + mi("r") + mo("+") + msup(mi("γ"), mi("k")) + mo("·") + mo("(") +
                    mn(1) + mo("−") + mi("terminated") + mo(")") + mo("·") + mi("Q(s′, a′; θ⁻)"));
    text += formula(mi("y") + mo("=") + mn(r) + mo("+") + mn(gamma) + mo("·") + mn(1 - ended) + mo("·") +
                    mn(next[static_cast<std::size_t>(best)], 6) + mo("=") + mn(y, 6));
    if (ended != 0) text += paragraph("The task ended, so nothing follows: y is the reward alone.");
    return walk_step(
        "target", "4 · The target",
        text + element("p", as_text("y = ") +
                                shown_number(y, "y", {"reward", "discount", number_id("next_q", best)})));
  }

  // ---- 5: error and loss

  Markup error() const {
    const double delta = value("td_error"), w = value("weight"),
                 b = static_cast<double>(update_.next.batch.size);
    const double dq = trace_.tensor(activation_name(trace_.layers.size(), true)).at(sample_, action());
    const bool huber = config_.loss == LossKind::kHuber;
    const double slope = huber ? std::clamp(delta, -config_.huber_delta, config_.huber_delta) : 2 * delta;
    Markup text = formula(mi("δ") + mo("=") + mi("y") + mo("−") + mi("Q(s, a)") + mo("=") +
                          mn(value("y"), 6) + mo("−") + mn(q_taken(), 6) + mo("=") + mn(delta, 6));
    text += element("p", as_text("δ = ") + shown_number(delta, "delta", {"y", "q"}));
    text += paragraph(huber ? "Huber's loss is δ²/2 up to " + six_digits_of(config_.huber_delta) +
                                  ", and grows linearly beyond: one outlier cannot throw the network far."
                            : "The loss is the mean of w δ² over the batch.");
    text += formula(mi("L") + mo("=") + mfrac(mn(1), mi("B")) + msum(mi("n")) + msub(mi("w"), mi("n")) +
                    mi("l") + mo("(") + msub(mi("δ"), mi("n")) + mo(")") + mo("=") +
                    mn(trace_.tensor("loss").values[0], 6));
    text += paragraph(
        "y counts as a given number: no gradient flows through it. The first gradient is that of Q(s, a); "
        "those of the other actions are 0.");
    text += formula(mi("dL/dQ(s, a)") + mo("=") + mo("−") + mfrac(mi("w"), mi("B")) +
                    mi(huber ? Literal("clip(δ)") : Literal("2δ")) + mo("=") + mo("−") + mfrac(mn(w), mn(b)) +
                    mo("·") + mn(slope) + mo("=") + mn(dq, 6));
    text +=
        element("p", as_text("dL/dQ(s, a) = ") +
                         shown_number(dq, number_id(activation_name(trace_.layers.size(), true), action()),
                                      {"delta", "weight"}));
    return walk_step("error", "5 · The error and the loss", text);
  }

  // ---- 6: backward

  Markup backward() const {
    Markup text = paragraph(
        "From the last layer to the first: dy is what comes from above, dx what is handed down, dw and db "
        "are summed over the whole batch. Beside each gradient stands a finite difference: the loss computed "
        "anew, in double precision, with that one number nudged.");
    for (std::size_t i = trace_.layers.size(); i-- > 0;) text += layer_backward(trace_, i, sample_);
    return walk_step("backward", "6 · Backward: who is to blame", text);
  }

  Markup clipping() const {
    if (config_.max_grad_norm == 0)
      return walk_step(
          "clipping", "7 · No clipping",
          paragraph("max_grad_norm is 0: the gradient goes into the optimiser as it is. Its norm is " +
                    six_digits_of(trace_.gradient_norm) + "."));
    return walk_step(
        "clipping", "7 · Clipping",
        paragraph("A gradient longer than max_grad_norm is shortened to it; its direction stays.") +
            formula(mi("g") + mo("←") + mi("g") + mo("·") + mi("min") + mo("(") + mn(1) + mo(",") +
                    mfrac(mn(config_.max_grad_norm), mn(trace_.gradient_norm, 6)) + mo(")") + mo("=") +
                    mi("g") + mo("·") + mn(trace_.clip_factor, 6)));
  }

  // ---- 9, 10

  Markup priority() const {
    const TracedDraw& drawn = trace_.draws[n_];
    if (drawn.descent.empty())
      return walk_step("priority", "9 · No priorities",
                       paragraph("Draws are uniform: the error changes no transition's chance."));
    if (trace_.skipped)
      return walk_step(
          "priority", "9 · The priority stays",
          paragraph("A skipped step has no errors to learn from: the transition keeps its priority, " +
                    six_digits_of(drawn.priority) + "."));
    return walk_step(
        "priority", "9 · The new priority",
        paragraph("The transition goes back into the tree with the priority that its error gives it; the "
                  "sums on its way to the root are added up anew. Before the step its priority was " +
                  six_digits_of(drawn.priority) + ".") +
            formula(mi("p") + mo("=") + mi("|δ|") + mo("+") + mi("ε") + mo("=") +
                    mn(std::abs(value("td_error")), 6) + mo("+") + mn(config_.per_epsilon) + mo("=") +
                    mn(drawn.new_priority, 6)));
  }

  Markup outcome() const {
    const std::vector<double> before = row("q.now"), after = row("q.after");
    std::vector<std::vector<std::string>> rows = {{"action", "Q(s, a) before", "after", "change"}};
    for (std::size_t a = 0; a < before.size(); ++a)
      rows.push_back({update_.env.action_names[a] + (static_cast<Index>(a) == action() ? " (taken)" : ""),
                      six_digits_of(before[a]), six_digits_of(after[a]),
                      six_digits_of(after[a] - before[a])});
    if (trace_.skipped)
      return walk_step("outcome", "10 · What it did",
                       text_table(rows) + paragraph("Nothing: the step was skipped, and no weight moved."));
    const double d = value("y") - before[static_cast<std::size_t>(action())],
                 left = value("y") - after[static_cast<std::size_t>(action())];
    return walk_step(
        "outcome", "10 · What it did",
        text_table(rows) +
            paragraph(
                "The error of this transition was " + six_digits_of(d) + " and is " + six_digits_of(left) +
                " now. The step was made for the whole batch, so a single transition's error may grow."));
  }

  const UpdateTrace& trace_;
  const CapturedUpdate& update_;
  const TrainConfig& config_;
  Index sample_;
  std::size_t n_;
  const QChange& change_;
};

}  // namespace

std::string update_page(const UpdateTrace& trace, Index sample, const QChange& change,
                        const std::string& title) {
  const Index batch = trace.update.next.batch.size;
  if (sample < 0 || sample >= batch)
    fail("the batch of gradient step ", trace.update.number, " has ", batch,
         " transitions, numbered from 0; there is no ", sample);
  return page(title, Walk(trace, sample, change).text());
}

}  // namespace bellman
