"""Tables of the evidence for a verdict, from frames made by hand."""

from dataclasses import replace
from math import nan

import pandas as pd
import pytest

from evaluation.audit.result import Caveat
from evaluation.audit.verification_verdict import verification_verdicts
from evaluation.report.attack_tables import attack_tables, detail_tables, learning_curve_text
from evaluation.report.evidence_tables import change, evidence_tables
from evaluation.report.identification_tables import identification_tables
from evaluation.report.page import write_report
from evaluation.report.result_tables import verification_within_table
from evaluation.report.typography import typographic
from evaluation.report.verdict_cards import caveat_groups, facts_tables, header_facts, verdict_cards
from tests.support.made_audit import make_audit
from tests.support.marks import slow_but
from tests.support.page_reader import Page

ABOUT = ("emotion", "1")
NEW = {
    "permutation": "hypotheses_1", "strongest": "strongest_1", "removed": "difference_1",
    "smallest_leak": "smallest_leak_1", "subgroups": "subgroups_1", "confident": "confident_1",
    "learning_curve": "learning_curve_1", "access": "access_1", "power": "power_1",
    "identification": "identification", "identification_open": "identification_open",
    "verification_within": "verification_within",
}  # fmt: skip


def _tables(audit):
    parts = (evidence_tables, attack_tables, detail_tables)
    found = [table for part in parts for table in part(audit, *ABOUT)] + identification_tables(audit)
    found += [table for table in [verification_within_table(audit)] if table]
    return {table.name: table for table in found}


def test_both_hypotheses_say_images_subjects_blocks_and_both_ps():
    rows = _tables(make_audit())["hypotheses_1"].rows
    assert [row[:2] for row in rows] == [
        [name, test] for name in ("x", "phi") for test in ("readable at all", "beyond identity")
    ]
    read = ["40.0 %", "[38.0, 44.0]", "16.7 %", "19.0 %", ".005", ".020"]
    assert rows[0][4:] == [*read, "199", "6,000", "300", "900"]


def test_the_difference_is_paired_and_judged_by_its_interval():
    (row,) = _tables(make_audit())["difference_1"].rows
    assert row[:5] == ["phi", "68.0 %", "41.0 %", "-27.0", "[-30.0, -24.0]"]
    assert row[5:] == ["52.6 %", "[48.1, 57.2]", "less"]


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [(0.01, 0.1, "more"), (-0.1, -0.01, "less"), (-0.1, 0.1, "same"), (0, 0.1, "same"), (nan, nan, "–")],
)
def test_more_less_or_same(low, high, word):
    assert change(low, high) == word


def test_the_other_tables_hold_their_numbers():
    tables = _tables(make_audit())
    assert ["phi", "MLP", "unit", "unseen", "41.0 %", "[38.0, 44.0]", "16.7 %"] in tables["strongest_1"].rows
    assert ["x", "21.0 %", "80 %", ".050"] in tables["smallest_leak_1"].rows
    group = ["x", "gender", "women", "50.0 %", "[40.0, 60.0]", ".010", ".040", "6,000", "300"]
    assert group in tables["subgroups_1"].rows
    assert ["x", "5 %", "80.0 %", "[70.0, 90.0]", "< .001", "300"] in tables["confident_1"].rows
    assert ["phi", "MLP", "extrapolated", "40,000", "55.0 %", "[50.0, 60.0]"] in tables[
        "learning_curve_1"
    ].rows
    within = ["emotion", "phi", "0.9700", "[0.9600, 0.9800]", "8.00 %", "[7.0, 9.0]", "75.0 %", "60.0 %"]
    assert within in [row[:8] for row in tables["verification_within"].rows]
    assert [row[1] for row in tables["access_1"].rows[:3]] == [
        "labelled embeddings",
        "pairs of original and transformed embeddings",
        "several images of one subject, averaged",
    ]


def test_more_data_is_said_with_the_strongest_attacker():
    audit = make_audit()
    curve = audit.frames["learning_curve"]
    curve.loc[(curve["attacker"] == "mlp") & (curve["representation"] == "x"), "balanced_accuracy"] = 0.9
    (text,) = learning_curve_text(audit, "emotion")
    assert "with 40,000 images to learn from" in text
    assert "90.0 % [50.0, 60.0] from x (MLP), 55.0 % [50.0, 60.0] from phi (linear classifier)" in text
    measured = replace(audit, frames={"learning_curve": curve[curve["kind"] == "measured"]})
    assert learning_curve_text(measured, "emotion") == []


@pytest.mark.parametrize("section", slow_but("power", NEW))
def test_a_section_that_was_not_measured_has_no_table(section):
    audit = make_audit()
    assert NEW[section] in _tables(audit)
    for frames in ({**audit.frames, section: pd.DataFrame()}, {**audit.frames}):
        frames.pop(section) if len(frames[section]) else None
        assert NEW[section] not in _tables(replace(audit, frames=frames))


def test_the_header_says_dataset_date_sample_and_settings():
    audit = make_audit()
    assert header_facts(audit) == {
        "dataset": "CelebA",
        "measured": "2026-11-30",
        "tested": "6,000 samples of 300 subjects",
        "attributes": "emotion",
        "attackers": "linear classifier, MLP, RBF-SVM, random forest, nearest neighbours, gradient boosting; "
        "tuned by cross-validation",
        "settings": "5 folds of subjects, 199 shuffles, seed 0",
    }
    shown, folded = facts_tables(audit)
    assert [row[0] for row in shown.rows] == ["tested", "date"]
    assert [row[0] for row in folded.rows] == ["fingerprint", "x: data"]
    assert facts_tables(replace(audit, facts={"tested": "6,000 samples"}))[1] is None


def test_a_card_compares_with_the_original():
    (card,) = verdict_cards(make_audit())
    assert card.marks == "41.0 % [38.0, 44.0], chance 16.7 %, before 68.0 %"
    (alone,) = verdict_cards(make_audit(("x",), score=(0.6,)))
    assert alone.before is None
    assert "before" not in alone.marks


def test_warnings_are_grouped_and_said_once():
    caveats = [
        Caveat("Tiny scale: it varies little.", "phi", "emotion"),
        Caveat("Short: half is missing.", "phi"),
        Caveat("Subsampled: the forest.", "x", "emotion"),
        Caveat("Subsampled: the forest.", "phi", "emotion"),
        Caveat("uploader has 20 classes and was left out."),
    ]
    assert [(x.about, list(x.items)) for x in caveat_groups(caveats)] == [
        ("", [("", "uploader has 20 classes and was left out.")]),
        ("emotion in phi", [("Tiny scale", "it varies little.")]),
        ("phi", [("Short", "half is missing.")]),
        ("emotion in x, phi", [("Subsampled", "the forest.")]),
    ]


@pytest.mark.slow
def test_an_audit_of_verification_alone_has_a_page(tmp_path):
    audit = make_audit()
    kept = ("verification", "verification_curve", "verification_histogram", "identification", "health")
    frames = {name: audit.frames[name] for name in kept}
    settings = audit.settings | {"group": None, "target": None}
    alone = replace(audit, attributes=(), classes={}, frames=frames, settings=settings, caveats=[])
    write_report(alone, tmp_path)
    page = Page((tmp_path / "report.html").read_text())
    assert "An audit of x and phi" in page.text
    (sentence,) = verification_verdicts(alone)
    assert typographic(sentence) in page.text
    assert ["x", "all", "90.0 %"] in [row[:3] for row in page.rows]
    assert not (tmp_path / "tables" / "summary.md").exists()
