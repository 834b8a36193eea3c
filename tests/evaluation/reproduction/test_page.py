"""The page of a reproduction: what is published and ours are in it, and what data say is text."""

import json
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

from evaluation.plots.style import save_figure
from evaluation.report.tables import Table
from evaluation.reproduction.page import write_page
from evaluation.reproduction.tables import suppression_table
from tests.support.made_audit import HOSTILE
from tests.support.made_paper import NAMES, make_numbers, make_published

FACTS = Table("steps", "Steps.", ("step", "key", "command", "seconds"), [["train", "ab", "x", "3"]], texts=3)
READ = {(name, scaling): 0.5 for name in NAMES for scaling in ("standardised", "raw")}


def audit_folder(folder: Path, **numbers) -> Path:
    folder.mkdir(parents=True)
    (folder / "numbers.json").write_text(json.dumps(make_numbers(**numbers)))
    return folder


def written(folder: Path, published=None, deviations=("Drawn faces.",)) -> dict[str, str]:
    """The files of a page of two audits, of two seeds each."""
    audits = {
        "of_emotions": [audit_folder(folder / f"e{seed}", emotion=READ | {("x", "raw"): x})
                        for seed, x in enumerate((0.80, 0.84))],
        "of_faces": [audit_folder(folder / f"f{seed}", eer={"x": 0.03, "sn": 0.04}) for seed in range(2)],
    }  # fmt: skip
    page = write_page(
        published or make_published(),
        audits,
        results={},
        deviations=deviations,
        facts=FACTS,
        folder=folder / "out",
    )
    return {path.suffix: path.read_text() for path in page.parent.iterdir()}


def row_of(markdown: str, *starts: str) -> list[str]:
    lines = [[cell.strip() for cell in line.strip("|\n").split(" | ")] for line in markdown.splitlines()]
    (found,) = (line for line in lines if tuple(line[: len(starts)]) == starts)
    return found


def test_published_and_ours_are_side_by_side(tmp_path) -> None:
    text = written(tmp_path)[".md"]
    overview = row_of(text, "Emotion", "raw")
    assert overview[2:4] == ["88.1", "82.0 ± 2.8"]
    details = row_of(text, "Emotion", "x", "raw")
    assert details[3:9] == ["88.1", "82.0", "-6.1", "2.8 (2)", "\\[79.0, 84.0\\]", "16.7"]
    identity = row_of(text, "ID", "φ\\_LNTL")
    assert identity[2:4] == ["not measured", "59.4"]
    assert "at the threshold of equal errors" in text
    assert "Drawn faces." in text


def test_all_figures_are_in_the_json_and_nan_is_null(tmp_path) -> None:
    found = json.loads(written(tmp_path)[".json"])
    (score,) = (
        x for x in found["scores"] if (x["row"], x["representation"]) == ("identity", "sn") and x["removed"]
    )
    assert score["lost"] == pytest.approx([1, 1])
    assert score["removed"] == pytest.approx([100 / 47] * 2)


def test_what_comes_from_data_is_text(tmp_path) -> None:
    published = make_published(title=HOSTILE[0], source=HOSTILE[1], notes=[HOSTILE[3]])
    files = written(tmp_path, published, deviations=HOSTILE)
    for text in files.values():
        assert "<script" not in text
        assert "<img" not in text
    assert "&lt;script&gt;" in files[".html"]
    assert "people &lt;b&gt;" in files[".html"]
    assert "http" not in files[".html"].replace("http-equiv", ""), "it reaches for nothing"


def test_a_figure_of_the_audit_is_in_the_page(tmp_path) -> None:
    folder = audit_folder(tmp_path / "e", emotion=READ)
    figure, axes = plt.subplots()
    axes.set_title("this is ours")
    save_figure(figure, folder / "figures", "tsne_1")
    plt.close(figure)
    shown = {"title": "Figure 4.1", "audit": "of_emotions", "names": ["tsne_1"], "statement": "A & B"}
    lost = {**shown, "title": "Figure 9", "names": ["tsne_9"]}
    published = make_published(rows=[], figures=[shown, lost])
    page = write_page(
        published, {"of_emotions": [folder]}, results={}, deviations=[], facts=FACTS, folder=tmp_path / "out"
    )
    text = page.read_text()
    assert text.count("<svg") == 1
    assert "this is ours" in text
    assert "Published: A &amp; B" in text
    assert text.count("Ours was not measured.") == 1


def test_the_suppression_curve_is_read_between_its_shares() -> None:
    shown = {
        "title": "Figure 4.2", "audit": "of_emotions", "names": [], "statement": "", "attribute": "emotion",
        "points": [{"share": 73, "accuracy": 80, "said": "> 80 %"}, {"share": 99, "accuracy": 1, "said": ""}],
    }  # fmt: skip
    (figure,) = make_published(rows=[], figures=[shown]).figures
    curve = [("x", "emotion", 0.7, 0.6), ("x", "emotion", 0.7, 0.8), ("x", "emotion", 0.8, 0.6)]
    others = [("sn", "emotion", 0.7, 0.0), ("x", "gender", 0.7, 0.0)]
    names = ("representation", "attribute", "share_removed", "balanced_accuracy")
    section = {
        name: list(column) for name, column in zip(names, zip(*curve, *others, strict=True), strict=True)
    }
    table = suppression_table(figure, "x", [make_numbers(suppression=section)])
    assert table is not None
    assert table.rows[0] == ["73 %", "> 80 %", "67.0", "-13.0"]
    assert table.rows[1] == ["99 %", "", "–", "–"], "beyond what was measured there is no figure"
