"""Tables of metrics: published values beside those of our trainings."""

from math import isnan, nan

from evaluation.report.sections import Section
from evaluation.report.tables import Table
from evaluation.reproduction.measured import deviation
from evaluation.reproduction.metric_table import MetricRow, MetricTable
from evaluation.reproduction.tables import points, spread
from evaluation.reproduction.trained import MetricScores
from evaluation.samples.wording import MISSING

_DIGITS = 2  # as the papers print


def metric_section(table: MetricTable, place: int, scores: MetricScores) -> Section:
    """Make the section of a published table beside ours, with all intervals; `place` numbers its name."""
    name = f"metrics-{place}"
    return Section(
        name,
        table.title,
        tables=[_overview(f"{name}-a", table, scores), _details(f"{name}-b", table, scores)],
    )


def _ours(table: MetricTable, column: str) -> bool:
    return any(row.step_of(column) for row in table.rows)


def _overview(name: str, table: MetricTable, scores: MetricScores) -> Table:
    """Make the printed table with the mean of the seeds beside every figure."""
    columns, shown = [""], []
    for key, column in table.columns.items():
        if any(key in row.published for row in table.rows):
            columns.append(f"{column.title}, published")
            shown.append((key, True))
        if _ours(table, key):
            columns.append(f"{column.title}, ours")
            shown.append((key, False))
    rows = [
        [row.title, *(_printed(row, key) if printed else _mean(row, key, scores) for key, printed in shown)]
        for row in table.rows
    ]
    printed = any(row.published for row in table.rows)
    caption = (
        f"{'Published beside ours, o' if printed else 'O'}urs as mean ± standard deviation of the seeds."
    )
    return Table(name, " ".join([table.caption, caption]).strip(), columns, rows)


def _printed(row: MetricRow, column: str) -> str:
    return points(row.published.get(column, nan), _DIGITS)


def _mean(row: MetricRow, column: str, scores: MetricScores) -> str:
    score = scores.get((row.id, column))
    return spread(score.known, _DIGITS) if score else MISSING


def _details(name: str, table: MetricTable, scores: MetricScores) -> Table:
    """Make the table of our figures: difference from the printed one, deviation and interval of the mean."""
    rows = []
    for row, column, step in table.cells():
        if step is None:
            continue
        score, printed = scores[row.id, column], row.published.get(column, nan)
        difference, (low, high) = score.mean - printed, score.interval
        rows.append(
            [
                row.title,
                table.columns[column].title,
                _printed(row, column),
                points(score.mean, _DIGITS),
                MISSING if isnan(difference) else f"{difference:+.{_DIGITS}f}",
                points(deviation(score.known), _DIGITS),
                str(len(score.known)),
                MISSING if isnan(low) else f"[{low:.{_DIGITS}f}, {high:.{_DIGITS}f}]",
            ]
        )
    columns = ("", "metric", "published", "ours", "difference", "deviation", "seeds", "mean: 95 %")
    caption = "Every figure of ours; the interval is Student's, of the mean over the seeds that logged it."
    return Table(name, caption, columns, rows, texts=2)
