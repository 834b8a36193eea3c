"""Attack an eraser that maps each class by a map of its own, knowing all of it but the key of its noise."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from sklearn.linear_model import RidgeCV

from evaluation.leakage.fold_probes import PROBES, Split, splits_of
from evaluation.probes.attacker_table import Setting
from evaluation.probes.kernel_probe import KernelProbe
from evaluation.probes.pca_attackers import discriminant, whitened_components
from evaluation.probes.similarity import similarity_scores
from evaluation.samples.arrays import Floats, Ints
from evaluation.samples.audited_samples import AuditedSamples

_SHRINKAGE = 0.1  # of the covariances whose densities are features
_NEAREST: list[Setting] = [{"n": 1, "log_rank": 0}, {"n": 10, "log_rank": 0}]
_RIDGES = tuple(np.logspace(-6, 2, 9))  # beside features of unit deviation, for 1,000 samples
_LENGTHS = (0.1, 0.5, 0.9)  # quantiles of the lengths that an embedding may have had
_LEAST = 1e-6  # relative spread of the lengths below which there is one


class KnownMaps(Protocol):
    """An eraser z = target + maps[c] (v - means[c]) of components v and a routed class c.

    It may scale z to length 1 afterwards and add noise.
    """

    @property
    def means(self) -> Floats:
        """Means (C, W) of the classes."""

    @property
    def maps(self) -> Floats:
        """Matrices (C, W, W) of the classes."""

    @property
    def target(self) -> Floats:
        """Mean (W,) of all classes afterwards."""

    def coordinates(self, x: Floats) -> Floats:
        """Compute the components (N, W) of original embeddings (N, D)."""


class _Pairs(NamedTuple):
    """Components and erased embeddings of N samples, with their labels and subjects."""

    components: Floats
    erased: Floats
    label: Ints
    subjects: Ints
    maps: KnownMaps


def predict_by_candidates(
    samples: AuditedSamples, before: Floats, maps: KnownMaps, splits: Sequence[Split], seed: int
) -> Ints:
    """Predict the attribute of each sample from its candidates, by attackers of other subjects.

    An eraser that moves each class by a map of its own hides from a reader of its outputs which map was
    used. Whoever knows the maps inverts all of them: the candidate of the right class is, up to noise, the
    original embedding, and the others are none of a face. The attacker describes each candidate (see
    `candidates`) by `class_scores` among the originals of its own subjects, adds those of the erased
    embedding among erased ones, and learns from its own subjects which of them tell the class. Descriptions
    of a subject come from galleries without it.

    Args:
        samples: N erased embeddings.
        before: (N, D) original embeddings of the same samples.
        maps: the eraser.
        splits: rows to learn from and to predict, see `splits_of`.
        seed: seed of the folds in which the attacker's own samples describe each other.

    Returns:
        (probes, N) predicted classes, of closed-form probes of the descriptions.

    Raises:
        ValueError: erased embeddings of another width than the maps.
    """
    erased = np.asarray(samples.embedding, np.float64)
    if erased.shape[1] != len(maps.target):
        raise ValueError(
            f"the maps are of {len(maps.target)} components, the embedding has {erased.shape[1]}"
        )
    components = np.asarray(maps.coordinates(np.asarray(before, np.float64)))
    pairs = _Pairs(components, erased, samples.label, samples.subjects, maps)
    predictions = np.zeros((len(PROBES), len(erased)), np.int64)
    for train, test in splits:
        known, asked = _describe_each_other(pairs, train, len(splits), seed), _describe(pairs, train, test)
        for prediction, (kernel, scaling) in zip(predictions, PROBES, strict=True):
            prediction[test] = KernelProbe(known, asked, kernel, scaling).predict(pairs.label[None, train])[0]
    return predictions


def _describe_each_other(pairs: _Pairs, rows: Ints, folds: int, seed: int) -> Floats:
    """Describe samples by galleries of the others' subjects, (rows, features)."""
    splits = splits_of(pairs.subjects[rows], folds, seed)
    found = [_describe(pairs, rows[gallery], rows[described]) for gallery, described in splits]
    order = np.argsort(np.concatenate([described for _, described in splits]))
    return np.concatenate(found)[order]


