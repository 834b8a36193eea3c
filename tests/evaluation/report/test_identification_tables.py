import numpy as np
import pandas as pd

from evaluation.report.identification_tables import identification_tables
from evaluation.samples.wording import MISSING
from tests.support.made_audit import crossed, make_audit

GROUPS = pd.DataFrame({"group_attribute": ["", "gender", "gender"], "group": ["", "women", "men"]})


def audited():
    audit = make_audit()
    closed = crossed(representation=["x", "phi"], rank=[1, 5]).merge(GROUPS, how="cross")
    opened = crossed(representation=["x", "phi"], fpir=[0.1, 0.001]).merge(GROUPS, how="cross")
    audit.frames["identification"] = closed.assign(
        rate=closed["rank"].map({1: 0.8, 5: 0.9}), low=0.7, high=0.95, gallery=1200, probes=4800, subjects=900
    )
    audit.frames["identification_open"] = opened.assign(
        threshold=0.4, tpir=opened["fpir"].map({0.1: 0.6, 0.001: np.nan}), low=0.5, high=0.7,
        group_fpir=0.12, group_fpir_low=0.1, group_fpir_high=0.14, gallery=600, mated=2400, non_mated=3000,
    )  # fmt: skip
    return audit


def test_ranks_stand_side_by_side_and_missing_ones_are_dashes():
    closed, opened = identification_tables(audited())
    assert closed.rows[0] == [
        "x",
        "all",
        "80.0 %",
        "[70.0, 95.0]",
        "90.0 %",
        MISSING,
        "1,200",
        "4,800",
        "900",
    ]
    assert [row[:2] for row in closed.rows] == [[r, g] for r in ("x", "phi") for g in ("all", "women", "men")]
    assert opened.rows[0] == [
        *("x", "all", "10.0 %", "60.0 %", "[50.0, 70.0]", "12.00 %", "[10.00, 14.00]"),
        *("0.400", "600", "2,400", "3,000"),
    ]
    assert len(opened.rows) == 6, "a FPIR that could not be measured has no row"


def test_without_identification_there_is_nothing():
    audit = make_audit()
    for section in ("identification", "identification_open"):
        audit.frames.pop(section, None)
    assert identification_tables(audit) == []
