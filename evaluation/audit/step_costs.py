"""The time that the steps of an audit take on a reference machine, by section and number of samples.

Only the ratios matter: whoever estimates the time left learns the speed of the machine. Timed by
`python -m benchmarks.audit_step_costs` on 10,000 embeddings of 512 numbers; a power of 1 is assumed.
"""

_REFERENCE = 1000  # samples
_COSTS: dict[str, tuple[float, float]] = {
    "health": (0.032, 1.0),
    "verification": (0.53, 1.0),
    "identification": (0.2, 1.0),
    "comparison of images": (0.002, 1.0),
    "errors of groups": (0.51, 1.0),
    "attribute map": (0.24, 1.0),
    "t-SNE": (1.2, 1.0),
    "verification within classes": (0.18, 1.0),
    "linear classifier: leakage": (2.3, 1.0),
    "MLP: leakage": (19.0, 1.0),
    "RBF-SVM: leakage": (4.6, 1.0),
    "random forest: leakage": (7.6, 1.0),
    "nearest neighbours: leakage": (1.8, 1.0),
    "gradient boosting: leakage": (14.0, 1.0),
    "quadratic discriminant analysis: leakage": (1.8, 1.0),
    "svm_pca: leakage": (5.1, 1.0),
    "the average of QDA and the RBF-SVM: leakage": (5.7, 1.0),
    "the most similar templates: leakage": (0.97, 1.0),
    "linear kernel classifier: leakage": (1.8, 1.0),
    "RBF kernel classifier: leakage": (19.0, 1.0),
    "permutation test": (2.7, 1.0),
}
"""Section -> seconds for the reference number of samples, and the power of the number that they grow with."""
_OTHER = (2.0, 1.0)  # for sections that were not timed


def expected_seconds(section: str, samples: int) -> float:
    """Return the seconds that a step is expected to take on the reference machine."""
    seconds, power = _COSTS.get(section, _OTHER)
    return float(seconds * (samples / _REFERENCE) ** power)
