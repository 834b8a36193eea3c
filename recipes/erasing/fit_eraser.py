"""Fit an eraser to an embedding table."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from datamodules.contract import SPLITS, Split
from datamodules.tables.embedding_table import EmbeddingTable
from datamodules.tables.table_options import cross_labels
from evaluation.erasers.choice import ChosenEraser
from evaluation.erasers.keyed_noise import key_fingerprint
from evaluation.erasers.methods import (
    CHOICES,
    Method,
    fit_method,
    needs_label,
    options_of,
    options_of_choice,
    takes_subjects,
)
from evaluation.erasers.stored_eraser import StoredEraser
from evaluation.samples.labelled_samples import Samples
from evaluation.samples.subject_folds import drawn_subjects
from recipes.command_line.jobs import usage_errors
from recipes.command_line.usage_error import UsageError


@dataclass(frozen=True)
class EraserSettings:
    """Settings of an eraser.

    Attributes:
        method: see `evaluation.erasers.methods`.
        sensitive: attributes to erase, of which several are crossed: the classes are the combinations of
            theirs; none for a control.
        fit_on: splits to fit it to.
        options: of the method, or of its choice (`CHOICES`) where there is a bound.
        bound: largest loss of verification AUC, by which the settings are chosen.
        choose_on: splits on which they are chosen.
        fit_share: share of the subjects of `fit_on` to fit to, see `drawn_subjects`; in a table without
            identities each sample is a subject.
        fit_seed: seed of the draw of these subjects.
    """

    method: Method
    sensitive: Sequence[str]
    fit_on: Sequence[Split]
    options: dict[str, Any]
    bound: float | None = None
    choose_on: Sequence[Split] = ("val",)
    fit_share: float = 1.0
    fit_seed: int = 0


def fit_eraser(table: EmbeddingTable, settings: EraserSettings) -> StoredEraser:
    """Fit an eraser to samples of a table.

    Returns:
        The eraser, facts for the provenance of what it erases, and the ids of the samples that it learned
        from; those that decided on its settings count, too.

    Raises:
        UsageError: an attribute or option that does not fit the method or the table, or no samples to fit to.
    """
    method, options = settings.method, settings.options
    name = " x ".join(settings.sensitive)
    _check(table, settings)
    if len(settings.sensitive) > 1:
        table = cross_labels(table, {name: settings.sensitive})
    rows = _rows(table, settings.fit_on, "fit_on")
    x = table.embedding.double().numpy()
    facts = {
        "eraser": f"{method} { {key: value for key, value in options.items() if key != 'key'} }",
        "erased": name or "None",
        "eraser learned from": " ".join(settings.fit_on),
    }
    label = table.labels[name].numpy() if name else np.zeros(len(table), np.int64)
    subjects = table.labels["identity"].numpy() if "identity" in table.labels else np.full(len(table), -1)
    if settings.fit_share != 1:
        with usage_errors():
            rows[rows] = drawn_subjects(subjects[rows], settings.fit_share, settings.fit_seed)
        facts["share of their subjects"] = f"{settings.fit_share:g}, seed {settings.fit_seed}"
    learned = rows
    with _errors_naming_classes(table, name):
        if settings.bound is not None:
            chosen = _rows(table, settings.choose_on, "choose_on")
            train, validation = (Samples(x[part], label[part], subjects[part]) for part in (rows, chosen))
            found = CHOICES[method](train, validation, settings.bound, **options)
            print(found.candidates.to_string(index=False, na_rep="-"))
            eraser: Any = found.eraser
            loss = describe_loss(found, settings.bound, len(np.unique(subjects[chosen])))
            facts |= {
                "eraser's bound": f"{settings.bound:g} of verification AUC",
                "eraser's settings chosen on": " ".join(settings.choose_on),
                "eraser's settings": found.settings,
                "eraser's verification loss": loss,
            }
            learned = rows | chosen
        else:
            eraser = fit_method(method, x[rows], label[rows], subjects[rows], **options)
            learned = rows & (takes_subjects(method) | (label >= 0))  # others use rows of known label alone
    if key := getattr(eraser, "key", None):
        facts["eraser's noise key"] = key_fingerprint(key)
    if left := getattr(eraser, "not_erased", ()):
        names = ", ".join(table.attributes[name][place] for place in left)
        facts["classes of fewer directions"] = names
        warnings.warn(
            f"{method} removed fewer directions than the classes of {name} less one: {names} may stay "
            "readable",
            stacklevel=2,
        )
    return StoredEraser(eraser, facts, table.sample_id[learned])


def describe_loss(found: ChosenEraser, bound: float, subjects: int) -> str:
    """Format the verification loss of a chosen eraser, and warn where its interval exceeds the bound."""
    low, high = found.loss_interval
    text = f"{found.loss:.4f} [{low:.4f}, {high:.4f}] on {subjects} validation subjects"
    if not high <= bound:
        warnings.warn(
            f"the loss of verification AUC is {text}: this does not show that other subjects lose at most "
            f"{bound:g}; take more validation subjects, or a smaller bound",
            stacklevel=3,
        )
    return text


def _check(table: EmbeddingTable, settings: EraserSettings) -> None:
    """Refuse attributes and options that do not fit the method or the table."""
    method, sensitive = settings.method, settings.sensitive
    if needs_label(method) != bool(sensitive):
        what = "knows no attribute, so no --sensitive" if sensitive else "needs --sensitive"
        raise UsageError(f"{method} {what}")
    if missing := [name for name in sensitive if name not in table.labels]:
        raise UsageError(
            f"the table has no attribute {missing[0]!r}; it has {', '.join(sorted(table.labels))}"
        )
    offered = options_of(method)
    if settings.bound is not None:
        if method not in CHOICES:
            raise UsageError(f"{method} has no settings that a bound could choose")
        if "identity" not in table.labels:
            raise UsageError("a bound on the verification loss needs the identities, which the table lacks")
        offered = options_of_choice(method)
    if unknown := sorted(set(settings.options) - set(offered)):
        raise UsageError(f"{method} has no option {', '.join(unknown)}; it has {', '.join(offered)}")


def _rows(table: EmbeddingTable, splits: Sequence[Split], option: str) -> np.ndarray:
    places = [SPLITS.index(name) for name in splits]
    rows = np.isin(table.split.numpy(), places)
    if not rows.any():
        raise UsageError(
            f"no sample of the table is in {' or '.join(splits)}; choose other splits by --{option}"
        )
    return rows


@contextmanager
def _errors_naming_classes(table: EmbeddingTable, name: str) -> Iterator[None]:
    """Turn a ValueError into a UsageError; one that numbers classes also names them."""
    try:
        yield
    except ValueError as error:
        names = ", ".join(f"{place} {text!r}" for place, text in enumerate(table.attributes.get(name, ())))
        more = f"; the classes of {name} are {names}" if "of class " in str(error) else ""
        raise UsageError(f"{error}{more}") from error
