"""Verification of listed pairs: View 1 or View 2 of LFW, or pairs of other images in its format."""

from dataclasses import dataclass, replace
from math import sqrt
from typing import Literal

import numpy as np
import pandas as pd

from evaluation.samples.arrays import Floats, Ints
from evaluation.samples.intervals import wilson_interval
from evaluation.verification.lfw_protocol import PairRows, lfw_view1, lfw_view2
from evaluation.verification.pair_tiles import Metric

_METRICS: tuple[Metric, ...] = ("cosine", "euclidean")


@dataclass(frozen=True, eq=False)
class ListedPairs:
    """The pairs of one view, as rows of representations.

    Attributes:
        test: pairs that are classified; those of View 2 choose the thresholds as well, see `lfw_view2`.
        train: pairs that View 1 chooses its threshold on; None means View 2.
        official: whether they are LFW's own.
    """

    test: PairRows
    train: PairRows | None = None
    official: bool = False

    @property
    def view(self) -> Literal[1, 2]:
        """Number of the view."""
        return 2 if self.train is None else 1

    @property
    def description(self) -> str:
        """Text for a report: numbers of pairs and their origin."""
        sizes = [f"{len(self.test.same):,} tested"]
        sizes += [f"{len(self.train.same):,} that choose the threshold"] if self.train else []
        return f"{', '.join(sizes)}; {'LFW' if self.official else 'not LFW'}'s own"

    @property
    def columns(self) -> list[np.ndarray]:
        """Arrays that the figures depend on besides the embeddings."""
        return [*self.test, *(self.train or ()), np.array(self.official)]

    def among(self, present: np.ndarray) -> "ListedPairs":
        """Return the pairs without scores where a row is not `present` (N,) bool."""
        return replace(
            self, test=_among(self.test, present), train=self.train and _among(self.train, present)
        )

    def measure(self, embedding: Floats) -> dict[str, pd.DataFrame]:
        """Evaluate both metrics on an embedding (N, D); accuracies are in [0, 1].

        Returns:
            `lfw_view1`: `metric`; `accuracy` of the test pairs with `standard_error` and the 95 % interval
            (Wilson) `low` to `high`, as if pairs were independent; `threshold`; `auc`; `eer`; `pairs`;
            `missing`, those without a score; `train_pairs` and `train_missing`; `official`.

            Or `lfw_view2`: `metric`, `accuracy`, `standard_error` (over the folds), `auc`, `eer`, `pairs`,
            `missing`, `folds`, `official`; and `lfw_view2_folds`: `metric`, `fold` from 1, `accuracy`,
            `threshold`.

        Raises:
            ValueError: see `lfw_view1` and `lfw_view2`.
        """
        return self._view2(embedding) if self.train is None else self._view1(embedding, self.train)

    def _view1(self, embedding: Floats, train: PairRows) -> dict[str, pd.DataFrame]:
        rows = []
        for metric in _METRICS:
            found = lfw_view1(embedding, train, self.test, metric)
            low, high = wilson_interval(round(found.accuracy * found.pairs), found.pairs)
            error = sqrt(found.accuracy * (1 - found.accuracy) / found.pairs)
            rows.append(
                {"metric": metric, **found._asdict(), "low": low, "high": high, "standard_error": error}
            )
        known = {"train_pairs": len(train.same), "train_missing": int(without_score(train).sum())}
        return {"lfw_view1": pd.DataFrame(rows).assign(**known, official=self.official)}

    def _view2(self, embedding: Floats) -> dict[str, pd.DataFrame]:
        rows, folds = [], []
        for metric in _METRICS:
            row = {"metric": metric, **lfw_view2(embedding, self.test, metric)._asdict()}
            each = {"accuracy": row.pop("accuracies"), "threshold": row.pop("thresholds")}
            folds.append(pd.DataFrame({"metric": metric, "fold": np.unique(self.test.fold) + 1, **each}))
            rows.append(row | {"folds": len(folds[-1]), "official": self.official})
        return {"lfw_view2": pd.DataFrame(rows), "lfw_view2_folds": pd.concat(folds, ignore_index=True)}

    def caveats(self, split: Ints) -> list[str]:
        """Write sentences on the limits of the figures.

        Args:
            split: (N,) split of each row, 0 for training.
        """
        sentences, test = [], self.test
        title = f"{'LFW ' if self.official else ''}View {self.view}"
        kind = "test pairs" if self.train else "pairs"
        reason = "have an image without an embedding, such as one in which no face was found"
        if lost := int(without_score(test).sum()):
            sentences.append(
                f"{title}: {lost:,} of the {len(test.same):,} {kind} {reason}; each counts as an error."
            )
        if self.train and (lost := int(without_score(self.train).sum())):
            sentences.append(
                f"{title}: {lost:,} of the {len(self.train.same):,} training pairs {reason}; they have no "
                "part in choosing the threshold."
            )
        trained = np.append(split == 0, False)  # the last is of row -1
        if seen := int((trained[test.first] | trained[test.second]).sum()):
            sentences.append(
                f"{title}: {seen:,} of the {len(test.same):,} {kind} show somebody of the training split; a "
                "representation that was trained on these people does better with them than with others."
            )
        return sentences


def without_score(pairs: PairRows) -> np.ndarray:
    """Find the pairs with an image without an embedding, (n,) bool."""
    return (np.asarray(pairs.first) < 0) | (np.asarray(pairs.second) < 0)


def _among(pairs: PairRows, present: np.ndarray) -> PairRows:
    first, second = (np.where((rows >= 0) & present[rows], rows, -1) for rows in (pairs.first, pairs.second))
    return pairs._replace(first=first, second=second)
