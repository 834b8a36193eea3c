"""LEACE, least-squares concept erasure (Belrose et al., NeurIPS 2023)."""

import numpy as np
import torch
from concept_erasure import LeaceFitter  # it ships no types

from evaluation.erasers.projection import Projection, feature_deviation, known_rows, unerased_classes
from evaluation.samples.arrays import Floats, Ints


def fit_leace(x: Floats, label: Ints, *, svd_tol: float = 1e-6, shrinkage: bool = True) -> Projection:
    """Fit LEACE (Belrose et al., NeurIPS 2023): the least change that defeats every linear probe of a label.

    r(x) = x - W^+ U U^T W (x - mean), with W = Sigma_xx^(-1/2) and U the left singular vectors of
    W Sigma_xz. The label is always one-hot, or a class in the middle would stay linearly readable.
    (The package's `constrain_cov_trace` is off: this projection cannot increase the trace, but the mixture
    that the option falls back to is not a projection.)

    Features and classes are scaled to unit deviation, so that Sigma_xz holds correlations. Neither scale
    changes the projection (U spans the same space), but both decide what counts as 0. The deviation of a
    class of share p is sqrt(p (1 - p)): unscaled, a class of 1 in 1,000 would have to be 16 times as far away
    as one of a half. A correlation estimated from N samples is uncertain by 1 / sqrt(N); the default
    tolerance therefore keeps only directions that are 0 up to rounding. Erasing a direction of noise costs
    one of D; keeping a direction with signal leaves the class readable.

    Args:
        x: (N, D) training embeddings.
        label: (N,) classes, -1 where unknown; such rows are left out.
        svd_tol: singular values of W Sigma_xz, canonical correlations if the classes are as large, up to this
            count as 0.
        shrinkage: estimate Sigma_xx by linear shrinkage, as the package does unless told otherwise. Where the
            weight of the sample covariance would be negative, as for features that are uncorrelated already
            (principal components), it is taken as 0; the package would leave directions unerased.

    Raises:
        ValueError: see `known_rows`, or a tolerance that is not above 0.
    """
    if not svd_tol > 0:
        raise ValueError(f"svd_tol must be above 0, not {svd_tol}")
    x, label = known_rows(x, label)
    center, deviation = x.mean(0), feature_deviation(x)
    unit = (x - center) / deviation
    classes, counts = np.unique(label, return_counts=True)
    share = counts / len(label)
    one_hot = (label[:, None] == classes) / np.sqrt(share * (1 - share))
    fitter = LeaceFitter.fit(
        torch.from_numpy(unit),
        torch.from_numpy(one_hot),
        svd_tol=svd_tol,
        shrinkage=shrinkage,
        method="orth" if shrinkage and _all_shrinkage(unit) else "leace",
        constrain_cov_trace=False,
    )
    matrix = fitter.eraser.P.numpy().T
    kept = unerased_classes(unit, label, matrix)
    return Projection(center, matrix / deviation[:, None] * deviation, kept)


def _all_shrinkage(x: Floats) -> bool:
    """Return whether shrinkage of centred features (N, D) would weigh their covariance negatively.

    The weight is 1 - (tr S)^2 / N / (|S|^2 - (tr S)^2 / D) (Bodnar et al., Journal of Multivariate Analysis
    132, 2014).
    """
    covariance = x.T @ x / len(x)
    trace = np.trace(covariance) ** 2
    return bool((covariance**2).sum() - trace / len(covariance) < trace / len(x))
