"""Leakage by what the attacker has: labelled embeddings, pairs of both representations, several images."""

from collections.abc import Iterator
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from evaluation.leakage.fold_probes import PROBES, FoldProbes, Split, splits_of
from evaluation.leakage.fused_samples import classes_of_groups, draw_groups, fuse
from evaluation.leakage.reconstruction import reconstruct
from evaluation.leakage.shuffled_labels import possible_schemes
from evaluation.leakage.strongest_reading import strongest_reading
from evaluation.leakage.white_box import KnownMaps, predict_by_candidates
from evaluation.probes.kernel_probe import KERNELS, KernelProbe
from evaluation.samples.arrays import Floats, Ints
from evaluation.samples.audited_samples import (
    AuditedSamples,
    audited_samples,
    draw_samples,
    reindex,
    subsample_subjects,
)
from evaluation.samples.labelled_samples import (
    Samples,
    known_subjects,
    subjects_of,
    take_samples,
)

Access = Literal["retrained", "pairs", "fused", "fused scores", "white box"]

FUSED: dict[str, int | None] = {"2": 2, "4": 4, "all": None}
"""Number of images of a subject that are fused, by its name."""


class _Attacked(NamedTuple):
    """The samples that are tested, and after them those that are only learned from."""

    samples: AuditedSamples
    tested: int
    folds: int
    seed: int

    @property
    def splits(self) -> list[Split]:
        """Divide the tested subjects into folds; the others are learned from in all."""
        return splits_of(self.samples.subjects, self.folds, self.seed, self.tested)


def access_leakage(
    samples: Samples,
    access: Access,
    before: Floats | None = None,
    *,
    extra: Samples | None = None,
    extra_before: Floats | None = None,
    folds: int = 5,
    seed: int = 0,
    max_samples: int = 3000,
    maps: KnownMaps | None = None,
) -> pd.DataFrame:
    """Measure what an attacker reads of subjects it has not learned from, by what it has.

    - `retrained`: embeddings of other subjects with their labels, from which the two kernel probes learn.
    - `pairs`: each image of other subjects in both representations, and their labels. The attacker learns to
      reconstruct the original embedding from the audited one, learns the attribute from the originals, and
      reads it from reconstructions.
    - `fused`: several images of one subject, whose embeddings are averaged, in training and test. Where the
      attribute changes within subjects, they are of one class too: the attacker has to know that they show
      the same, as frames of one take do.
    - `fused scores`: the same groups in test alone. Probes learn from single images, and the scores of the
      images of a group are added: a direction that one subject's images share is not lost in a mean.
    - `white box`: as `pairs`, and all of the eraser but the key of its noise. The attacker inverts the map of
      each class, see `predict_by_candidates`.

    Args:
        samples: N samples of the audited representation and one attribute.
        access: see above.
        before: (N, D') original embeddings of the same samples; needed by `pairs` and `white box`.
        extra: samples that attackers learn from in every fold, but those of tested subjects and of classes
            that are not tested.
        extra_before: original embeddings of the extra samples, likewise.
        folds: number of folds of the subjects.
        seed: seed of folds, groups of images, intervals and the subsamples.
        max_samples: with more samples, or more extra ones, subjects are drawn at random.
        maps: the eraser; needed by `white box`.

    Returns:
        One row for each number of fused images and each kernel, on its best scaling: `access`; `images` (`1`;
        or `2`, `4` and `all` that are fused); `attacker` (`kernel_linear`, `kernel_rbf`);
        `balanced_accuracy`; `low` and `high`, its 95 % interval over subjects; `n` tested samples, or means
        of fused ones, of `people` subjects. A number of images is left out if the means are of one class, or
        of fewer subjects than folds.

    Raises:
        ValueError: `pairs` or `white box` without originals of all samples, or with those of another length;
            `white box` without `maps`; or see `audited_samples`.
    """
    width = np.shape(samples.embedding)[-1]
    if access in ("pairs", "white box"):
        samples = _beside(samples, before, access)
        extra = None if extra is None else _beside(extra, extra_before, access)
    drawn = draw_samples(samples, max_samples, seed)
    known = audited_samples(drawn, folds)
    attacked = _Attacked(known, len(known.label), folds, seed)
    if extra is not None:
        usable = np.isin(extra.label, drawn.label) & ~np.isin(subjects_of(extra), known_subjects(samples))
        extra = take_samples(extra, usable)
        if len(extra.label):
            rows = subsample_subjects(reindex(subjects_of(extra)), max_samples, seed)
            attacked = attacked._replace(samples=_joined(known, drawn, take_samples(extra, rows)))
    if access == "fused":
        parts = list(_fused(attacked))
    elif access == "fused scores":
        parts = list(_fused(attacked, FoldProbes(attacked.samples.embedding, attacked.splits)))
    elif access == "pairs":
        parts = [("1", attacked, _predict_by_pairs(attacked, width))]
    elif access == "white box":
        if maps is None:
            raise ValueError("the access `white box` needs the maps of the eraser")
        after, originals = np.split(attacked.samples.embedding, [width], axis=1)
        erased = attacked.samples._replace(embedding=after)
        parts = [("1", attacked, predict_by_candidates(erased, originals, maps, attacked.splits, seed))]
    else:
        parts = [("1", attacked, _predict(attacked))]
    table = []
    for images, found, predictions in parts:
        label, subjects = found.samples.label[: found.tested], found.samples.subjects[: found.tested]
        correct = predictions[:, : found.tested] == label
        for kernel in KERNELS:
            of_kernel = [one == kernel for one, _ in PROBES]
            best = strongest_reading(label, subjects, correct[of_kernel], seed=seed)
            reading = (f"kernel_{kernel}", best.balanced_accuracy, best.low, best.high)
            table.append((access, images, *reading, len(label), len(np.unique(subjects))))
    columns = ["access", "images", "attacker", "balanced_accuracy", "low", "high", "n", "people"]
    return pd.DataFrame(table, columns=columns)


