"""Make the data of an audit from arrays."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from blindface.label_columns import as_classes, as_codes, as_column, as_splits
from blindface.matrices import as_matrix, check_index
from evaluation.samples.arrays import Ints
from evaluation.samples.representations import Representations
from evaluation.samples.wording import printable

BEFORE = "before"


def representations_of(
    X: Any,  # noqa: N803  # scikit-learn's name
    attributes: Any,
    *,
    subjects: Any = None,
    after: Mapping[str, Any] | None = None,
    splits: Any = None,
    blocks: Any = None,
    learned_from: Mapping[str, Any] | None = None,
    sample_id: Any = None,
    before: str = BEFORE,
) -> Representations:
    """Check arrays and make them the data of an audit; see `audit` for the arguments.

    Args:
        X: (N, D).
        attributes: name -> (N,), or a DataFrame.
        subjects: (N,).
        after: name -> (N, D').
        splits: (N,).
        blocks: (N,).
        learned_from: name -> (N,) bool.
        sample_id: (N,) names of the samples; None numbers them.
        before: name of X.

    Raises:
        ValueError: see `as_matrix`, `as_classes` and `as_column`; one line.
    """
    embeddings = {before: as_matrix(X, "X")}
    n = len(embeddings[before])
    for name, x in _named({} if after is None else after, "after", "{'leace': Z}"):
        if name in embeddings:
            raise ValueError(f"after has a representation called {name!r}, as X is; rename it")
        check_index(x, X, f"after[{name!r}]")
        embeddings[name] = as_matrix(x, f"after[{name!r}]", n)
    labels, classes = {}, {}
    for name, values in _named(attributes, "attributes", "{'gender': g}"):
        check_index(values, X, name)
        labels[name], classes[name] = as_classes(values, name, n)
    if not labels:
        raise ValueError("attributes is empty; name one at least, such as {'gender': g}")
    for values, name in ((subjects, "subjects"), (splits, "splits"), (blocks, "blocks")):
        check_index(values, X, name)
    identity = np.full(n, -1) if subjects is None else as_codes(subjects, "subjects", n)
    names = np.arange(n) if sample_id is None else as_column(sample_id, "sample_id", n).to_numpy()
    return Representations(
        embeddings=embeddings,
        labels=labels,
        classes=classes,
        identity=identity,
        split=np.full(n, -1) if splits is None else as_splits(splits, n),
        sample_id=names.astype(str),
        block=None if blocks is None else as_codes(blocks, "blocks", n),
        seen=_seen({} if learned_from is None else learned_from, embeddings, identity),
    )


def _named(values: Any, name: str, example: str) -> list[tuple[str, Any]]:
    """List the items of a mapping or the columns of a DataFrame, by printable names."""
    if not isinstance(values, Mapping | pd.DataFrame):
        raise ValueError(f"{name} must be a dict of arrays, such as {example}, not {type(values).__name__}")
    items = [(printable(str(key)), value) for key, value in values.items()]
    if twins := {key for key, _ in items if [other for other, _ in items].count(key) > 1}:
        raise ValueError(f"{name} has two entries that are both written {min(twins)!r}; rename one")
    return items


def _seen(learned_from: Mapping[str, Any], embeddings: Mapping[str, Any], identity: Ints) -> dict[str, Ints]:
    """Spread what each representation learned from to all samples of the subjects concerned."""
    seen = {}
    for name, mask in _named(learned_from, "learned_from", "{'leace': train}"):
        if name not in embeddings:
            raise ValueError(
                f"learned_from: there is no representation {name!r}; there are {', '.join(embeddings)}"
            )
        column = as_column(mask, f"learned_from[{name!r}]", len(identity))
        if column.dtype != bool:
            raise ValueError(f"learned_from[{name!r}] must be booleans, one for each sample")
        learned = column.to_numpy()
        known = identity >= 0
        subjects = np.unique(identity[learned & known])
        seen[name] = np.where(learned | np.isin(identity, subjects), 1, np.where(known, 0, -1))
    return seen
