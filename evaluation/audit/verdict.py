"""The sentence of an audit: how readable an attribute still is, and what hiding it has cost."""

from dataclasses import dataclass
from math import isnan, nan
from typing import Literal

from evaluation.leakage.held_out import removed
from evaluation.samples.wording import equals, interval, number, percent

ALPHA = 0.05
_COLLAPSED = 50.0  # percent of what verification had above chance

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
class Reading:
    """What the strongest attacker reads of an attribute in one representation.

    Attributes:
        representation: its name.
        attacker: which one it was.
        accuracy: balanced accuracy in [0, 1], with its 95 % interval `low` to `high`.
        low: see accuracy.
        high: see accuracy.
        chance: 1 / classes.
        p: of the permutation test; nan if it was not made.
        auc: of verification with this representation; nan if it was not measured.
        warnings: how many the checks found.
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
        """Readable if the permutation test or, failing that, the interval says so; doubtful if they disagree.

        The interval alone proves little: the strongest of several attackers was picked by its score. The
        permutation test alone misses what only other classifiers than its own can read.
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
        level: of the reading after.
        removed: percent of what was readable before that is gone, see `removed`; nan without a before.
        sentence: for people; its names come from data and are not escaped.
    """

    attribute: str
    representation: str
    level: Level
    removed: float
    sentence: str


def give_verdict(attribute: str, after: Reading, before: Reading | None = None) -> Verdict:
    """What the readings say.

    Args:
        attribute: its name.
        after: of the representation that the sentence is about.
        before: of what it was made from; None if `after` is that.
    """
    gone = nan if before is None else removed(before.accuracy, after.accuracy, after.chance, before.low)
    parts = [_reading(attribute, after, still=before is not None and before.level == "readable")]
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
    """What people call an attacker."""
    before, name = _ATTACKERS.get(attacker, ("", attacker))
    return before + name if article else name


def _reading(attribute: str, after: Reading, still: bool) -> str:
    by = attacker_name(after.attacker, article=True)
    chance = f"chance {percent(after.chance)}"
    score = f"{percent(after.accuracy)} {interval(after.low, after.high)}"
    if after.level == "not found":
        test = "" if isnan(after.p) else f", permutation test p {equals(after.p)}"
        return (
            f"{attribute} was not found in {after.representation}: the strongest attacker, {by}, gets "
            f"{score} ({chance}{test}), which luck explains and which proves no absence"
        )
    told = f"{attribute} is {'still ' if still else ''}readable from {after.representation} at {score}"
    if after.level == "doubtful":
        doubt = f"though the permutation test does not confirm it (p {equals(after.p)})"
        return f"{told} ({chance}), by {by}, {doubt}"
    test = "" if isnan(after.p) else f", p {equals(after.p)}"
    return f"{told} ({chance}{test}), by {by}"


def _change(before: Reading, after: Reading, gone: float) -> str:
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


def _cost(before: Reading, after: Reading) -> str:
    if isnan(before.auc) or isnan(after.auc):
        return ""
    told = f"AUC {_auc(before.auc)} -> {_auc(after.auc)}"
    collapsed = removed(before.auc, after.auc, 0.5) >= _COLLAPSED
    return f"verification collapsed with it ({told})" if collapsed else f"verification {told}"


def _auc(auc: float) -> str:
    return number(auc, 4).removeprefix("0")
