"""Figures that trainings leave: values, intervals, tables and claims, by hand."""

from math import isnan, nan

import pytest
from scipy.stats import ttest_1samp

from evaluation.reproduction.claims import judge
from evaluation.reproduction.metric_pages import metric_section
from evaluation.reproduction.metric_table import Column, MetricTable
from evaluation.reproduction.published import Published
from evaluation.reproduction.trained import MetricScore, score_metrics, value_of

COLUMNS = {
    "accuracy": {"title": "accuracy", "metric": "test/accuracy"},
    "gap": {"title": "gap", "metric": "test/tpr/smiling=yes", "minus": "test/tpr/smiling=no"},
    "auc": {"title": "AUC", "metric": "test/auc"},
}
ROWS = [
    {"id": "plain", "title": "x", "step": "plain", "published": {"accuracy": 77.26, "gap": 2.08}},
    {"id": "biased", "title": "x, biased", "step": "biased", "published": {"accuracy": 76.23, "gap": 17.47}},
    {"id": "theirs", "title": "another", "published": {"accuracy": 60}},
]


def run(accuracy: float, smiling: float, other: float) -> dict[str, float]:
    return {"test/accuracy": accuracy, "test/tpr/smiling=yes": smiling, "test/tpr/smiling=no": other}


RESULTS = {
    "plain": [run(0.75, 0.80, 0.82), run(0.79, 0.85, 0.81)],
    "biased": [run(0.74, 0.90, 0.60), run(0.72, 0.88, 0.62)],
}


def made(**changed) -> Published:
    said = {
        "name": "t",
        "title": "T",
        "source": "S",
        "metrics": [{"title": "A", "columns": COLUMNS, "rows": ROWS}],
    }
    return Published.parse(said | changed)


def test_a_column_is_a_metric_or_a_scaled_difference() -> None:
    results = run(0.75, 0.5, 0.75)
    assert value_of(results, Column(**COLUMNS["accuracy"])) == pytest.approx(75)
    assert value_of(results, Column(**COLUMNS["gap"])) == pytest.approx(-25)
    assert value_of({"test/annex": 91.5}, Column("annex", "test/annex", factor=1)) == pytest.approx(91.5)
    assert isnan(value_of(results, Column(**COLUMNS["auc"])))
    assert isnan(value_of({"test/tpr/smiling=yes": 0.5}, Column(**COLUMNS["gap"])))


def test_the_interval_is_where_a_t_test_keeps_the_mean() -> None:
    values = [3.0, 5.0, 4.5, 9.0]
    score = MetricScore([*values, nan])
    assert score.known == values
    assert score.interval == pytest.approx(tuple(ttest_1samp(values, 0).confidence_interval(0.95)))
    assert all(isnan(end) for end in MetricScore([3.0, nan]).interval)
    assert isnan(MetricScore([nan]).mean)


def test_ours_is_beside_the_published_and_missing_is_a_dash() -> None:
    (table,) = made().metrics
    first, second = metric_section(table, 0, score_metrics([table], RESULTS)).tables
    assert list(first.columns) == [
        "", "accuracy, published", "accuracy, ours", "gap, published", "gap, ours", "AUC, ours"
    ]  # fmt: skip
    assert first.caption.endswith("Published beside ours, ours as mean ± standard deviation of the seeds.")
    assert first.rows[0] == ["x", "77.26", "77.00 ± 2.83", "2.08", "1.00 ± 4.24", "–"]
    assert first.rows[2] == ["another", "60.00", "–", "–", "–", "–"]
    by_name = {(row[0], row[1]): row[2:] for row in second.rows}
    # half the interval of two values: t(0.975, 1) = 12.706 times 1.4142 / sqrt(2)
    assert by_name["x, biased", "accuracy"] == ["76.23", "73.00", "-3.23", "1.41", "2", "[60.29, 85.71]"]
    assert by_name["x", "AUC"] == ["–", "–", "–", "–", "0", "–"]
    assert {title for title, _ in by_name} == {"x", "x, biased"}


def test_a_row_can_have_a_training_for_each_column() -> None:
    columns = {name: {"title": name, "metric": "test/accuracy"} for name in ("plain", "ours", "theirs")}
    rows = [
        {"id": "a", "title": "a", "step": {"plain": "plain", "ours": "biased"}, "published": {"theirs": 9}}
    ]
    table = MetricTable.parse({"title": "A", "columns": columns, "rows": rows})
    scores = score_metrics([table], RESULTS)
    assert {column: score.mean for (_, column), score in scores.items()} == pytest.approx(
        {"plain": 77, "ours": 73}
    )
    overview = metric_section(table, 0, scores).tables[0]
    assert list(overview.columns[1:]) == ["plain, ours", "ours, ours", "theirs, published"]
    del rows[0]["published"]
    table = MetricTable.parse({"title": "A", "columns": columns, "rows": rows})
    caption = metric_section(table, 0, scores).tables[0].caption
    assert caption == "Ours as mean ± standard deviation of the seeds."


@pytest.mark.parametrize(
    ("condition", "printed", "ours"),
    [
        ({"row": "biased", "of": "gap", "more_than_row": "plain"}, True, "holds"),
        ({"row": "plain", "of": "accuracy", "more_than": "gap"}, True, "holds"),
        ({"row": "plain", "of": "gap", "at_most": 0}, False, "the seeds disagree (1 of 2 hold)"),
        ({"row": "plain", "of": "accuracy", "at_least": 70, "at_most": 80}, True, "holds"),
        ({"row": "plain", "of": "accuracy", "at_most": 70}, False, "does not hold"),
        ({"row": "plain", "of": "auc", "at_least": 0}, None, "not measured"),
        ({"row": "theirs", "of": "accuracy", "at_least": 50}, True, "not measured"),
    ],
)  # fmt: skip
def test_claims_are_judged_by_metrics_of_each_seed(condition, printed, ours) -> None:
    published = made(claims=[{"text": "", "source": "", "conditions": [{"figure": "metric", **condition}]}])
    (found,) = judge(published, {}, score_metrics(published.metrics, RESULTS))
    assert (found.printed, found.verdict) == (printed, ours)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"claims": [{"row": "plain", "of": "gape"}]}, "a claim is about plain of gape"),
        ({"claims": [{"row": "plain", "of": "gap", "more_than_row": "none"}]}, "about none of gap"),
        ({"rows": [{**ROWS[0], "published": {"acc": 1}}]}, "row plain: no column 'acc'; there are accuracy"),
        ({"rows": [{**ROWS[0], "step": {"acc": "a"}}]}, "row plain: no column 'acc'"),
        ({"rows": [ROWS[0], ROWS[0]]}, "two rows have the id plain"),
    ],
)
def test_mistakes_in_a_file_are_named(changed, message) -> None:
    claims = [
        {"text": "", "source": "", "conditions": [{"figure": "metric", "at_most": 1, **x}]}
        for x in changed.get("claims", [])
    ]
    table = {"title": "A", "columns": COLUMNS, "rows": changed.get("rows", ROWS)}
    with pytest.raises(ValueError, match=message):
        made(metrics=[table], claims=claims)
