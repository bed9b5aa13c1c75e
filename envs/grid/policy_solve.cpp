#include <cstddef>

#include <Eigen/SparseCore>
#include <Eigen/SparseLU>

#include "core/base/check.h"
#include "envs/grid/value_iteration.h"

namespace bellman {
namespace {

using Sparse = Eigen::SparseMatrix<double>;

constexpr int kNotSolvedFor = -1;

/// The Markov chain of a policy, and the linear system of its values:
///   (I - gamma P) v = r   over the states from which a reward is reachable; v = 0 in all others.
class PolicyChain {
 public:
  PolicyChain(const TabularMdp& mdp, std::span<const std::int32_t> policy, double gamma)
      : mdp_(mdp), policy_(policy), gamma_(gamma), number_(static_cast<std::size_t>(mdp.num_states())) {
    find_unknowns();
    if (gamma == 1) require_ends();
  }

  std::vector<double> solve() const {
    std::vector<double> v(number_.size(), 0.0);
    const auto unknowns = static_cast<Eigen::Index>(states_.size());
    if (unknowns == 0) return v;
    const Sparse matrix = system();
    Eigen::SparseLU<Sparse> lu;
    lu.compute(matrix);
    if (lu.info() != Eigen::Success)
      fail("values with gamma ", gamma_, " of ", unknowns, " states: the system is singular");
    // Iterative refinement: residuals in higher precision correct the elimination's rounding.
    constexpr int kRefinements = 2;
    for (int i = 0; i <= kRefinements; ++i) {
      const Eigen::VectorXd correction = lu.solve(residual(v));
      for (Eigen::Index k = 0; k < unknowns; ++k)
        v[static_cast<std::size_t>(states_[static_cast<std::size_t>(k)])] += correction[k];
    }
    return v;
  }

 private:
  std::span<const Outcome> outcomes(std::int32_t s) const {
    return mdp_.outcomes(s, policy_[static_cast<std::size_t>(s)]);
  }
  template <class Is>
  bool any_outcome(std::int32_t s, const Is& is) const {
    for (const Outcome& o : outcomes(s))
      if (o.probability > 0 && is(o)) return true;
    return false;
  }

  /// The states that `first` selects, and all that lead to them.
  template <class First>
  std::vector<char> states_leading_to(const First& first) const {
    const auto states = number_.size();
    std::vector<std::int32_t> begin(states + 1, 0), before;  // of each state: its predecessors
    const auto each_edge = [&](const auto& edge) {
      for (std::int32_t s = 0; s < mdp_.num_states(); ++s)
        if (mdp_.playable(s))
          for (const Outcome& o : outcomes(s))
            if (o.probability > 0 && !o.terminated) edge(s, static_cast<std::size_t>(o.next));
    };
    each_edge([&](std::int32_t, std::size_t to) { ++begin[to]; });
    for (std::size_t s = 1; s <= states; ++s) begin[s] += begin[s - 1];
    before.resize(static_cast<std::size_t>(begin[states]));
    each_edge(
        [&](std::int32_t from, std::size_t to) { before[static_cast<std::size_t>(--begin[to])] = from; });
    std::vector<char> leads(states, 0);
    std::vector<std::int32_t> open;
    const auto reach = [&](std::int32_t s) {
      if (leads[static_cast<std::size_t>(s)]) return;
      leads[static_cast<std::size_t>(s)] = 1;
      open.push_back(s);
    };
    for (std::int32_t s = 0; s < mdp_.num_states(); ++s)
      if (mdp_.playable(s) && first(s)) reach(s);
    while (!open.empty()) {
      const auto to = static_cast<std::size_t>(open.back());
      open.pop_back();
      for (std::int32_t i = begin[to]; i < begin[to + 1]; ++i) reach(before[static_cast<std::size_t>(i)]);
    }
    return leads;
  }

  void find_unknowns() {
    const auto pays = [](const Outcome& o) { return o.reward != 0; };
    const std::vector<char> wanted = states_leading_to([&](std::int32_t s) { return any_outcome(s, pays); });
    for (std::size_t s = 0; s < number_.size(); ++s) {
      number_[s] = wanted[s] ? static_cast<int>(states_.size()) : kNotSolvedFor;
      if (wanted[s]) states_.push_back(static_cast<std::int32_t>(s));
    }
  }

  /// Throws: Error when rewards never end, for gamma = 1.
  void require_ends() const {
    const auto ends = [this](const Outcome& o) {
      return o.terminated || number_[static_cast<std::size_t>(o.next)] == kNotSolvedFor;
    };
    const std::vector<char> leads = states_leading_to([&](std::int32_t s) { return any_outcome(s, ends); });
    for (const std::int32_t s : states_)
      if (!leads[static_cast<std::size_t>(s)])
        fail("with gamma 1, state ", s, " has no finite value: rewards follow without an end");
  }

  Sparse system() const {
    std::vector<Eigen::Triplet<double>> entries;
    for (std::size_t k = 0; k < states_.size(); ++k) {
      const int row = static_cast<int>(k);
      entries.emplace_back(row, row, 1.0);
      for (const Outcome& o : outcomes(states_[k]))
        if (const int column = number_[static_cast<std::size_t>(o.next)];
            !o.terminated && column != kNotSolvedFor)
          entries.emplace_back(row, column, -gamma_ * o.probability);
    }
    const auto size = static_cast<Eigen::Index>(states_.size());
    Sparse matrix(size, size);
    matrix.setFromTriplets(entries.begin(), entries.end());
    matrix.makeCompressed();
    return matrix;
  }

  /// r - (I - gamma P) v.
  Eigen::VectorXd residual(std::span<const double> v) const {
    Eigen::VectorXd result(static_cast<Eigen::Index>(states_.size()));
    for (std::size_t k = 0; k < states_.size(); ++k) {
      long double sum = -static_cast<long double>(v[static_cast<std::size_t>(states_[k])]);
      for (const Outcome& o : outcomes(states_[k])) {
        const double future = o.terminated ? 0.0 : v[static_cast<std::size_t>(o.next)];
        sum +=
            static_cast<long double>(o.probability) * (o.reward + static_cast<long double>(gamma_) * future);
      }
      result[static_cast<Eigen::Index>(k)] = static_cast<double>(sum);
    }
    return result;
  }

  const TabularMdp& mdp_;
  std::span<const std::int32_t> policy_;
  double gamma_;
  std::vector<int> number_;           // of each state: its row of the system
  std::vector<std::int32_t> states_;  // of each row
};

}  // namespace

std::vector<double> solve_policy(const TabularMdp& mdp, std::span<const std::int32_t> policy, double gamma) {
  return PolicyChain(mdp, policy, gamma).solve();
}

}  // namespace bellman
