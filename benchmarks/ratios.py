"""Ratios of times that were measured in turns."""

from statistics import median

from benchmarks.embedding_batches import Times


def faster(times: Times, base: str, ours: str) -> dict[str, float | list[float]]:
    """Print and return how many times less `ours` costs than `base`.

    Args:
        times: milliseconds of each side in each round.
        base: the side in the numerator.
        ours: the side in the denominator.

    Returns:
        `ratio`, the median over the rounds, `range`, its ends, and `ms`, the median of either side.
    """
    ratios = [b / o for b, o in zip(times[base], times[ours], strict=True)]
    ms = [median(times[side]) for side in (base, ours)]
    print(
        f"{base} / {ours}: {median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f}), "
        f"{ms[0]:.3f} and {ms[1]:.3f} ms"
    )
    return {
        "ratio": round(median(ratios), 3),
        "range": [round(min(ratios), 3), round(max(ratios), 3)],
        "ms": [round(value, 3) for value in ms],
    }
