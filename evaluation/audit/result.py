"""What an audit found: frames, caveats and facts, before anybody words or draws them."""

from dataclasses import dataclass
from math import nan
from typing import Any

import pandas as pd

from evaluation.audit.cache import Frames
from evaluation.audit.verdict import Reading, Verdict, give_verdict
from evaluation.leakage.estimate import strongest_attacker
from evaluation.leakage.held_out import removed


@dataclass(frozen=True)
class Caveat:
    """A sentence of the checks.

    Attributes:
        text: the sentence.
        representation: which one it is about, or None for all.
        attribute: which one it is about, or None for all.
    """

    text: str
    representation: str | None = None
    attribute: str | None = None


@dataclass(frozen=True, eq=False)
class Audit:
    """The result of an audit.

    Attributes:
        names: of the representations; the first is what the others are compared with.
        attributes: the sensitive ones.
        classes: attribute -> class names in label order, of the sensitive ones.
        frames: by section; each has the columns `representation` and, if it is about one, `attribute` in
            front. All shares are in [0, 1] but `removed`, in percent.
        caveats: what the checks found.
        settings: option -> value, as JSON can write it.
        facts: what was measured on what, and by which versions: words -> words.
    """

    names: tuple[str, ...]
    attributes: tuple[str, ...]
    classes: dict[str, tuple[str, ...]]
    frames: Frames
    caveats: list[Caveat]
    settings: dict[str, Any]
    facts: dict[str, str]

    def frame(self, section: str, **where: Any) -> pd.DataFrame:
        """Rows of a section whose columns have the values `where`; an empty frame if it was left out."""
        frame = self.frames.get(section, pd.DataFrame())
        for column, value in where.items() if len(frame) else ():
            frame = frame[frame[column] == value]
        return frame.reset_index(drop=True)

    def reading(self, attribute: str, representation: str) -> Reading:
        """What the strongest attacker on standardised embeddings reads."""
        about = {"representation": representation, "attribute": attribute}
        row = strongest_attacker(self.frame("leakage", **about))
        permutation = self.frame("permutation", **about)
        verification = self.frame("verification", representation=representation, metric="cosine")
        return Reading(
            representation,
            row["attacker"],
            accuracy=float(row["balanced_accuracy"]),
            low=float(row["low"]),
            high=float(row["high"]),
            chance=float(row["chance"]),
            p=_only(permutation, "p_value"),
            auc=_only(verification, "auc"),
            warnings=sum(
                c.representation == representation and c.attribute == attribute for c in self.caveats
            ),
        )

    @property
    def verdicts(self) -> list[Verdict]:
        """A verdict for each sensitive attribute and representation after the first, or for that alone."""
        found = []
        for attribute in self.attributes:
            before = self.reading(attribute, self.names[0])
            after = [self.reading(attribute, name) for name in self.names[1:]]
            found += [give_verdict(attribute, x, before) for x in after] or [give_verdict(attribute, before)]
        return found


def removed_by_attacker(leakage: pd.DataFrame, before: str) -> pd.DataFrame:
    """How much of what each attacker read before it no longer reads.

    Args:
        leakage: the frame of an audit.
        before: representation that the others are compared with.

    Returns:
        `representation`, `attribute`, `attacker`, `scaling`, `before` and `after` (balanced accuracies),
        `chance`, and `removed` (percent, see `evaluation.leakage.held_out.removed`). The attacker
        `strongest` compares the strongest standardised one before with that after, which may be two.
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
        removed(x.balanced_accuracy_before, x.balanced_accuracy, x.chance, x.low_before)
        for x in joined.itertuples()
    ]
    renamed = joined.rename(columns={"balanced_accuracy_before": "before", "balanced_accuracy": "after"})
    return renamed[["representation", *key, "before", "after", "chance", "removed"]]


def _only(frame: pd.DataFrame, column: str) -> float:
    return float(frame[column].iloc[0]) if len(frame) else nan
