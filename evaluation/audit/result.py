"""The result of an audit: frames, caveats and facts, before they are worded or drawn."""

from dataclasses import dataclass
from math import nan
from typing import Any

import pandas as pd

from evaluation.audit.cache import Frames
from evaluation.audit.estimates import Change, Finding, LeakageEstimate, MinorityLeak
from evaluation.audit.verdict import Verdict, give_verdict

STRONGEST = "strongest"
"""Attacker of the rows of `removed` that compare the strongest before with the strongest after."""


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
        """Return the leakage by the strongest attacker on any scaling, with the outcomes of its tests."""
        about = {"representation": representation, "attribute": attribute}
        row = self.frame("strongest", **about).iloc[0]
        verification = self.frame("verification", representation=representation, metric="cosine")
        return LeakageEstimate(
            representation,
            row["attacker"],
            accuracy=float(row["balanced_accuracy"]),
            low=float(row["low"]),
            high=float(row["high"]),
            chance=float(row["chance"]),
            scaling=row["scaling"],
            test=self._finding("readable at all", about),
            beyond=self._finding("beyond identity", about),
            minority=self._minority(about),
            smallest=_only(self.frame("smallest_leak", **about), "accuracy"),
            auc=_only(verification, "auc"),
            warnings=len(self.caveats_about(attribute, representation)),
        )

    def _finding(self, hypothesis: str, about: dict[str, str]) -> Finding | None:
        frame = self.frame("permutation", hypothesis=hypothesis, **about)
        if frame.empty:
            return None
        row = frame.iloc[0]
        return Finding(
            float(row["p_holm"]),
            significant=bool(row["significant"]),
            images=int(row["n"]),
            subjects=int(row["people"]),
            shuffles=int(row["permutations"]),
            enough=bool(row["enough"]),
        )

    def _minority(self, about: dict[str, str]) -> MinorityLeak | None:
        """Return the leak of the share of the samples, short of all, that deviates most from its null."""
        frame = self.frame("confident", **about)
        frame = frame[frame["share"] < 1] if len(frame) else frame
        if frame.empty:
            return None
        row = frame.iloc[int(frame["p_value"].argmin())]
        return MinorityLeak(
            float(row["share"]),
            float(row["balanced_accuracy"]),
            float(row["p_holm"]),
            significant=bool(row["significant"]),
        )

    def change(self, attribute: str, representation: str) -> Change:
        """Return the change of the strongest reading from the first representation."""
        about = {"representation": representation, "attribute": attribute}
        row = self.frame("removed", attacker=STRONGEST, **about).iloc[0]
        return Change(
            *(float(row[name]) for name in ("difference", "difference_low", "difference_high")),
            *(float(row[name]) for name in ("removed", "removed_low", "removed_high")),
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
            if not self.names[1:]:
                found.append(give_verdict(attribute, before))
            for name in self.names[1:]:
                after, change = self.leakage_estimate(attribute, name), self.change(attribute, name)
                found.append(give_verdict(attribute, after, before, change))
        return found


def _only(frame: pd.DataFrame, column: str) -> float:
    return float(frame[column].iloc[0]) if len(frame) else nan
