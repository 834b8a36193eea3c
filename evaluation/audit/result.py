"""The result of an audit: frames, caveats and facts, before they are worded or drawn."""

from dataclasses import dataclass
from math import nan
from typing import Any

import pandas as pd

from evaluation.audit.cache import Frames
from evaluation.audit.verdict import LeakageEstimate, Verdict, give_verdict
from evaluation.leakage.cross_fitted_leakage import strongest_attacker
from evaluation.leakage.reduction import leakage_reduction


@dataclass(frozen=True)
class Caveat:
    """A warning of the checks.

    Attributes:
        text: the sentence.
        representation: the representation concerned, or None for all.
        attribute: the attribute concerned, or None for all.
    """

    text: str
    representation: str | None = None
    attribute: str | None = None


@dataclass(frozen=True, eq=False)
class Audit:
    """The result of an audit.

    Attributes:
        names: names of the representations; the others are compared with the first.
        attributes: sensitive attributes.
        classes: sensitive attribute -> class names in label order.
        frames: by section; the first columns are `representation` and, if the section has one, `attribute`.
            All shares are in [0, 1] but `removed`, in percent.
        caveats: warnings of the checks.
        settings: option -> value, JSON-serialisable.
        facts: descriptions of the data and the versions, by name.
    """

    names: tuple[str, ...]
    attributes: tuple[str, ...]
    classes: dict[str, tuple[str, ...]]
    frames: Frames
    caveats: list[Caveat]
    settings: dict[str, Any]
    facts: dict[str, str]

    def frame(self, section: str, **where: Any) -> pd.DataFrame:
        """Select the rows of a section by the values of columns; empty if it was not measured."""
        frame = self.frames.get(section, pd.DataFrame())
        for column, value in where.items() if len(frame) else ():
            frame = frame[frame[column] == value]
        return frame.reset_index(drop=True)

    def leakage_estimate(self, attribute: str, representation: str) -> LeakageEstimate:
        """Return the leakage by the strongest attacker on standardised embeddings."""
        about = {"representation": representation, "attribute": attribute}
        row = strongest_attacker(self.frame("leakage", **about))
        permutation = self.frame("permutation", **about)
        verification = self.frame("verification", representation=representation, metric="cosine")
        return LeakageEstimate(
            representation,
            row["attacker"],
            accuracy=float(row["balanced_accuracy"]),
            low=float(row["low"]),
            high=float(row["high"]),
            chance=float(row["chance"]),
            p=_only(permutation, "p_value"),
            auc=_only(verification, "auc"),
            warnings=len(self.caveats_about(attribute, representation)),
        )

    def caveats_about(self, attribute: str, representation: str) -> list[Caveat]:
        """Return the warnings that limit what a verdict means."""
        about = [caveat for caveat in self.caveats if caveat.representation == representation]
        return [caveat for caveat in about if caveat.attribute in (attribute, None)]

    @property
    def verdicts(self) -> list[Verdict]:
        """Verdicts on each sensitive attribute in each representation after the first, or in the only one."""
        found = []
        for attribute in self.attributes:
            before = self.leakage_estimate(attribute, self.names[0])
            after = [self.leakage_estimate(attribute, name) for name in self.names[1:]]
            found += [give_verdict(attribute, x, before) for x in after] or [give_verdict(attribute, before)]
        return found


def reduction_by_attacker(leakage: pd.DataFrame, before: str) -> pd.DataFrame:
    """Compute the leakage reduction of each representation, attacker by attacker.

    Args:
        leakage: that frame of an audit.
        before: name of the representation that the others are compared with.

    Returns:
        `representation`, `attribute`, `attacker`, `scaling`, `before` and `after` (balanced accuracies),
        `chance`, and `removed` (percent, see `leakage_reduction`). The attacker `strongest` compares the
        strongest standardised attacker before with the strongest after, which may be different ones.
    """
    key = ["attribute", "attacker", "scaling"]
    standard = leakage[leakage["scaling"] == "standardised"]
    order = ["representation", "attribute"]
    best = standard.loc[standard.groupby(order, sort=False)["balanced_accuracy"].idxmax()]
    table = pd.concat([leakage, best.assign(attacker="strongest")])[
        ["representation", *key, "balanced_accuracy", "low", "chance"]
    ]
    first, others = table[table["representation"] == before], table[table["representation"] != before]
    joined = others.merge(first.drop(columns=["representation", "chance"]), on=key, suffixes=("", "_before"))
    joined["removed"] = [
        leakage_reduction(x.balanced_accuracy_before, x.balanced_accuracy, x.chance, x.low_before)
        for x in joined.itertuples()
    ]
    renamed = joined.rename(columns={"balanced_accuracy_before": "before", "balanced_accuracy": "after"})
    return renamed[["representation", *key, "before", "after", "chance", "removed"]]


def _only(frame: pd.DataFrame, column: str) -> float:
    return float(frame[column].iloc[0]) if len(frame) else nan
