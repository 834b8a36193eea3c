"""Find classes of an attribute that too few subjects have for the attackers' folds."""

import numpy as np

from evaluation.audit.rows import known_twice
from evaluation.audit.settings import AuditSettings
from evaluation.samples.arrays import Ints
from evaluation.samples.labelled_samples import unique_unknown_ids
from evaluation.samples.representations import Representations


def attackable_attributes(
    representations: Representations, settings: AuditSettings, attributes: list[str], rows: Ints
) -> tuple[list[str], list[str]]:
    """Keep the attributes that can be attacked; also return sentences on those that were left out.

    Args:
        representations: with the labels, class names and subjects.
        settings: options of the audit.
        attributes: see `rows.choose_attributes`.
        rows: (M,) samples tested.

    Raises:
        ValueError: a requested attribute cannot be attacked, or neither an attribute is left nor a subject is
            known to have two samples; names attribute, class and the options that help.
    """
    rare = {name: describe_rare_class(representations, name, rows, settings.folds) for name in attributes}
    left_out = [f"{name} was left out: {text}." for name, text in rare.items() if text]
    if left_out and settings.sensitive:
        raise ValueError(next(filter(None, rare.values())))
    kept = [name for name in attributes if not rare[name]]
    if not kept and not known_twice(representations.identity[rows]):
        raise ValueError(f"there is nothing to measure. {' '.join(left_out)}")
    return kept, left_out


def describe_rare_class(representations: Representations, attribute: str, rows: Ints, folds: int) -> str:
    """Name the class of an attribute that the fewest subjects have, if they are fewer than the folds.

    Args:
        representations: with the labels, class names and subjects.
        attribute: its name.
        rows: (M,) samples tested.
        folds: number of folds, each of which tests a subject of every class.

    Returns:
        A sentence without its full stop, with the options that help; empty if all classes suffice.
    """
    label = representations.labels[attribute][rows]
    subject = unique_unknown_ids(representations.identity[rows])
    pairs = np.unique(np.stack([label, subject])[:, label >= 0], axis=1)
    classes, counts = np.unique(pairs[0], return_counts=True)
    rarest = int(np.argmin(counts))
    if (fewest := int(counts[rarest])) >= folds:
        return ""
    name = representations.classes[attribute][classes[rarest]]
    subjects = "1 subject" if fewest == 1 else f"{fewest} subjects"
    fewer = f"take --folds {fewest}, or " if fewest > 1 else ""
    return (
        f"class {name!r} of {attribute} has {subjects} among the samples tested, too few for {folds} folds: "
        f"{fewer}mark that class as unknown (-1)"
    )
