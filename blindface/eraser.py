"""Erasers as scikit-learn transformers."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d, validate_data

from blindface.label_columns import as_classes, as_codes
from blindface.matrices import as_matrix
from evaluation.erasers.matching import Matching
from evaluation.erasers.methods import FITS, Method, needs_label, options_of, takes_subjects
from evaluation.erasers.transport import Transport
from evaluation.samples.arrays import Ints


class Eraser(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Erase an attribute from embeddings, or blur them as a control.

    Args:
        method: `leace`, `inlp`, `transport` or `matching`, which erase an attribute; `pca` or `noise`, the
            controls.
        options: of the method, such as `{"iterations": 5}` for `inlp`; see `evaluation/erasers`.

    Attributes:
        transformation_: maps (M, D) embeddings to erased ones. That of `transport` has the `key` of its noise
            and takes `contents`, see `evaluation.erasers.transport`; without the option `key` one is drawn.
        classes_: the classes that were erased, sorted; None for a control.
        n_features_in_: D.
        n_samples_: number of samples that it learned from.

    The eraser learns from the rows given to `fit`; an audit should test other subjects.
    """

    def __init__(self, method: Method = "leace", options: Mapping[str, Any] | None = None) -> None:
        self.method = method
        self.options = options

    def fit(self, X: Any, y: Any = None, subjects: Any = None) -> "Eraser":  # noqa: N803  # scikit-learn's name
        """Fit the eraser.

        Args:
            X: (N, D) embeddings.
            y: (N,) classes of the attribute; None and NaN are unknown, and their rows are not learned from.
                The controls use none. (Rows of unknown class decide on the components of `transport` and
                `matching`.)
            subjects: (N,) subject of each sample, for the folds of `transport` and the identity loss of
                `matching`; None and NaN are subjects of their own. The other methods use none.

        Raises:
            ValueError: no such method or option, arrays that do not fit, or fewer than two classes.
        """
        if self.method not in FITS:
            raise ValueError(f"method is {self.method!r}, it must be one of {', '.join(FITS)}")
        options = dict(self.options or {})
        for name in options:
            if name not in (known := options_of(self.method)):
                near = get_close_matches(name, known, n=1)
                hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(known)}"
                raise ValueError(f"{self.method} has no option {name!r}; {hint}")
        x = validate_data(self, X, dtype=(np.float64, np.float32), ensure_min_samples=2)
        self.classes_: np.ndarray | None = None
        labels: list[Ints] = []
        self.n_samples_ = len(x)
        if needs_label(self.method):
            if y is None:
                raise ValueError(f"{self.method} requires y to be passed, but the target y is None")
            y = column_or_1d(y, warn=True)
            check_consistent_length(x, y)
            numbers, classes = pd.factorize(pd.Series(y), sort=True)
            self.classes_, labels = np.asarray(classes), [numbers.astype(np.int64)]
            self.n_samples_ = int((numbers >= 0).sum())
        if takes_subjects(self.method):
            self.n_samples_ = len(x)
            labels.append(np.full(len(x), -1) if subjects is None else as_codes(subjects, "subjects", len(x)))
        self.transformation_ = FITS[self.method](x.astype(np.float64), *labels, **options)
        return self

    def transform(self, X: Any) -> np.ndarray:  # noqa: N803
        """Erase embeddings (M, D); returns (M, D) of the same float type.

        Those of `transport` are (M, components), of `matching` (M, dimensions).
        """
        check_is_fitted(self)
        x = validate_data(self, X, dtype=(np.float64, np.float32), reset=False)
        return self.transformation_(x).astype(x.dtype)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Name the features of `transform`; those of `transport` and `matching` are new ones."""
        names = super().get_feature_names_out(input_features)
        if not isinstance(self.transformation_, Transport | Matching):
            return names
        width = self.transformation_(np.ones((1, self.n_features_in_))).shape[1]
        return np.array([f"{self.method}{i}" for i in range(width)], dtype=object)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = self.method in FITS and needs_label(self.method)
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def erase(
    X: Any,  # noqa: N803
    s: Any = None,
    method: Method = "leace",
    *,
    subjects: Any = None,
    **options: Any,
) -> Eraser:
    """Fit an eraser to arrays of any type.

    Args:
        X: (N, D) embeddings to learn from: a NumPy array, torch tensor or DataFrame.
        s: (N,) classes of the attribute: text, whole numbers, booleans or categories; None and NaN are
            unknown. A DataFrame of several attributes erases the combinations of their classes. The controls
            `pca` and `noise` use none.
        method: `leace`, `inlp`, `transport`, `matching`, `pca` or `noise`.
        subjects: (N,) subject of each sample, see `Eraser.fit`.
        **options: of the method.

    Returns:
        The fitted transformer; `erase(X, s).transform(X)` are the erased embeddings.

    Raises:
        ValueError: as `Eraser.fit`, `as_matrix` and `as_classes`.
    """
    eraser = Eraser(method, options)
    x = as_matrix(X, "X")
    if s is None:
        return eraser.fit(x)
    if isinstance(s, pd.DataFrame):
        s = _crossed(s, len(x))
    numbers, names = as_classes(s, "s", len(x))
    return eraser.fit(x, np.array([*names, None], dtype=object)[numbers], subjects)


def _crossed(attributes: pd.DataFrame, rows: int) -> np.ndarray:
    """Name the combination of classes of each row, (N,); None where one of them is unknown."""
    parts = []
    for name in attributes.columns:
        numbers, names = as_classes(attributes[name], str(name), rows)
        parts.append(np.array([*names, None], dtype=object)[numbers])
    return np.array(
        [None if None in row else ", ".join(row) for row in zip(*parts, strict=True)], dtype=object
    )
