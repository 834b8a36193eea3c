"""INLP, iterative null-space projection (Ravfogel et al., ACL 2020)."""

import numpy as np
from sklearn.linear_model import LogisticRegression

from evaluation.erasers.projection import Projection, feature_deviation, known_rows, unerased_classes
from evaluation.samples.arrays import Floats, Ints


def fit_inlp(x: Floats, label: Ints, *, iterations: int = 20, penalty: float = 1.0) -> Projection:
    """Iterative null-space projection (Ravfogel et al., ACL 2020), with logistic regression.

    Each round fits a classifier that weighs the classes evenly, and removes the directions that it reads. It
    ends early when the classifier recalls the classes of the training array no better than chance. Since it
    over-fits, that can cost most directions of a small array; `iterations` limits it. Directions are
    orthogonal among features of unit deviation, so no feature's unit matters. Deterministic.

    Args:
        x: (N, D) training embeddings.
        label: (N,) classes, -1 where unknown; such rows are left out.
        iterations: most rounds, each of which removes up to as many directions as there are classes.
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
