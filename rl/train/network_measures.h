// What the tensors of a gradient step say of a network, each as one number, with its formula and source.
//
// Nothing here changes anything. Sums are in double. Arrays are row-major: letters as in core/base/tensor.h, U units.
#pragma once

#include <span>
#include <vector>

#include "core/base/tensor.h"

namespace bellman {

/// ||x|| = sqrt(sum_i x_i^2).
double euclidean_norm(std::span<const float> x);

/// ||a - b||. REQUIRES: as many numbers in both.
double euclidean_distance(std::span<const float> a, std::span<const float> b);

/// 1/N sum_i |a_i - b_i|. REQUIRES: as many numbers in both, at least one.
double mean_distance(std::span<const float> a, std::span<const float> b);

/// The number with the share p of the others below it: x_(k) of the ascending x_(0) .. x_(N-1), k = floor(p (N - 1)).
/// NumPy calls it the quantile of method "lower". REQUIRES: ascending numbers, at least one; p in [0, 1].
double lower_quantile(std::span<const double> ascending, double p);

/// mean_n |h_ni| of each output i of a layer. outputs (B,U).
std::vector<double> activities(std::span<const float> outputs, Index batch);

/// The share of a relu's outputs that are 0 for every sample. activities (U).
double dead_share(std::span<const double> activities);

/// tau of Sokar et al. 2023.
inline constexpr double kDormantThreshold = 0.025;

/// Sokar et al. 2023, definition 3.1. The score of unit i of a layer,
///   s_i = mean_n |h_ni| / (1/U sum_k mean_n |h_nk|),
/// is its activity over the layer's. The share of the units with s_i <= tau; 1 for a layer that is 0 throughout. A
/// channel is one unit: its mean is also over its positions. activities (U) or (U,H,W).
double dormant_share(std::span<const double> activities, Index units, double tau = kDormantThreshold);

/// Kish 1965: (sum_n w_n)^2 / sum_n w_n^2, how many equally weighted samples are worth as much. B for equal weights,
/// near 1 when one outweighs the rest. NaN when all are 0.
double effective_sample_size(std::span<const float> weights);

/// delta of Kumar et al. 2021.
inline constexpr double kRankThreshold = 0.01;

/// Kumar et al. 2021, section 3: with the singular values sigma_1 >= sigma_2 >= .. of the features,
///   srank_delta = min { k : (sum_(i<=k) sigma_i) / (sum_i sigma_i) >= 1 - delta }.
/// 0 for features that are all 0. features (B,U).
///
/// sigma_i are roots of the eigenvalues of the smaller of F F^T and F^T F. That costs a third of a decomposition of F. Each
/// is off by about 1e-8 sigma_1, which no threshold of a percent notices.
Index effective_rank(std::span<const float> features, Index batch, double delta = kRankThreshold);

/// Schaul et al. 2022, eq. 1: the share of the states whose greedy action, the first with the largest Q, is another by
/// `after` than by `before`. (B,A) both.
double policy_churn(std::span<const float> before, std::span<const float> after, Index actions);

}  // namespace bellman
