"""Tables of audits over the seeds: means, deviations, the strongest of a line, and what was not measured."""

import pytest

from evaluation.reproduction.audit_pages import audit_table
from evaluation.reproduction.audit_table import AuditTable
from evaluation.samples.wording import MISSING

TABLE = AuditTable("Read at", "audit", "leakage", ["representation"], {"score": "score"}, digits=2)


def numbers(**columns):
    return {"sections": {"leakage": columns}}


def test_a_line_is_the_mean_and_deviation_of_its_seeds():
    seeds = [
        numbers(representation=["phi", "x"], score=[0.2, 0.5]),
        numbers(representation=["phi"], score=[0.4]),
    ]
    table = audit_table("t", TABLE, seeds)
    assert table.columns == ("representation", "score", "seeds")
    assert table.rows == [["phi", "0.30 ± 0.14", "2"], ["x", "0.50", "1"]]
    assert table.caption == "Read at: mean ± standard deviation of the seeds."


def test_of_a_line_the_largest_alone_counts():
    seed = numbers(representation=["x", "x", "phi", "phi"], score=[0.7, 0.9, 0.6, 0.5], low=[1, 2, 3, 4])
    asked = AuditTable("", "a", "leakage", ["representation"], {"low": "low"}, largest="score", digits=0)
    assert audit_table("t", asked, [seed]).rows == [["x", "2", "1"], ["phi", "3", "1"]]


@pytest.mark.parametrize(("where", "expected"), [({"scaling": "raw"}, "10.00"), ({"scaling": "other"}, None)])
def test_only_the_rows_that_are_asked_for_count(where, expected):
    seed = numbers(representation=["x", "x"], score=[0.1, 0.9], scaling=["raw", "standardised"])
    table = AuditTable("", "a", "leakage", ["representation"], {"score": "s"}, where, factor=100, digits=2)
    found = audit_table("t", table, [seed])
    assert (found and found.rows[0][1]) == expected


def test_what_no_audit_measured_is_no_table():
    assert audit_table("t", TABLE, [{"sections": {}}, numbers(representation=[])]) is None
    assert audit_table("t", TABLE, [numbers(representation=["x"], score=[None])]).rows == [
        ["x", MISSING, "1"]
    ]
