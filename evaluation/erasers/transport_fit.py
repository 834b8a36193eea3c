"""Fit transport and blur, and its parts."""

from typing import Literal, NamedTuple, get_args

import numpy as np

from evaluation.erasers.gaussian_transport import GaussianMaps, fit_gaussian_maps
from evaluation.erasers.keyed_noise import draw_key
from evaluation.erasers.leace import fit_leace
from evaluation.erasers.projection import Projection, known_rows
from evaluation.erasers.router import fit_router
from evaluation.erasers.transport import Transport, unit_rows
from evaluation.samples.arrays import Floats, Ints
from evaluation.samples.labelled_samples import unique_unknown_ids

Erasure = Literal["transport", "leace"]
ERASURES: tuple[Erasure, ...] = get_args(Erasure)
_ROWS_PER_COMPONENT = 2  # that the covariance of a class needs at least


class KnownRows(NamedTuple):
    """The training embeddings of known class."""

    unit: Floats
    """(N, D) float64, of length 1."""
    label: Ints
    """(N,) classes, numbered from 0."""
    subjects: Ints
    """(N,) subject of each; each unknown one is one of its own."""
    names: Ints
    """(C,) the labels as they were given."""


def fit_transport(
    x: Floats,
    label: Ints,
    subjects: Ints | None = None,
    *,
    components: int = 64,
    sigma: float = 0.5,
    erasure: Erasure = "transport",
    key: str | None = None,
    folds: int = 4,
    steps: int = 1500,
    max_points: int = 10_000,
    seed: int = 0,
) -> Transport:
    """Fit principal components, the maps of the classes that a router predicts (or LEACE), and the noise.

    The moments are those of the predicted classes, so that what the router mistakes is transported as well.
    The maps are the optimal transport of each class' Gaussian to their barycentre, each class of equal
    weight: quadratic LEACE (Belrose et al., NeurIPS 2023) without the labels of new embeddings. They do not
    defeat readers of higher moments; the noise is against these.

    Args:
        x: (N, D) training embeddings.
        label: (N,) classes, -1 where unknown; such rows decide on the components alone.
        subjects: (N,) subject of each embedding, for the folds of the router; negative where unknown. None
            takes each embedding as a subject of its own.
        components: number k of principal components.
        sigma: length of the noise, beside signals of length 1.
        erasure: `transport`, or `leace` for an attribute that is read too badly to be routed.
        key: of the noise, 64 hexadecimal digits; None draws one, see `Transport.key`.
        folds: of the router, see `fit_router`.
        steps: of the router's networks.
        max_points: of the router's ridge regressions.
        seed: of the router.

    Raises:
        ValueError: see `known_rows` and `fit_router`; more components than the data have; no such erasure;
            or a class with fewer than two samples for each component, by the labels or by the router.
    """
    if erasure not in ERASURES:
        raise ValueError(f"erasure is one of {', '.join(ERASURES)}, not {erasure!r}")
    mean, axes = principal_axes(x, components)
    rows = labelled_rows(x, label, subjects)
    v = (rows.unit - mean) @ axes
    key = draw_key() if key is None else key
    if erasure == "leace":
        found = fit_leace(v, rows.label)
        left = tuple(int(rows.names[c]) for c in found.not_erased)
        return Transport(mean, axes, *leace_maps(found), None, sigma, key, left)
    _check_sizes(rows.label, rows.names, components, "there are")
    settings = {"folds": folds, "steps": steps, "max_points": max_points, "seed": seed}
    router = fit_router(rows.unit, rows.label, rows.subjects, **settings)
    return Transport(mean, axes, *class_maps(v, router(rows.unit), rows.names), router, sigma, key)


def class_maps(v: Floats, predicted: Ints, names: Ints) -> GaussianMaps:
    """Fit the maps of the predicted classes to their barycentre.

    Args:
        v: (N, k) components of the training embeddings.
        predicted: (N,) classes 0 to C - 1.
        names: (C,) the classes' labels, for the error.

    Raises:
        ValueError: a class is predicted for fewer than two samples for each component.
    """
    classes, width = len(names), v.shape[1]
    _check_sizes(predicted, names, width, "the router finds")
    means = np.stack([v[predicted == c].mean(0) for c in range(classes)])
    covariances = np.stack([np.cov(v[predicted == c].T).reshape(width, width) for c in range(classes)])
    return fit_gaussian_maps(means, covariances, np.full(classes, 1 / classes))


def _check_sizes(label: Ints, names: Ints, width: int, found: str) -> None:
    """Refuse classes that are too small for covariances of `width` components."""
    counts, needed = np.bincount(label, minlength=len(names)), _ROWS_PER_COMPONENT * width
    small = [f"{name} ({count:,})" for name, count in zip(names, counts, strict=True) if count < needed]
    if small:
        raise ValueError(
            f"{width} components need {needed:,} training samples of each class, and {found} fewer of class "
            f"{', '.join(small)}; take fewer components, or merge classes"
        )


def leace_maps(eraser: Projection) -> GaussianMaps:
    """Write a projection as the map of a single class."""
    return GaussianMaps(eraser.center[None], eraser.matrix.T[None], eraser.center)


def labelled_rows(x: Floats, label: Ints, subjects: Ints | None) -> KnownRows:
    """Select the rows of known label; raises ValueError as `known_rows`."""
    known, labels = known_rows(x, label)
    whose = np.full(len(label), -1) if subjects is None else np.asarray(subjects)
    names, numbers = np.unique(labels, return_inverse=True)
    return KnownRows(unit_rows(known), numbers, unique_unknown_ids(whose)[np.asarray(label) >= 0], names)


def principal_axes(x: Floats, components: int) -> tuple[Floats, Floats]:
    """Compute the mean (D,) and the leading principal directions (D, k) of embeddings scaled to length 1.

    Raises:
        ValueError: an embedding is not finite, or `components` is not between 1 and the smaller of N and D.
    """
    if not np.isfinite(x).all():
        raise ValueError("some embeddings are not finite; the model has diverged")
    u = unit_rows(np.asarray(x, np.float64))
    if not 1 <= components <= min(u.shape):
        raise ValueError(f"components must be 1 to {min(u.shape)}, not {components}")
    mean = u.mean(0)
    _, axes = np.linalg.eigh(np.cov(u.T).reshape(len(mean), len(mean)))
    return mean, np.ascontiguousarray(axes[:, ::-1][:, :components])
