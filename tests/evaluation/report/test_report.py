"""The report of an audit made by hand: what is in it, and that names from data stay names."""

import csv
import json
import re
from dataclasses import replace
from math import nan

import pandas as pd
import pytest

from evaluation.audit.result import Caveat
from evaluation.report.page import numbers, write_report
from evaluation.report.result_tables import verification_table
from evaluation.report.words import GLOSSARY
from evaluation.samples.wording import MISSING
from tests.support.made_audit import HOSTILE, make_audit
from tests.support.page_reader import Page


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("audit")
    write_report(make_audit(), folder)
    return folder


@pytest.fixture(scope="module")
def page(written):
    return Page((written / "report.html").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """Script, tags, LaTeX and Markdown in every name."""
    folder = tmp_path_factory.mktemp("hostile")
    audit = make_audit((HOSTILE[0], HOSTILE[3]), HOSTILE[1], HOSTILE[2], groups=HOSTILE[:2])
    settings = audit.settings | {"target": HOSTILE[0], "group": HOSTILE[1], "sensitive": [HOSTILE[2]]}
    audit = replace(audit, settings=settings, facts={name: name for name in ("tested", *HOSTILE)})
    write_report(audit, folder)
    return folder


def test_the_page_says_the_verdict_the_figures_and_what_was_done(page):
    audit = make_audit()
    (verdict,) = audit.verdicts
    assert page.text.count(verdict.sentence[1:].replace("->", "→")) == 1
    assert "emotion in phi" in page.text
    assert "raw attackers read less than standardised ones" in page.text
    assert "6,000 samples of 300 subjects" in page.text
    for word, meaning in GLOSSARY.items():
        assert word in page.text
        assert meaning in page.text
    for setting in audit.settings:
        assert [setting, json.dumps(audit.settings[setting])] in page.rows
    assert ["fingerprint", "0" * 64] in page.rows


def test_the_tables_hold_the_rounded_numbers(page):
    row = ["emotion", "phi", "MLP", "41.0 %", "[38.0, 44.0]", "16.7 %", ".020", "52.6 %", "0.9900"]
    assert row in page.rows
    assert ["x", "MLP", "standardised", "unseen", "69.0 %", "68.0 %", "[65.0, 71.0]", "–"] in page.rows
    assert [
        "phi",
        "linear classifier",
        "raw",
        "unseen",
        "26.0 %",
        "25.0 %",
        "[22.0, 28.0]",
        "76.4 %",
    ] in page.rows
    assert ["phi", "MLP", "0.800", "[0.700, 0.900]", "2.580", "12,000", "14,300", "1.29"] in page.rows
    assert ["gender", "phi", "70.0 %", "[65.0, 75.0]", "50.0 %"] in page.rows
    assert ["x", "256", "80.0", "0.06"] in page.rows
    tar = ["85.0 %", "70.0 %", "55.0 %", "40.0 %", "25.0 %"]
    eer = ["4.00 %", "[3.0, 5.0]"]
    assert ["x", "cosine", "0.9900", "[0.9850, 0.9950]", *eer, *tar, "57,000", "17,900,000"] in page.rows
    assert [
        "x",
        "women",
        "0.100 %",
        "[0.040, 0.210]",
        "5.00 %",
        "[3.10, 7.00]",
        "2,000",
        "90,000",
    ] in page.rows
    assert "ID (LFW View 1): accuracy at the best threshold" in page.text
    assert "LFW View 1: the pairs are LFW's own, so this is its protocol." in page.text
    assert "ID (pairs as in View 2, not LFW's own): mean accuracy" in page.text
    view1 = ["96.80 %", "[95.50, 97.70]", "0.31", "0.9910", "3.30 %", "1,000", "3"]
    assert ["phi", "euclidean", *view1] in page.rows
    assert ["x", "cosine", "96.55 % ± 0.32", "10", "0.9900", "3.40 %", "6,000", "0"] in page.rows
    assert ["phi", "smiling", "TPR", "−10.0 %", "[−20.0, 1.0]"] in page.rows
    assert ["phi", "smiling", "0.5", "TPR", "10.0 %", "[−2.0, 20.0]"] in page.rows
    assert ["phi", "smiling", "TPR", "5.0", "[3.1, 7.2]"] in page.rows
    assert ["best accuracy", "smiling", "x", "80.0 % / 79.0 %"] in [row[:4] for row in page.rows]


def test_every_figure_has_a_name_a_description_and_a_caption(page):
    drawings = [x for x in page.all("svg") if x.get("role") == "img"]
    assert len(drawings) == len(page.all("figure")) == len(page.all("figcaption")) >= 8
    ids = [attributes["id"] for _, attributes in page.elements if attributes.get("id")]
    assert len(set(ids)) == len(ids), "an id twice"
    for drawing in drawings:
        assert set(drawing["aria-labelledby"].split()) <= set(ids)
    for anchor in page.all("a"):
        assert anchor["href"][1:] in ids
    for use in page.all("use"):
        assert use["href"][1:] in ids


def _assert_reaches_for_nothing(page: Page, html: str) -> None:
    assert not {"script", "img", "iframe", "object", "embed", "link", "base", "form"} & {
        t for t, _ in page.elements
    }
    for _, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("href", "src", "xlink:href"):
            target = attributes.get(name) or "#"
            assert target.startswith(("#", "data:image/png;base64,")), target
    assert not re.search(r"url\((?!#)", html)
    assert "@import" not in html
    (policy,) = [x["content"] for x in page.all("meta") if x.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")


def test_the_page_is_one_file_that_reaches_for_nothing(page, written):
    _assert_reaches_for_nothing(page, (written / "report.html").read_text())


@pytest.mark.slow
def test_names_from_data_stay_names(hostile, page):
    html = (hostile / "report.html").read_text(encoding="utf-8")
    taken = Page(html)
    _assert_reaches_for_nothing(taken, html)
    for name in HOSTILE:
        assert name in taken.text or name.replace("\n", " ") in taken.text
    kinds = [
        [tag for tag, _ in x.elements if tag not in ("path", "text", "tspan", "use", "g")]
        for x in (taken, page)
    ]
    extra = {tag for tag in kinds[0] if kinds[0].count(tag) > kinds[1].count(tag)}
    more = {"tr", "td", "th", "table", "thead", "tbody"}
    assert extra <= more, "the facts have more rows, wide tables more parts; no other element is new"


@pytest.mark.slow
def test_names_from_data_stay_names_in_figures_and_tables(hostile):
    for path in (hostile / "figures").glob("*.svg"):
        assert "<script" not in path.read_text()
        assert "<img" not in path.read_text()
    for path in (hostile / "tables").glob("*.md"):
        lines = [re.sub(r"\\[\\|]", "", line) for line in path.read_text().splitlines()]
        assert len({line.count("|") for line in lines}) == 1
        assert "<" not in path.read_text()
    for path in (hostile / "tables").glob("*.tex"):
        assert path.read_text().count(r"\end{table}") == 1
        assert not re.search(r"(?<!\\)[%#$]", path.read_text())
    with open(hostile / "csv" / "demographic_rates.csv", newline="") as file:
        groups = [row["group"] for row in csv.DictReader(file)]
    assert groups == [HOSTILE[0], HOSTILE[1]] * 2


def test_every_number_is_in_the_json_and_in_the_csv(written):
    audit = make_audit()
    found = json.loads((written / "numbers.json").read_text())
    public = {name: frame for name, frame in audit.frames.items() if not name.startswith("_")}
    assert found["sections"].keys() == public.keys() == audit.frames.keys() - {"_correct"}
    assert not list(written.rglob("_correct*"))
    for name, frame in public.items():
        pd.testing.assert_frame_equal(pd.DataFrame(found["sections"][name]), frame, check_dtype=False)
        pd.testing.assert_frame_equal(
            pd.read_csv(written / "csv" / f"{name}.csv"),
            frame.replace("", nan),
            check_dtype=False,
        )
    (verdict,) = found["verdicts"]
    assert verdict["removed"] == pytest.approx(100 * 0.27 / (0.68 - 1 / 6))
    assert found["caveats"][0]["attribute"] == "emotion"


def test_what_is_not_finite_is_null_in_json_and_a_dash_in_tables():
    audit = make_audit()
    audit.frames["verification"]["tar_at_1e-5"] = nan
    assert numbers(audit)["sections"]["verification"]["tar_at_1e-5"] == [None] * 4
    json.dumps(numbers(audit), allow_nan=False)
    table = verification_table(audit)
    column = table.columns.index("TAR at FMR 1e-5")
    assert {row[column] for row in table.rows} == {MISSING}


def test_figures_are_written_for_papers_too(written):
    names = {path.stem for path in (written / "figures").glob("*.svg")}
    assert names == {path.stem for path in (written / "figures").glob("*.png")}
    assert {
        "leakage_1",
        "tradeoff_1",
        "suppression_1",
        "tsne_1",
        "roc",
        "det",
        "scores",
        "attribute_map",
    } <= names


def test_a_representation_alone_is_read_but_not_compared(tmp_path):
    audit = make_audit(("x",), score=(0.6,))
    kept = {
        name: audit.frames[name]
        for name in ("leakage", "strongest", "permutation", "health", "attribute_map")
    }
    write_report(replace(audit, frames=kept, caveats=[]), tmp_path)
    page = Page((tmp_path / "report.html").read_text())
    assert "motion is readable from x at 60.0 %" in page.text
    assert "The checks for artefacts" in page.text
    assert "tradeoff_1" not in {path.stem for path in (tmp_path / "figures").glob("*.svg")}


def test_sections_that_were_not_measured_are_left_out(tmp_path):
    audit = make_audit()
    kept = {name: audit.frames[name] for name in ("leakage", "strongest", "removed", "health")}
    settings = audit.settings | {"group": None, "target": None}
    write_report(replace(audit, frames=kept, settings=settings, caveats=[Caveat("for all")]), tmp_path)
    page = Page((tmp_path / "report.html").read_text())
    assert "Who pays?" not in page.text
    assert "shuffles are made" not in page.text
    assert "Verification was not measured" in page.text
    assert "for all" in page.text
    assert {path.stem for path in (tmp_path / "figures").glob("*.svg")} == {"leakage_1"}


@pytest.mark.slow
def test_the_same_audit_gives_the_same_files(tmp_path):
    audit = make_audit()
    kept = {name: audit.frames[name] for name in ("leakage", "strongest", "removed", "health")}
    for name in ("one", "two"):
        write_report(replace(audit, frames=kept), tmp_path / name)
    files = [path for path in (tmp_path / "one").rglob("*") if path.is_file()]
    assert len(files) > 8
    for path in files:
        assert (tmp_path / "two" / path.relative_to(tmp_path / "one")).read_bytes() == path.read_bytes(), (
            path.name
        )
