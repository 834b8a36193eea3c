"""Times of ways that take turns, and their ratios."""

import time
from collections.abc import Callable, Iterable, Mapping
from statistics import median

Times = dict[str, list[float]]


def use_up(values: Iterable[object]) -> None:
    """Make each value and drop it, as training does."""
    for _ in values:
        pass


def take_turns(
    sides: Mapping[str, Callable[[], object]], rounds: int, clock: Callable[[], float] = time.process_time
) -> Times:
    """Measure milliseconds of each side in each round, of the processor or of another clock in seconds."""
    times: Times = {name: [] for name in sides}
    for number in range(-1, rounds):  # the first round only warms up
        for name in list(sides)[:: -1 if number % 2 else 1]:
            start = clock()
            sides[name]()
            if number >= 0:
                times[name].append((clock() - start) * 1000)
    return times


def per_item(times: Times, items: int) -> Times:
    """Divide the times of rounds by the number of items of a round."""
    return {name: [x / items for x in values] for name, values in times.items()}


def faster(times: Times, base: str, ours: str, unit: str = "ms") -> dict[str, float | list[float]]:
    """Print and return how many times less `ours` costs than `base`.

    Args:
        times: cost of each side in each round.
        base: the side in the numerator.
        ours: the side in the denominator.
        unit: unit of the costs.

    Returns:
        `ratio`, the median over the rounds, `range`, its ends, and under the unit's name the median cost of
        either side.
    """
    ratios = [b / o for b, o in zip(times[base], times[ours], strict=True)]
    costs = [median(times[side]) for side in (base, ours)]
    print(
        f"{base} / {ours}: {median(ratios):.4g} ({min(ratios):.4g} to {max(ratios):.4g}), "
        f"{costs[0]:.4g} and {costs[1]:.4g} {unit}"
    )
    ends = [_rounded(min(ratios)), _rounded(max(ratios))]
    return {"ratio": _rounded(median(ratios)), "range": ends, unit: list(map(_rounded, costs))}


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")
