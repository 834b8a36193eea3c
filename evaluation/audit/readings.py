"""Find the strongest reading of each representation, and compare it with that of the first one."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from evaluation.audit.cache import Frames
from evaluation.audit.result import STRONGEST
from evaluation.audit.rows import AuditRows
from evaluation.leakage.paired_readings import PairedReadings, paired_readings
from evaluation.leakage.strongest_reading import strongest_reading
from evaluation.samples.arrays import Ints
from evaluation.samples.labelled_samples import unique_unknown_ids
from evaluation.samples.representations import Representations

_READING = ["attacker", "scaling"]


class _Readings(NamedTuple):
    """All readings of one attribute in one representation."""

    table: pd.DataFrame
    """R rows with `attacker`, `scaling`, `learned_from`, `spread`."""
    correct: np.ndarray
    """(R, N) share of the repeats in which each sample was read correctly."""
    rows: Ints
    """(N,) rows of the samples."""

    def spread(self) -> np.ndarray:
        return self.table["spread"].fillna(0).to_numpy()

    def among(self, rows: Ints) -> "_Readings":
        """Return the readings of some of the samples."""
        return self._replace(correct=self.correct[:, np.isin(self.rows, rows)], rows=rows)

    def of(self, reading: tuple[str, str]) -> "_Readings":
        """Return the readings of one attacker and scaling, from any source of training subjects."""
        attacker, scaling = reading
        chosen = ((self.table["attacker"] == attacker) & (self.table["scaling"] == scaling)).to_numpy()
        return self._replace(table=self.table[chosen], correct=self.correct[chosen])


def compare_readings(
    frame: pd.DataFrame,
    representations: Representations,
    rows: AuditRows,
    attributes: Sequence[str],
    seed: int,
) -> Frames:
    """Choose the strongest reading of each representation, and compare it with that of the first.

    Args:
        frame: rows of `pack_correct` with `representation` and `attribute`.
        representations: their data; the folds kept the subjects of its `identity` together.
        rows: rows that were attacked.
        attributes: sensitive attributes.
        seed: seed of the intervals.

    Returns:
        `strongest`: of each representation and attribute `attacker`, `scaling`, `learned_from`,
        `balanced_accuracy`, `low`, `high` (see `strongest_reading`) and `chance`. With several
        representations also `removed`: of the others, for each attacker and scaling and for the attacker
        `strongest`, which compares the strongest before with the strongest after: `before`, `after`,
        `chance`, `difference` (after minus before) with `difference_low` and `difference_high`, `removed`
        (percent) with `removed_low` and `removed_high`, and `n` samples that both have.
    """
    subjects = unique_unknown_ids(representations.identity)
    first, *others = representations.embeddings
    strongest, removed = [], []
    for attribute in attributes:
        label = representations.labels[attribute]
        before = _readings(frame, representations, rows, first, attribute)
        strongest.append(_strongest(before, label, subjects, seed, first, attribute))
        for name in others:
            after = _readings(frame, representations, rows, name, attribute)
            strongest.append(_strongest(after, label, subjects, seed, name, attribute))
            common = np.intersect1d(before.rows, after.rows)
            sides = before.among(common), after.among(common)
            for reading in (
                None,
                *after.table[_READING].drop_duplicates().itertuples(index=False, name=None),
            ):
                one, two = sides if reading is None else (side.of(reading) for side in sides)
                if not len(one.table):
                    continue
                found = paired_readings(
                    label[common],
                    subjects[common],
                    one.correct,
                    two.correct,
                    one.spread(),
                    two.spread(),
                    seed,
                )
                attacker, scaling = reading or (STRONGEST, "any")
                about = {"representation": name, "attribute": attribute, "attacker": attacker}
                removed.append(about | {"scaling": scaling} | _removed(found) | {"n": len(common)})
    frames = {"strongest": pd.DataFrame(strongest)}
    return frames | ({"removed": pd.DataFrame(removed)} if removed else {})


def _readings(
    frame: pd.DataFrame, representations: Representations, rows: AuditRows, name: str, attribute: str
) -> _Readings:
    known = rows.tested[representations.present(name)[rows.tested]]
    known = known[representations.labels[attribute][known] >= 0]
    table = frame[(frame["representation"] == name) & (frame["attribute"] == attribute)]
    correct = np.stack([np.frombuffer(cell, np.float32) for cell in table["correct"]])
    return _Readings(table.drop(columns="correct"), correct, known)


def _strongest(
    readings: _Readings, label: Ints, subjects: Ints, seed: int, name: str, attribute: str
) -> dict[str, object]:
    label = label[readings.rows]
    found = strongest_reading(label, subjects[readings.rows], readings.correct, readings.spread(), seed)
    best = readings.table.iloc[found.row]
    return {
        "representation": name,
        "attribute": attribute,
        **{name: best[name] for name in (*_READING, "learned_from")},
        "balanced_accuracy": found.balanced_accuracy,
        "low": found.low,
        "high": found.high,
        "chance": 1 / len(np.unique(label)),
    }


def _removed(found: PairedReadings) -> dict[str, float]:
    return {
        "before": found.before.balanced_accuracy,
        "after": found.after.balanced_accuracy,
        **{
            name: getattr(found, name)
            for name in ("chance", "difference", "difference_low", "difference_high")
        },
        **{name: getattr(found, name) for name in ("removed", "removed_low", "removed_high")},
    }
