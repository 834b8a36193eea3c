"""Leakage reduction: the share of the leakage above chance that a representation removes."""

from math import nan

AT_CHANCE = 0.01  # a score closer to chance than this has nothing to reduce


def leakage_reduction(before: float, after: float, chance: float, low: float = nan) -> float:
    """Compute the leakage reduction in percent (thesis, eq. 4.1); every report uses this function.

    100 means that nothing above chance is left, 0 that nothing changed; a negative value means that more
    leaks than before. A score below chance counts as chance, so the result is at most 100. It is nan where
    `before` is less than one point above chance or its interval contains chance.

    Args:
        before: balanced accuracy, or another score in [0, 1] whose chance level is known.
        after: the same score of the other representation.
        chance: chance level of both.
        low: lower end of the interval of `before`; nan if there is none.
    """
    if before - chance < AT_CHANCE or low <= chance:
        return nan
    return 100 * (before - max(after, chance)) / (before - chance)
