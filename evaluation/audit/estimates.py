"""Leakage of an attribute from a representation, its tests, and the change from another representation."""

from dataclasses import dataclass
from math import nan
from typing import Literal

Level = Literal["readable", "doubtful", "not found"]


@dataclass(frozen=True)
class Finding:
    """Outcome of one permutation test.

    Attributes:
        p: p-value, corrected for all tests of the audit (Holm).
        significant: whether that is 0.05 or less with the margin that the number of shuffles needs.
        images: number of samples scored.
        subjects: number of their subjects.
        shuffles: number of shuffles.
        enough: whether so many shuffles could give a significant result.
    """

    p: float
    significant: bool
    images: int
    subjects: int
    shuffles: int
    enough: bool = True


@dataclass(frozen=True)
class MinorityLeak:
    """Leak of the samples that an attacker is surest of.

    Attributes:
        share: share of the samples, the surest ones.
        accuracy: balanced accuracy on these.
        p: p-value of the largest deviation over all shares, corrected as `Finding.p`.
        significant: as `Finding.significant`.
    """

    share: float
    accuracy: float
    p: float
    significant: bool


@dataclass(frozen=True)
class LeakageEstimate:
    """Leakage of an attribute from one representation, by the strongest attacker on any scaling.

    Attributes:
        representation: its name.
        attacker: name of the strongest attacker.
        accuracy: balanced accuracy in [0, 1], with its 95 % interval `low` to `high`, which accounts for the
            choice of the strongest.
        low: lower end of the interval.
        high: upper end of the interval.
        chance: 1 / classes.
        scaling: scaling of the embeddings that this attacker was given.
        test: test of the hypothesis that the attribute is not readable at all (across subjects); None if it
            was omitted.
        beyond: test of the hypothesis that nothing is readable beyond identity (within subjects); None if it
            was omitted or the attribute does not vary within subjects.
        minority: the leak of the surest samples; None if it was omitted.
        smallest: smallest balanced accuracy that the test finds with probability 0.8; nan if not known.
        auc: AUC of verification with this representation; nan if it was not measured.
        warnings: number of warnings of the checks.
    """

    representation: str
    attacker: str
    accuracy: float
    low: float
    high: float
    chance: float
    scaling: str = "standardised"
    test: Finding | None = None
    beyond: Finding | None = None
    minority: MinorityLeak | None = None
    smallest: float = nan
    auc: float = nan
    warnings: int = 0

    @property
    def p(self) -> float:
        """Return the corrected p-value of the test of all samples; nan if it was omitted."""
        return nan if self.test is None else self.test.p

    @property
    def level(self) -> Level:
        """Level by the permutation tests; doubtful if only the interval is above chance.

        Without a test the interval decides. A test that is not significant proves little where its attackers
        miss a leak, so an interval above chance leaves the question open.
        """
        above = self.low > self.chance
        tests = [x for x in (self.test, self.beyond, self.minority) if x is not None]
        if any(x.significant for x in tests) or (not tests and above):
            return "readable"
        return "doubtful" if above else "not found"


@dataclass(frozen=True)
class Change:
    """Difference between two representations on the same samples, with 95 % intervals over subjects.

    Attributes:
        difference: balanced accuracy after minus before, `low` to `high`.
        low: lower end of its interval.
        high: upper end of its interval.
        removed: leakage reduction in percent, see `leakage_reduction`; nan if there was nothing to remove.
        removed_low: lower end of its interval.
        removed_high: upper end of its interval.
    """

    difference: float
    low: float
    high: float
    removed: float
    removed_low: float = nan
    removed_high: float = nan
