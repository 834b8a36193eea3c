import re
from dataclasses import replace

import pytest

from evaluation.audit.choices import choose_representations
from evaluation.fairness.gap_changes import OVERALL
from evaluation.report.choice_table import choice_table, choice_text
from evaluation.report.group_tables import downstream_tables
from evaluation.report.sections import groups_section
from evaluation.samples.wording import MISSING
from tests.support.made_audit import HOSTILE, make_audit

X = ["80.0 % / 79.0 %", "60.0 % / 61.0 %", "40.0 % / 42.0 %", "90.0 % / 95.0 %"]
PHI = ["70.0 % / 69.0 %", "65.0 % / 66.0 %", "10.0 % / 12.0 %", "60.0 % / 65.0 %"]


def test_each_rule_has_a_row_with_its_choice_on_both_sides():
    limited = "most accuracy with leakage <= 0.625"
    assert choice_table(make_audit()).rows == [
        ["best accuracy", "smiling", "x", *X],
        ["worst group", "smiling", "phi", *PHI],
        ["distance to optimum", "smiling", "phi", *PHI],
        [limited, "smiling", "phi", *PHI],
        ["oracle (worst group): a bound", "smiling", "phi", *PHI],
        ["oracle (distance to optimum): a bound", "smiling", "phi", *PHI],
        # phi leaks 65 % of the test people
        [f"oracle ({limited}): a bound", "smiling", "none qualifies", *[f"{MISSING} / {MISSING}"] * 4],
    ]


def test_the_text_names_the_rules_there_are():
    audit = make_audit()
    told = " ".join(choice_text(audit))
    assert "a classifier of attractive" in told
    assert "most accurate of those that leak 62.5 % or less" in told
    assert "a bound" in told
    audit.frames["selection"] = choose_representations(audit.frame("candidates"), None)
    without = replace(audit, settings=audit.settings | {"leakage_at_most": None})
    assert "limit" not in " ".join(choice_text(without))
    assert len(choice_table(without).rows) == 5


def test_without_a_choice_there_is_no_table():
    audit = make_audit()
    del audit.frames["selection"]
    assert choice_table(audit) is None
    assert choice_text(audit) == []


def test_slopes_are_told_in_points_for_10_points_of_bias():
    audit = make_audit()
    (table,) = [table for table in downstream_tables(audit) if table.name == "dose_slopes"]
    assert table.columns[-2:] == ["points of gap for 10 of bias", "95 %"]
    assert table.rows[0] == ["x", "smiling", "TPR", "5.0", "[3.1, 7.2]"]
    del audit.frames["dose_slopes"]
    assert "dose_slopes" not in [table.name for table in downstream_tables(audit)]


class NoFigures:
    def write(self, *_):
        return None


@pytest.mark.parametrize("balance", [None, "ethnicity"])
def test_what_was_balanced_is_said(balance):
    audit = make_audit()
    section = groups_section(replace(audit, settings=audit.settings | {"balance": balance}), NoFigures())
    assert ("balanced over ethnicity" in " ".join(section.text)) == (balance is not None)
    assert [table.name for table in section.tables][-2:] == ["gap_changes", "selection"]


def test_names_are_escaped():
    audit = make_audit((HOSTILE[0], HOSTILE[3]), binary=HOSTILE[2])
    table = choice_table(audit)
    assert table.rows[0][1:3] == [HOSTILE[2], HOSTILE[0]]
    assert "<" not in table.markdown()
    assert table.latex().count(r"\end{table}") == 1
    assert not re.search(r"(?<!\\)[%#$]", table.latex())


def test_changes_say_what_is_left_of_a_gap():
    audit = make_audit()
    frame = audit.frames["gap_changes"].iloc[:2].assign(measure=["tpr", OVERALL])
    frames = audit.frames | {"gap_changes": frame}
    tables = {table.name: table for table in downstream_tables(replace(audit, frames=frames))}
    gap, accuracy = ([*map(str, row)] for row in tables["gap_changes"].rows)
    assert gap[-6:] == ["31.0 %", "12.0 %", "-19.0 %", "[-25.0, -11.0]", "39.0 %", "[21.0, 55.0]"]
    assert accuracy[-2:] == [MISSING, MISSING]
