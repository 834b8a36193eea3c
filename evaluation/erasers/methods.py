"""The table of erasers."""

from collections.abc import Callable
from inspect import signature
from typing import Any, Literal

from evaluation.erasers.choice import ChosenEraser
from evaluation.erasers.inlp import fit_inlp
from evaluation.erasers.leace import fit_leace
from evaluation.erasers.matching_choice import choose_matching
from evaluation.erasers.matching_fit import fit_matching
from evaluation.erasers.noise import fit_noise
from evaluation.erasers.pca import fit_pca
from evaluation.erasers.transport_choice import choose_transport
from evaluation.erasers.transport_fit import fit_transport
from evaluation.samples.arrays import Floats, Ints

Method = Literal["leace", "inlp", "transport", "matching", "pca", "noise"]
FITS: dict[Method, Callable[..., Any]] = {
    "leace": fit_leace,
    "inlp": fit_inlp,
    "transport": fit_transport,
    "matching": fit_matching,
    "pca": fit_pca,
    "noise": fit_noise,
}
CHOICES: dict[Method, Callable[..., ChosenEraser]] = {
    "transport": choose_transport,
    "matching": choose_matching,
}
"""Methods whose settings a bound on the verification loss can choose."""
_SAMPLES = ("x", "label", "subjects")


def needs_label(method: Method) -> bool:
    """Return whether an eraser learns from the labels of an attribute; the controls do not."""
    return "label" in signature(FITS[method]).parameters


def takes_subjects(method: Method) -> bool:
    """Return whether an eraser learns by folds of subjects."""
    return "subjects" in signature(FITS[method]).parameters


def fit_method(method: Method, x: Floats, label: Ints, subjects: Ints, **options: Any) -> Any:
    """Fit an eraser to those of embeddings (N, D), labels (N,) and subjects (N,) that it learns from."""
    arrays = [label] if needs_label(method) else []
    arrays += [subjects] if takes_subjects(method) else []
    return FITS[method](x, *arrays, **options)


def options_of(method: Method) -> list[str]:
    """List the options of an eraser."""
    return [name for name in signature(FITS[method]).parameters if name not in _SAMPLES]


def options_of_choice(method: Method) -> list[str]:
    """List the options of an eraser whose settings a bound chooses."""
    return [x.name for x in signature(CHOICES[method]).parameters.values() if x.kind is x.KEYWORD_ONLY]
