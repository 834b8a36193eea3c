"""The files of published figures: equal to what the thesis prints, and the Diff that follows from it."""

import pytest
import yaml

from evaluation.paper.published import Published
from evaluation.paper.tables import printed_diff, recomputed_diff
from recipes.config_lookup import CONFIGS
from tests.evaluation.paper.made_paper import make_published

FILES = sorted((CONFIGS / "paper" / "published").glob("*.yaml"))

# thesis table 4.1: x, phi_SN, Diff, phi_LNTL, Diff; then Diff of both recomputed by hand from the accuracies
PRINTED = {
    "ID (LFW)": (96.8, 96.3, 1, 59.4, 75.0, 1.1, 79.9),
    "Gender (DiveFace)": (99.2, 98.9, 1, 72.7, 53.9, 0.6, 53.9),
    "Ethnicity (DiveFace)": (98.8, 98.6, 1, 67.4, 47.9, 0.3, 47.9),
    "Emotion NN (CFEE)": (88.1, 59.6, 40, 41.6, 65.0, 39.9, 65.1),
    "Emotion SVM (CFEE)": (88.1, 16.7, 100, 25.0, 88.2, 100.0, 88.4),
    "Emotion RF (CFEE)": (77.4, 58.3, 31, 44.7, 53.8, 31.5, 53.9),
}
CHANCE = {"ID": 50, "Gender": 50, "Ethnicity": 33.3, "Emotion": 16.7}


def read(name: str) -> Published:
    return Published.parse(yaml.safe_load((CONFIGS / "paper" / "published" / f"{name}.yaml").read_text()))


def test_table_4_1_is_what_is_printed() -> None:
    rows = {row.task: row for row in read("table_4_1").rows}
    assert list(rows) == list(PRINTED)
    for task, (x, sn, diff_sn, lntl, diff_lntl, *_) in PRINTED.items():
        row = rows[task]
        assert row.accuracy == {"x": x, "sn": sn, "lntl": lntl}
        assert row.diff == {"sn": diff_sn, "lntl": diff_lntl}
        assert row.chance == CHANCE[task.split()[0]]


@pytest.mark.parametrize("task", PRINTED)
def test_diff_follows_from_the_printed_accuracies(task) -> None:
    (row,) = (row for row in read("table_4_1").rows if row.task == task)
    found = [round(recomputed_diff(row, name, "x"), 1) for name in ("sn", "lntl")]
    assert found == list(PRINTED[task][5:])


def test_what_rounding_does_not_explain_is_said() -> None:
    rows = {row.id: row for row in read("table_4_1").rows}
    assert printed_diff(rows["identity"], "lntl", "x") == "79.9 (printed 75)"
    assert printed_diff(rows["ethnicity"], "sn", "x") == "0.3 (printed 1)"
    assert printed_diff(rows["emotion_nn"], "sn", "x") == "39.9"
    wrong = {(i, name) for i, row in rows.items() for name in row.diff if "(" in printed_diff(row, name, "x")}
    assert wrong == {("identity", "lntl"), ("ethnicity", "sn")}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_file_is_read_and_called_as_its_page(path) -> None:
    published = read(path.stem)
    assert published.name == path.stem
    assert published.audits
    assert published.control == "x"


def test_figure_4_2_is_what_is_published() -> None:
    (figure,) = read("figure_4_2").figures
    assert [(x.share, x.accuracy) for x in figure.points] == [(73, 80), (90, 70)]


def test_a_field_that_does_not_exist_is_named() -> None:
    with pytest.raises(TypeError, match="acuracy"):
        make_published(rows=[{"id": "a", "acuracy": {}}])


@pytest.mark.parametrize("about", [{"row": "age", "of": "sn"}, {"row": "emotion", "of": "leace"}])
def test_a_claim_about_what_is_not_in_the_table_is_refused(about) -> None:
    condition = {"figure": "lost", "at_most": 1, **about}
    with pytest.raises(ValueError, match=f"{about['row']} of {about['of']}"):
        make_published(claims=[{"text": "", "source": "", "conditions": [condition]}])
