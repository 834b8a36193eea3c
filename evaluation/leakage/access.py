"""Leakage by what the attacker has: labelled embeddings, pairs of both representations, several images."""

from collections.abc import Iterator
from typing import Literal

import numpy as np
import pandas as pd

from evaluation.leakage.fold_probes import PROBES, FoldProbes
from evaluation.leakage.fused_samples import classes_of_groups, draw_groups, fuse
from evaluation.leakage.reconstruction import reconstruct
from evaluation.leakage.shuffled_labels import possible_schemes
from evaluation.leakage.strongest_reading import strongest_reading
from evaluation.leakage.white_box import KnownMaps, predict_by_candidates
from evaluation.probes.kernel_probe import KERNELS, KernelProbe
from evaluation.samples.arrays import Floats, Ints
from evaluation.samples.audited_samples import AuditedSamples, audited_samples
from evaluation.samples.labelled_samples import Samples
from evaluation.samples.subject_folds import subject_folds

Access = Literal["retrained", "pairs", "fused", "fused scores", "white box"]

FUSED: dict[str, int | None] = {"2": 2, "4": 4, "all": None}
"""Number of images of a subject that are fused, by its name."""


def access_leakage(
    samples: Samples,
    access: Access,
    before: Floats | None = None,
    *,
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
        folds: number of folds of the subjects.
        seed: seed of folds, groups of images, intervals and the subsample.
        max_samples: with more samples, subjects are drawn at random.
        maps: the eraser; needed by `white box`.

    Returns:
        One row for each number of fused images and each kernel, on its best scaling: `access`; `images` (`1`;
        or `2`, `4` and `all` that are fused); `attacker` (`kernel_linear`, `kernel_rbf`);
        `balanced_accuracy`; `low` and `high`, its 95 % interval over subjects; `n` tested samples, or means
        of fused ones, of `people` subjects. A number of images is left out if the means are of one class, or
        of fewer subjects than folds.

    Raises:
        ValueError: `pairs` or `white box` without `before`, or with one of another length; `white box`
            without `maps`; or see `audited_samples`.
    """
    width = np.shape(samples.embedding)[-1]
    if access in ("pairs", "white box"):
        if before is None or len(before) != len(samples.label):
            raise ValueError(f"the access `{access}` needs the original embeddings of the same samples")
        samples = samples._replace(embedding=np.column_stack([samples.embedding, before]))
    known = audited_samples(samples, folds, max_samples, seed)
    if access == "fused":
        parts = list(_fused(known, folds, seed))
    elif access == "fused scores":
        parts = list(_fused(known, folds, seed, _predict_single(known, folds, seed)))
    elif access == "pairs":
        parts = [("1", known, _predict_by_pairs(known, width, folds, seed))]
    elif access == "white box":
        if maps is None:
            raise ValueError("the access `white box` needs the maps of the eraser")
        after, originals = np.split(known.embedding, [width], axis=1)
        erased = known._replace(embedding=after)
        parts = [("1", known, predict_by_candidates(erased, originals, maps, folds, seed))]
    else:
        parts = [("1", known, _predict(known, folds, seed))]
    table = []
    for images, tested, predictions in parts:
        label, subjects = tested.label, tested.subjects
        for kernel in KERNELS:
            of_kernel = [one == kernel for one, _ in PROBES]
            found = strongest_reading(label, subjects, predictions[of_kernel] == label, seed=seed)
            reading = (f"kernel_{kernel}", found.balanced_accuracy, found.low, found.high)
            table.append((access, images, *reading, len(label), len(np.unique(subjects))))
    columns = ["access", "images", "attacker", "balanced_accuracy", "low", "high", "n", "people"]
    return pd.DataFrame(table, columns=columns)


def _predict(known: AuditedSamples, folds: int, seed: int) -> Ints:
    """Cross-fit the probes, (probes, N)."""
    probes = FoldProbes(known.embedding, known.subjects, folds, seed)
    return probes.predict(known.label[None])[:, 0]


def _predict_single(known: AuditedSamples, folds: int, seed: int) -> Floats:
    """Score single images by cross-fitted probes, (probes, C, N)."""
    return FoldProbes(known.embedding, known.subjects, folds, seed).scores(known.label)


def _fused(
    known: AuditedSamples, folds: int, seed: int, scores: Floats | None = None
) -> Iterator[tuple[str, AuditedSamples, Ints]]:
    """Yield the means of groups with their predictions, from the means or from the scores of images."""
    by_class = "within subjects" in possible_schemes(known.label, known.subjects)
    for name, images in FUSED.items():
        rows, group = draw_groups(known, images, by_class=by_class, rng=np.random.default_rng(seed))
        means = fuse(known, rows, group)
        if len(np.unique(means.label)) < 2 or len(np.unique(means.subjects)) < folds:
            continue
        if scores is None:
            yield name, means, _predict(means, folds, seed)
            continue
        added = np.zeros((len(means.label), *scores.shape[:2]))
        np.add.at(added, group, np.moveaxis(scores, 2, 0)[rows])
        occurring = np.unique(classes_of_groups(known, rows, group))
        yield name, means, added[:, :, occurring].argmax(2).T


def _predict_by_pairs(known: AuditedSamples, width: int, folds: int, seed: int) -> Ints:
    """Predict each sample from its reconstruction, (probes, N); the first features are the audited ones."""
    after, before = np.split(known.embedding, [width], axis=1)
    predictions = np.zeros((len(PROBES), len(after)), np.int64)
    for train, test in subject_folds(np.zeros_like(known.label), known.subjects, folds, seed):
        originals, rebuilt = reconstruct(after[train], before[train], after[test])
        for prediction, (kernel, scaling) in zip(predictions, PROBES, strict=True):
            probe = KernelProbe(originals, rebuilt, kernel, scaling)
            prediction[test] = probe.predict(known.label[None, train])[0]
    return predictions
