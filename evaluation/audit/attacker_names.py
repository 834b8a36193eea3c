"""Names of the attackers and scalings for readers."""

_ATTACKERS = {
    "linear": ("a ", "linear classifier"),
    "mlp": ("an ", "MLP"),
    "rbf_svm": ("an ", "RBF-SVM"),
    "forest": ("a ", "random forest"),
    "knn": ("", "nearest neighbours"),
    "boosting": ("", "gradient boosting"),
    "qda": ("", "quadratic discriminant analysis"),
    "average": ("", "the average of QDA and the RBF-SVM"),
    "similarity": ("", "the most similar templates"),
    "kernel_linear": ("a ", "linear kernel classifier"),
    "kernel_rbf": ("an ", "RBF kernel classifier"),
}
_SCALINGS = {
    "raw": "raw rows",
    "robust": "robustly scaled rows",
    "unit": "unit-length rows",
}


def attacker_name(attacker: str, *, article: bool = False) -> str:
    """Return the name of an attacker for readers; a class path names an estimator of the user's."""
    before, name = _ATTACKERS.get(attacker, ("", attacker.rpartition(".")[2]))
    return before + name if article else name


def attack_name(attacker: str, scaling: str) -> str:
    """Return the name of an attacker with its scaling, if that is not the usual one: `an MLP on raw rows`."""
    by = attacker_name(attacker, article=True)
    return f"{by} on {_SCALINGS[scaling]}" if scaling in _SCALINGS else by
