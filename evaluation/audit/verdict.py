"""Write the verdict of an audit: the remaining leakage of an attribute, and the cost of hiding it."""

from dataclasses import dataclass
from math import isnan, nan
from typing import Literal

from evaluation.leakage.reduction import leakage_reduction
from evaluation.samples.wording import equals, interval, number, percent

ALPHA = 0.05
_COLLAPSED = 50.0  # percent of the verification AUC above chance that is lost

_ATTACKERS = {
    "linear": ("a ", "linear classifier"),
    "mlp": ("an ", "MLP"),
    "rbf_svm": ("an ", "RBF-SVM"),
    "forest": ("a ", "random forest"),
    "knn": ("", "nearest neighbours"),
    "boosting": ("", "gradient boosting"),
}

Level = Literal["readable", "doubtful", "not found"]


@dataclass(frozen=True)
class LeakageEstimate:
    """Leakage of an attribute from one representation, by the strongest attacker.

    Attributes:
        representation: its name.
        attacker: name of the strongest attacker.
        accuracy: balanced accuracy in [0, 1], with its 95 % interval `low` to `high`.
        low: lower end of the interval.
        high: upper end of the interval.
        chance: 1 / classes.
        p: p-value of the permutation test; nan if it was omitted.
        auc: AUC of verification with this representation; nan if it was not measured.
        warnings: number of warnings of the checks.
    """

    representation: str
    attacker: str
    accuracy: float
    low: float
    high: float
    chance: float
    p: float = nan
    auc: float = nan
    warnings: int = 0

    @property
    def level(self) -> Level:
        """Level by the permutation test or, without it, the interval; doubtful if they disagree.

        The interval alone proves little, as the strongest of several attackers was chosen by its score. The
        permutation test alone misses leaks that only other classifiers than its own detect.
        """
        above = self.low > self.chance
        if isnan(self.p):
            return "readable" if above else "not found"
        if self.p <= ALPHA:
            return "readable"
        return "doubtful" if above else "not found"


@dataclass(frozen=True)
class Verdict:
    """One sentence about one attribute in one representation.

    Attributes:
        attribute: its name.
        representation: its name.
        level: level of the leakage after.
        removed: percent of what was readable before that is gone, see `leakage_reduction`; nan without a
            before.
        sentence: text for readers; its names come from data and are not escaped.
    """

    attribute: str
    representation: str
    level: Level
    removed: float
    sentence: str


def give_verdict(attribute: str, after: LeakageEstimate, before: LeakageEstimate | None = None) -> Verdict:
    """Write the verdict on one attribute in one representation.

    Args:
        attribute: its name.
        after: leakage of the representation that the sentence is about.
        before: leakage of the original representation; None if `after` is the original.
    """
    gone = (
        nan
        if before is None
        else leakage_reduction(before.accuracy, after.accuracy, after.chance, before.low)
    )
    parts = [_leakage(attribute, after, still=before is not None and before.level == "readable")]
    if before is not None:
        parts += [_change(before, after, gone), _cost(before, after)]
    elif not isnan(after.auc):
        parts.append(f"verification AUC {_auc(after.auc)}")
    if after.warnings:
        one = after.warnings == 1
        parts.append(
            f"{'a warning' if one else f'{after.warnings} warnings'} of the checks below "
            f"{'limits' if one else 'limit'} what this figure means"
        )
    return Verdict(attribute, after.representation, after.level, gone, "; ".join(filter(None, parts)) + ".")


def attacker_name(attacker: str, *, article: bool = False) -> str:
    """Return the name of an attacker for readers."""
    before, name = _ATTACKERS.get(attacker, ("", attacker))
    return before + name if article else name


def _leakage(attribute: str, after: LeakageEstimate, still: bool) -> str:
    by = attacker_name(after.attacker, article=True)
    chance = f"chance {percent(after.chance)}"
    score = f"{percent(after.accuracy)} {interval(after.low, after.high)}"
    if after.level == "not found":
        test = "" if isnan(after.p) else f", permutation test p {equals(after.p)}"
        return (
            f"{attribute} was not found in {after.representation}: the strongest attacker, {by}, gets "
            f"{score} ({chance}{test}), which luck explains and which proves no absence"
        )
    finding = f"{attribute} is {'still ' if still else ''}readable from {after.representation} at {score}"
    if after.level == "doubtful":
        doubt = f"though the permutation test does not confirm it (p {equals(after.p)})"
        return f"{finding} ({chance}), by {by}, {doubt}"
    test = "" if isnan(after.p) else f", p {equals(after.p)}"
    return f"{finding} ({chance}{test}), by {by}"


def _change(before: LeakageEstimate, after: LeakageEstimate, gone: float) -> str:
    was = f"{percent(before.accuracy)} in {before.representation}"
    if isnan(gone) and before.level != "not found":
        return f"it was read hardly above chance before ({was}), too little to take a share of"
    if isnan(gone):
        either = " either" if after.level == "not found" else ""
        return f"it was not found before{either} ({was}), so there was nothing to remove"
    if gone < 0:
        return f"that is more than before ({was})"
    if gone < 0.05:
        return f"nothing of what was readable before ({was}) is gone"
    share = f"{gone:.1f} % of what was readable before ({was}) is gone"
    unsure = after.high >= before.low and before.high >= after.low
    return f"{share}, though the two intervals overlap" if unsure else share


def _cost(before: LeakageEstimate, after: LeakageEstimate) -> str:
    if isnan(before.auc) or isnan(after.auc):
        return ""
    change = f"AUC {_auc(before.auc)} -> {_auc(after.auc)}"
    collapsed = leakage_reduction(before.auc, after.auc, 0.5) >= _COLLAPSED
    return f"verification collapsed with it ({change})" if collapsed else f"verification {change}"


def _auc(auc: float) -> str:
    return number(auc, 4).removeprefix("0")