def _beside(samples: Samples, before: Floats | None, access: Access) -> Samples:
    """Write the original embeddings beside the audited ones."""
    if before is None or len(before) != len(samples.label):
        raise ValueError(f"the access `{access}` needs the original embeddings of the same samples")
    return samples._replace(embedding=np.column_stack([samples.embedding, before]))


def _joined(known: AuditedSamples, drawn: Samples, extra: Samples) -> AuditedSamples:
    """Write extra samples after the tested ones; `known` numbers classes and subjects of `drawn`."""
    if not np.isfinite(extra.embedding).all():
        raise ValueError("extra embeddings are not finite; the model has diverged")
    subjects = int(known.subjects.max()) + 1 + reindex(subjects_of(extra))
    return AuditedSamples(
        np.concatenate([known.embedding, extra.embedding]),
        np.concatenate([known.label, np.searchsorted(np.unique(drawn.label), extra.label)]),
        np.concatenate([known.subjects, subjects]),
    )


def _predict(attacked: _Attacked) -> Ints:
    """Cross-fit the probes, (probes, N)."""
    probes = FoldProbes(attacked.samples.embedding, attacked.splits)
    return probes.predict(attacked.samples.label[None])[:, 0]


def _fused(attacked: _Attacked, single: FoldProbes | None = None) -> Iterator[tuple[str, _Attacked, Ints]]:
    """Yield the means of groups with their predictions, from the means or from the scores of images."""
    known, tested, folds, seed = attacked
    label, subjects = known.label[:tested], known.subjects[:tested]
    by_class = "within subjects" in possible_schemes(label, subjects)
    scores = None if single is None else single.scores(known.label)  # (probes, C, N)
    for name, images in FUSED.items():
        rows, group = draw_groups(known, images, by_class=by_class, rng=np.random.default_rng(seed))
        order = np.argsort(rows[np.unique(group, return_index=True)[1]] >= tested, kind="stable")
        group = np.argsort(order)[group]  # groups of tested subjects first
        means = fuse(known, rows, group)
        of_tested = len(np.unique(group[rows < tested]))
        if len(np.unique(means.label[:of_tested])) < 2 or len(np.unique(means.subjects[:of_tested])) < folds:
            continue
        fused = attacked._replace(samples=means, tested=of_tested)
        if scores is None:
            yield name, fused, _predict(fused)
            continue
        added = np.zeros((len(means.label), *scores.shape[:2]))
        np.add.at(added, group, np.moveaxis(scores, 2, 0)[rows])
        occurring = np.unique(classes_of_groups(known, rows, group))
        yield name, fused, added[:, :, occurring].argmax(2).T


def _predict_by_pairs(attacked: _Attacked, width: int) -> Ints:
    """Predict each sample from its reconstruction, (probes, N); the first features are the audited ones."""
    after, before = np.split(attacked.samples.embedding, [width], axis=1)
    predictions = np.zeros((len(PROBES), len(after)), np.int64)
    for train, test in attacked.splits:
        originals, rebuilt = reconstruct(after[train], before[train], after[test])
        for prediction, (kernel, scaling) in zip(predictions, PROBES, strict=True):
            probe = KernelProbe(originals, rebuilt, kernel, scaling)
            prediction[test] = probe.predict(attacked.samples.label[None, train])[0]
    return predictions
