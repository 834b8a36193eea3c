"""Tables of a page: published figures beside ours, in percent."""

from collections.abc import Sequence
from math import isnan, nan

import numpy as np

from evaluation.leakage.reduction import leakage_reduction
from evaluation.report.tables import Table
from evaluation.reproduction.claims import Finding
from evaluation.reproduction.measured import SCALINGS, Numbers, Score, Scores, deviation, mean
from evaluation.reproduction.published import Published, PublishedFigure, Row
from evaluation.samples.wording import MISSING

_WIDER = 0.5  # points between a printed and a recomputed Diff that rounding does not explain


def points(value: float, digits: int = 1) -> str:
    """Format a number of percent or points; a dash for nan."""
    return MISSING if isnan(value) else f"{value:.{digits}f}"


def spread(values: Sequence[float], digits: int = 1) -> str:
    """Format mean ± standard deviation; the mean alone for one value."""
    both = (points(mean(values), digits), points(deviation(values), digits))
    return both[0] if both[1] == MISSING else " ± ".join(both)


def recomputed_diff(row: Row, representation: str, control: str) -> float:
    """Apply equation 4.1 to the printed accuracies; nan without them."""
    if representation == control or representation not in row.accuracy:
        return nan
    return leakage_reduction(
        row.accuracy[control] / 100, row.accuracy[representation] / 100, row.chance / 100
    )


def printed_diff(row: Row, representation: str, control: str) -> str:
    """Format the recomputed reduction, with the printed one if it differs."""
    value = recomputed_diff(row, representation, control)
    if isnan(value):
        return MISSING
    printed = row.diff.get(representation, nan)
    wrong = abs(printed - value) > _WIDER
    return f"{points(value)} (printed {printed:g})" if wrong else points(value)


def overview(published: Published, scores: Scores) -> Table:
    """Make the printed table with our means over the seeds beside every figure."""
    names = published.representations
    columns = ["task", "embeddings"]
    for name, title in names.items():
        columns += [f"{title}, published", f"{title}, ours"]
        if name != published.control:
            columns += [f"Diff {title}, published", f"Diff {title}, ours"]
    rows = []
    for row in published.rows:
        for scaling in SCALINGS:
            if row.attribute is None and scaling != SCALINGS[0]:
                continue
            cells = [row.task, MISSING if row.attribute is None else scaling]
            for name in names:
                score = scores[row.id, name, scaling]
                cells += [points(row.accuracy.get(name, nan)), spread([x.accuracy for x in score.readings])]
                if name != published.control:
                    cells += [printed_diff(row, name, published.control), spread(score.removed)]
            rows.append(cells)
    caption = (
        "Published beside ours, in percent, ours as mean ± standard deviation of the seeds. Diff is the "
        "share of what was above chance that is gone (eq. 4.1), recomputed from the printed accuracies."
    )
    return Table("overview", caption, columns, rows, texts=2)


def details(published: Published, scores: Scores) -> Table:
    """Make the table of our figures, with intervals and differences from the printed ones."""
    rows = []
    for row in published.rows:
        for name, title in published.representations.items():
            for scaling in SCALINGS:
                score = scores[row.id, name, scaling]
                if score.readings:
                    rows.append([row.task, title, scaling, *_details(row.accuracy.get(name, nan), score)])
                elif scaling == SCALINGS[0]:
                    rows.append(
                        [row.task, title, "not measured", points(row.accuracy.get(name, nan)), *[MISSING] * 7]
                    )
    columns = ("task", "representation", "embeddings", "published", "ours", "difference", "seeds: deviation")
    more = ("people: 95 %", "chance", "n", "measure")
    caption = (
        "Every figure, in percent: the deviation over the seeds, and the interval over people (the mean of "
        "the seeds' intervals)."
    )
    return Table("details", caption, (*columns, *more), rows, texts=3)


def _details(printed: float, score: Score) -> list[str]:
    first, (low, high) = score.readings[0], score.interval
    return [
        points(printed),
        points(score.accuracy),
        MISSING if isnan(printed) else f"{score.accuracy - printed:+.1f}",
        f"{points(score.spread)} ({len(score.readings)})",
        MISSING if isnan(low) else f"[{low:.1f}, {high:.1f}]",
        points(first.chance),
        f"{first.n:,}",
        first.measure,
    ]


def claims_table(findings: Sequence[Finding]) -> Table:
    """Make the table of claims, checked by the published figures and by ours."""
    words = {True: "holds", False: "does not hold", None: "not in print"}
    rows = [[x.claim.text, x.claim.source, words[x.printed], x.verdict] for x in findings]
    caption = (
        "Claims, judged by rule: by the published figures themselves, and by ours (every seed must agree)."
    )
    return Table("claims", caption, ("claim", "source", "by the published figures", "here"), rows, texts=4)


def suppression_table(figure: PublishedFigure, control: str, audits: Sequence[Numbers]) -> Table | None:
    """Make the table of the control's leakage after features were removed; None without points."""
    if not figure.points:
        return None
    rows = []
    for point in figure.points:
        found = [_suppressed(numbers, figure.attribute, control, point.share / 100) for numbers in audits]
        known = [100 * x for x in found if not isnan(x)]
        difference = mean(known) - point.accuracy
        rows.append(
            [
                f"{point.share:g} %",
                point.said,
                spread(known),
                MISSING if isnan(difference) else f"{difference:+.1f}",
            ]
        )
    columns = ("features removed", "published", "ours", "difference")
    caption = (
        "Balanced accuracy in percent when features are taken away at random, ours on the line between the "
        "shares measured: mean ± standard deviation of the seeds."
    )
    return Table("suppression", caption, columns, rows, texts=2)


def _suppressed(numbers: Numbers, attribute: str | None, representation: str, share: float) -> float:
    """Interpolate the mean curve of the draws at a share; nan if it was not measured."""
    section = numbers["sections"].get("suppression", {})
    keys = ("representation", "attribute", "share_removed", "balanced_accuracy")
    rows = list(zip(*(section.get(key, ()) for key in keys), strict=True))
    curve: dict[float, list[float]] = {}
    for name, of, removed_share, score in rows:
        if (name, of) == (representation, attribute):
            curve.setdefault(removed_share, []).append(score)
    if not curve or share > max(curve):
        return nan
    shares = sorted(curve)
    return float(np.interp(share, shares, [mean(curve[x]) for x in shares]))
