"""The time that the steps of an audit take on a reference machine, by section and number of samples.

Only the ratios matter: whoever estimates the time left learns the speed of the machine. Timed by
`python -m benchmarks.audit_step_costs --sizes 10000 1000` on embeddings of 512 numbers.
"""

_REFERENCE = 1000  # samples
_COSTS: dict[str, tuple[float, float]] = {
    "health": (0.14, 0.3),
    "verification": (0.36, 1.1),
    "identification": (0.28, 0.8),
    "comparison of images": (0.01, 0.3),
    "errors of groups": (0.44, 1.0),
    "attribute map": (0.54, 0.6),
    "t-SNE": (3.7, 0.4),
    "verification within classes": (0.14, 1.1),
    "linear classifier: leakage": (6.3, 0.5),
    "MLP: leakage": (250, -0.1),
    "RBF-SVM: leakage": (5.3, 1.0),
    "random forest: leakage": (27, 0.5),
    "nearest neighbours: leakage": (2.2, 1.0),
    "gradient boosting: leakage": (21, 0.2),
    "quadratic discriminant analysis: leakage": (10, 0.2),
    "svm_pca: leakage": (16, 0.5),
    "the average of QDA and the RBF-SVM: leakage": (19, 0.5),
    "the most similar templates: leakage": (1.3, 0.8),
    "linear kernel classifier: leakage": (2.8, 0.8),
    "RBF kernel classifier: leakage": (3.8, 1.5),
    "permutation test": (5.2, 0.6),
    "information": (5.2, 0.6),
    "suppression": (4, 0.4),
    "t-SNE of a classifier": (9.7, 0.2),
}
"""Section -> seconds for the reference number of samples, and the power of the number that they grow with."""
_OTHER = (2.0, 1.0)  # for sections that were not timed


def expected_seconds(section: str, samples: int) -> float:
    """Return the seconds that a step is expected to take on the reference machine."""
    seconds, power = _COSTS.get(section, _OTHER)
    return float(seconds * (samples / _REFERENCE) ** power)
