"""INLP, iterative null-space projection (Ravfogel et al., ACL 2020)."""

import numpy as np
from sklearn.linear_model import LogisticRegression

from evaluation.erasers.projection import Projection, feature_deviation, known_rows, unerased_classes
from evaluation.samples.arrays import Floats, Ints


def fit_inlp(x: Floats, label: Ints, *, iterations: int = 20, penalty: float = 1.0) -> Projection:
    """Fit iterative null-space projection (Ravfogel et al., ACL 2020), with logistic regression.

    Each round fits a classifier with balanced class weights, and removes the directions that it uses. The
    rounds end early when the balanced accuracy on the training array is at chance. As the classifier
    overfits, this can cost most directions of a small array; `iterations` limits it. Directions are
    orthogonal among features of unit deviation, so the units of the features do not matter. Deterministic.

    Args:
        x: (N, D) training embeddings.
        label: (N,) classes, -1 where unknown; such rows are left out.
        iterations: upper bound on the rounds, each of which removes up to one direction for each class.
        penalty: inverse strength of the L2 penalty (scikit-learn's C).

    Raises:
        ValueError: see `known_rows`.
    """
    x, label = known_rows(x, label)
    center, deviation = x.mean(0), feature_deviation(x)
    unit = (x - center) / deviation
    classes = np.unique(label)
    matrix = np.eye(x.shape[1])
    for _ in range(iterations):
        seen = unit @ matrix
        probe = LogisticRegression(C=penalty, class_weight="balanced", max_iter=1000).fit(seen, label)
        recall = np.mean([(probe.predict(seen[label == c]) == c).mean() for c in classes])
        if recall <= 1 / len(classes):
            break
        read = probe.coef_ @ matrix  # the penalty keeps weights where data are, but for rounding
        _, size, directions = np.linalg.svd(read, full_matrices=False)
        directions = directions[size > 1e-6 * size[0]]
        matrix = matrix - matrix @ directions.T @ directions
        matrix = (matrix + matrix.T) / 2
    kept = unerased_classes(unit, label, matrix)
    return Projection(center, matrix / deviation[:, None] * deviation, kept)
