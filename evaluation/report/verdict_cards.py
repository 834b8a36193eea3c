"""The top of the page: what was measured on what, a card for each verdict, and the warnings."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.audit.attacker_names import attacker_name
from evaluation.audit.estimates import LeakageEstimate
from evaluation.audit.result import Audit, Caveat
from evaluation.audit.verdict import Verdict
from evaluation.report.tables import Table
from evaluation.samples.wording import interval, percent

_DATASET = ": data"  # ending of the facts that name the dataset of a representation
_HASH = re.compile(r"[0-9a-f]{16,}")
_LEAD = re.compile(r"([A-Z][^.:]{2,40}): (.+)", re.DOTALL)  # "Below chance: the strongest attacker ..."


@dataclass(frozen=True)
class Card:
    """A verdict in figures and words; positions on its scale are in percent.

    Attributes:
        verdict: level and sentence.
        after: leakage of the representation that the verdict is about.
        before: leakage of the original; None if the verdict is about it.
    """

    verdict: Verdict
    after: LeakageEstimate
    before: LeakageEstimate | None

    @property
    def score(self) -> str:
        """Balanced accuracy of the strongest attacker."""
        return percent(self.after.accuracy)

    @property
    def interval(self) -> str:
        """Interval of the score."""
        return interval(self.after.low, self.after.high)

    @property
    def marks(self) -> str:
        """Text of the scale for screen readers."""
        was = "" if self.before is None else f", before {percent(self.before.accuracy)}"
        return f"{self.score} {self.interval}, chance {percent(self.after.chance)}{was}"


@dataclass(frozen=True)
class CaveatGroup:
    """The warnings on one subject.

    Attributes:
        about: what they are about; empty for the whole audit.
        items: (lead, text) of each warning; the lead may be empty.
    """

    about: str
    items: Sequence[tuple[str, str]]


def verdict_cards(audit: Audit) -> list[Card]:
    """Make a card for each verdict."""
    first = audit.names[0]
    return [
        Card(
            verdict,
            audit.leakage_estimate(verdict.attribute, verdict.representation),
            None if verdict.representation == first else audit.leakage_estimate(verdict.attribute, first),
        )
        for verdict in audit.verdicts
    ]


def header_facts(audit: Audit) -> dict[str, str]:
    """Collect what a reader needs to judge the verdicts: dataset, date, sample and main settings."""
    settings, facts = audit.settings, audit.facts
    datasets = dict.fromkeys(text for name, text in facts.items() if name.endswith(_DATASET))
    found = {
        "dataset": ", ".join(datasets),
        "measured": facts.get("date", ""),
        "tested": facts["tested"],
        "attributes": ", ".join(audit.attributes),
    }
    if audit.attributes:
        tuned = "tuned by cross-validation" if settings["tune"] else "with fixed settings"
        repeats = f", {settings['repeats']} times" if settings["repeats"] > 1 else ""
        found["attackers"] = f"{', '.join(map(attacker_name, settings['attackers']))}; {tuned}"
        found["settings"] = (
            f"{settings['folds']} folds of subjects{repeats}, {settings['permutations']} shuffles, "
            f"seed {settings['seed']}"
        )
    return {name: text for name, text in found.items() if text}


def facts_tables(audit: Audit) -> tuple[Table, Table | None]:
    """Make the tables of the facts for readers, and of fingerprints and provenance."""
    origins = tuple(f"{name}: " for name in audit.names)
    folded = {k: v for k, v in audit.facts.items() if k.startswith(origins) or _HASH.search(v)}
    shown = [(k, v) for k, v in audit.facts.items() if k not in folded]
    head = ("what", "value")
    hashes = Table("provenance", "Provenance and fingerprints.", head, list(folded.items()), texts=2)
    return Table("facts", "What was measured on what.", head, shown, texts=2), hashes if folded else None


def caveat_groups(caveats: Sequence[Caveat]) -> list[CaveatGroup]:
    """Group warnings by their subject, general ones first; one on several representations is given once."""
    where: dict[tuple[str | None, str], list[str]] = {}
    for caveat in caveats:
        places = where.setdefault((caveat.attribute, caveat.text), [])
        if caveat.representation is not None:
            places.append(caveat.representation)
    groups: dict[str, list[tuple[str, str]]] = {"": []}
    for (attribute, text), places in where.items():
        about = " in ".join(filter(None, (attribute, ", ".join(places))))
        lead = _LEAD.fullmatch(text)
        groups.setdefault(about, []).append((lead[1], lead[2]) if lead else ("", text))
    return [CaveatGroup(about, items) for about, items in groups.items() if items]