def _describe(pairs: _Pairs, gallery: Ints, rows: Ints) -> Floats:
    """Describe samples by their candidates and themselves, (rows, features), from a labelled gallery."""
    label, classes = pairs.label[gallery], int(pairs.label.max()) + 1
    inverted = candidates(pairs.maps, pairs.components[gallery], pairs.erased[gallery], pairs.erased[rows])
    of_candidates = class_scores(pairs.components[gallery], label, np.concatenate(inverted), classes)
    own = class_scores(pairs.erased[gallery], label, pairs.erased[rows], classes)
    return np.hstack([*np.split(of_candidates, len(inverted)), own])


def candidates(maps: KnownMaps, components: Floats, erased: Floats, rows: Floats) -> Floats:
    """Invert the map of each class on erased embeddings, as far as pairs tell noise and length.

    From pairs the attacker learns by ridge regression what an erased embedding was before it was scaled and
    blurred; its length remains uncertain, so candidates of three lengths are tried where lengths differ.

    Args:
        maps: the eraser, of C classes and W components.
        components: (G, W) components of the pairs.
        erased: (G, W) erased embeddings of the pairs.
        rows: (M, W) erased embeddings to invert.

    Returns:
        (C or 3 C, M, W).
    """
    mapped = np.stack(
        [(components - m) @ a.T + maps.target for m, a in zip(maps.means, maps.maps, strict=True)]
    )
    routed = np.argmax(_cosines(mapped, erased), axis=0)  # the map that was used is the one that fits
    z = mapped[routed, np.arange(len(erased))]
    regression = RidgeCV([ridge * len(erased) / 1000 for ridge in _RIDGES])
    scale = erased.std() or 1.0
    regression.fit(erased / scale, z)
    known, asked = (regression.predict(x / scale).reshape(len(x), -1) for x in (erased, rows))
    length = (z * known).sum(1) / np.maximum((known * known).sum(1), 1e-300)
    lengths = np.quantile(length, _LENGTHS)
    if np.ptp(lengths) <= _LEAST * abs(lengths[1]):
        lengths = lengths[1:2]
    inverses = [np.linalg.pinv(a) for a in maps.maps]
    return np.stack(
        [
            m + (size * asked - maps.target) @ inverse.T
            for m, inverse in zip(maps.means, inverses, strict=True)
            for size in lengths
        ]
    )


def _cosines(a: Floats, b: Floats) -> Floats:
    """Compute the cosines of the rows of a (..., N, W) and b (N, W)."""
    sizes = np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1)
    return (a * b).sum(-1) / np.maximum(sizes, 1e-300)


def class_scores(gallery: Floats, label: Ints, rows: Floats, classes: int) -> Floats:
    """Score rows for each of K classes by their place among a labelled gallery.

    Args:
        gallery: (G, W).
        label: (G,) classes 0, 1, ..., at least two of which occur.
        rows: (M, W).
        classes: their number K.

    Returns:
        (M, 4 K + 1): scores of kernel ridge regression, cosines of the most similar row of each class, means
        of the ten most similar, log densities of normal distributions of the classes (all 0 for a class that
        does not occur), and the logarithm of the length.
    """
    occurring, label = np.unique(label, return_inverse=True)
    x, x_rows = whitened_components(gallery, rows, gallery.shape[1])
    measured = [
        KernelProbe(gallery, rows, "rbf").scores(label[None])[:, 0].T,
        *similarity_scores(gallery, label, rows, _NEAREST),
        discriminant(x, label, x_rows, _SHRINKAGE),
    ]
    scores = np.zeros((len(measured), len(rows), classes))
    scores[:, :, occurring] = np.stack(measured)
    length = np.log(np.linalg.norm(rows, axis=1, keepdims=True) + 1e-12)
    return np.hstack([*scores, length])
