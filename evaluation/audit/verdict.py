"""Write the verdict of an audit: the remaining leakage of an attribute, and the cost of hiding it."""

from dataclasses import dataclass
from math import isnan, nan

from evaluation.audit.attacker_names import attack_name
from evaluation.audit.estimates import Change, Finding, LeakageEstimate, Level
from evaluation.leakage.reduction import leakage_reduction
from evaluation.samples.wording import equals, interval, number, percent

_COLLAPSED = 50.0  # percent of the verification AUC above chance that is lost


@dataclass(frozen=True)
class Verdict:
    """One sentence about one attribute in one representation.

    Attributes:
        attribute: its name.
        representation: its name.
        level: level of the leakage after.
        removed: percent of what was readable before that is gone; nan without a before.
        sentence: text for readers; its names come from data and are not escaped.
    """

    attribute: str
    representation: str
    level: Level
    removed: float
    sentence: str


def give_verdict(
    attribute: str,
    after: LeakageEstimate,
    before: LeakageEstimate | None = None,
    change: Change | None = None,
) -> Verdict:
    """Write the verdict on one attribute in one representation.

    Args:
        attribute: its name.
        after: leakage of the representation that the sentence is about.
        before: leakage of the original representation; None if `after` is the original.
        change: difference between the two; None if `after` is the original.
    """
    parts = [_leakage(attribute, after, still=before is not None and before.level == "readable")]
    if before is not None and change is not None:
        parts += [_change(before, after, change), _cost(before, after)]
    elif not isnan(after.auc):
        parts.append(f"verification AUC {_auc(after.auc)}")
    if after.warnings:
        one = after.warnings == 1
        parts.append(
            f"{'a warning' if one else f'{after.warnings} warnings'} of the checks below "
            f"{'limits' if one else 'limit'} what this figure means"
        )
    gone = nan if change is None else change.removed
    return Verdict(attribute, after.representation, after.level, gone, "; ".join(filter(None, parts)) + ".")


def _leakage(attribute: str, after: LeakageEstimate, still: bool) -> str:
    """Write how readable the attribute is, opening with the level."""
    by = attack_name(after.attacker, after.scaling)
    score = f"{percent(after.accuracy)} {interval(after.low, after.high)} (chance {percent(after.chance)})"
    name = after.representation
    if after.level == "readable":
        finding = f"{attribute} is {'still ' if still else ''}readable from {name} at {score}, by {by}"
        return "; ".join([finding, *_confirmed(after)])
    if after.level == "doubtful":
        doubt = "" if after.test is None else f", which {_unconfirmed(after.test)}"
        gets = f"the strongest attacker, {by}, gets {score}"
        return f"whether {attribute} is readable from {name} is open: {gets}{doubt}"
    test = "" if after.test is None else f" (permutation test p {_finding(after.test)})"
    unknown = isnan(after.smallest)
    power = "" if unknown else f"; a leak of {percent(after.smallest)} would be found in 4 of 5 cases"
    return (
        f"{attribute} was not found in {name}: the strongest attacker, {by}, gets {score}, which luck "
        f"explains and which proves no absence{test}{power}"
    )


def _confirmed(after: LeakageEstimate) -> list[str]:
    """List the outcomes of the tests of what is readable."""
    said = []
    whole = after.test is not None and after.test.significant
    if not whole and (minority := after.minority) is not None and minority.significant:
        said.append(
            f"of the {percent(minority.share, 0)} of the samples that a classifier is surest of it reads "
            f"{percent(minority.accuracy)} (p {equals(minority.p)})"
        )
    if after.test is not None:
        shown = "" if after.test.significant else ", which shows no leak over all samples"
        said.append(f"permutation test p {_finding(after.test)}{shown}")
    if after.beyond is not None:
        shown = "also" if after.beyond.significant else "not shown to be readable"
        said.append(f"{shown} beyond identity (p {_finding(after.beyond)})")
    return said


def _unconfirmed(test: Finding) -> str:
    if not test.enough:
        return f"{test.shuffles} shuffles of the permutation test are too few to confirm"
    return f"the permutation test does not confirm (p {_finding(test)})"


def _finding(test: Finding) -> str:
    return f"{equals(test.p)}, corrected for all tests, {test.images:,} images of {test.subjects:,} subjects"


def _change(before: LeakageEstimate, after: LeakageEstimate, change: Change) -> str:
    """Write what became of the leakage; more, less and the same by the interval of the paired difference."""
    was = f"{percent(before.accuracy)} in {before.representation}"
    if isnan(change.removed) and before.level != "not found":
        return f"it was read hardly above chance before ({was}), too little to take a share of"
    if isnan(change.removed):
        either = " either" if after.level == "not found" else ""
        return f"it was not found before{either} ({was}), so there was nothing to remove"
    if change.low > 0:
        return f"that is more than before ({was})"
    if change.high >= 0:
        span = f"{_points(change.low)} to {_points(change.high)}"
        points = f"difference {_points(change.difference)} points, 95 % {span}"
        return f"that is not shown to be less than before ({was}; {points})"
    span = "" if isnan(change.removed_low) else f" [{change.removed_low:.1f}, {change.removed_high:.1f}]"
    return f"{change.removed:.1f} %{span} of what was readable before ({was}) is gone"


def _points(share: float) -> str:
    return f"{100 * share:.1f}".replace("-", "−")


def _cost(before: LeakageEstimate, after: LeakageEstimate) -> str:
    if isnan(before.auc) or isnan(after.auc):
        return ""
    change = f"AUC {_auc(before.auc)} -> {_auc(after.auc)}"
    collapsed = leakage_reduction(before.auc, after.auc, 0.5) >= _COLLAPSED
    return f"verification collapsed with it ({change})" if collapsed else f"verification {change}"


def _auc(auc: float) -> str:
    return number(auc, 4).removeprefix("0")
