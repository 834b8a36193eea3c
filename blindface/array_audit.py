"""Audit embeddings that are given as arrays."""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from blindface.array_data import representations_of
from blindface.audit_result import AuditResult
from blindface.setting_keywords import make_settings
from evaluation.audit.run import run_audit
from evaluation.leakage.white_box import KnownMaps


def audit(
    X: Any,  # noqa: N803  # scikit-learn's name
    attributes: Any,
    *,
    subjects: Any = None,
    after: Mapping[str, Any] | None = None,
    splits: Any = None,
    blocks: Any = None,
    learned_from: Mapping[str, Any] | None = None,
    erasers: Mapping[str, KnownMaps] | None = None,
    cache: str | Path | None = None,
    **settings: Any,
) -> AuditResult:
    """Measure how much of each attribute embeddings reveal, and what hiding it cost.

    Args:
        X: (N, D) embeddings in which nothing is hidden: a NumPy array, torch tensor or DataFrame.
        attributes: name -> (N,) classes, or a DataFrame: text, whole numbers, booleans or categories. None
            and NaN are unknown.
        subjects: (N,) subject of each sample, of any type; None and NaN are unknown. Attackers are tested on
            other subjects than they learned from. Without subjects each sample counts as one of its own.
        after: name -> (N, D') embeddings of the same samples in which an attribute was hidden.
        splits: (N,) `train`, `val`, `test` or None: what the network and the eraser were trained and tuned
            on. By default validation and test are attacked. Without splits all samples are.
        blocks: (N,) what was drawn together, such as the frames of one video; None and NaN are blocks of
            their own. The permutation test shuffles a block as one.
        learned_from: name (`before` for X) -> (N,) bool, the samples that a representation's network or
            eraser learned from. With it the audit checks that it tests none of their subjects.
        erasers: name -> the eraser that made it of X, with the members of
            `evaluation.leakage.white_box.KnownMaps`. With `access=True` an attacker who knows it attacks too.
        cache: folder from which an interrupted audit resumes; None keeps nothing.
        **settings: any field of `evaluation.audit.settings.AuditSettings`, such as `attackers`, `folds`,
            `permutations` or `seed`.

    Returns:
        The result; `print(result.verdict())` says what was found.

    Raises:
        TypeError: there is no such setting.
        ValueError: arrays that do not fit, or settings that do not fit the data; one line.

    Examples:
        >>> result = audit(X, {"gender": gender}, subjects=ids, after={"leace": Z})
        >>> result.to_html("report.html")
    """
    chosen = make_settings(settings)
    representations = representations_of(
        X,
        attributes,
        subjects=subjects,
        after=after,
        splits=splits,
        blocks=blocks,
        learned_from=learned_from,
    )
    with TemporaryDirectory(prefix="blindface-") as temporary:
        folder = Path(temporary) if cache is None else Path(cache).expanduser()
        return AuditResult(run_audit(representations, chosen, folder, erasers=erasers), representations)
