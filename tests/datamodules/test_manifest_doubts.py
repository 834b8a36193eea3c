"""Cells that are no classes, classes that look alike, and names in several Unicode forms."""

import warnings
from pathlib import Path

import pandas as pd
import pytest

from datamodules.annotations.cell_text import look_alikes, sort_classes
from datamodules.annotations.lfw_files import read_gender
from datamodules.manifest import Manifest

MISSING = ["", "NaN", "nan", "NA", "N/A", "None", "null", "-1", " "]


def _manifest(root: Path, cells: list[str], column: str = "emotion", **options) -> Manifest:
    lines = [f"{i}.png,{'test' if i % 2 else 'train'},{cell}" for i, cell in enumerate(cells)]
    (root / "manifest.csv").write_text("\n".join([f"path,split,{column}", *lines]), encoding="utf-8")
    return Manifest(str(root), **options)


def test_words_for_missing_values_are_unknown_and_counted(tmp_path: Path) -> None:
    data = _manifest(tmp_path, ["happy", "sad", *MISSING, "nan"])
    with pytest.warns(UserWarning, match=r"emotion: 'NaN' \(1\), 'nan' \(2\).* are taken as unknown"):
        assert data.attributes == {"emotion": ("happy", "sad")}
    assert data.table.labels["emotion"].tolist() == [0, 1] + [-1] * 10


def test_a_missing_word_that_is_named_is_a_class(tmp_path: Path) -> None:
    data = _manifest(tmp_path, ["-1", "1", "None", ""], attributes={"emotion": ["-1", "1"]})
    with pytest.warns(UserWarning, match=r"'None' \(1\) are taken as unknown"):
        assert data.table.labels["emotion"].tolist() == [0, 1, -1, -1]
    assert data.attributes == {"emotion": ("-1", "1")}


def test_classes_that_look_alike_are_named_in_one_warning(tmp_path: Path) -> None:
    data = _manifest(tmp_path, ["male", "Male", "MALE", "Male", "female"], column="gender")
    with pytest.warns(UserWarning, match="look alike") as caught:
        data.table  # noqa: B018
    (told,) = [str(w.message) for w in caught if "look alike" in str(w.message)]
    assert "'male' (1) and 'Male' (2) and 'MALE' (1)" in told
    assert "female" not in told
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cells = ["male", "female", "female"]
        _manifest(tmp_path, cells, column="gender").table  # noqa: B018


@pytest.mark.parametrize(
    "names", [["True", "true", "1", "yes"], ["7", "07", "007", "7.0"], ["a b", "a  B"], ["ﬁn", "fin"]]
)
def test_each_kind_of_look_alike(names: list[str]) -> None:
    assert look_alikes([*names, "another"]) == [names]


def test_different_numbers_and_words_do_not_look_alike() -> None:
    assert not look_alikes(["7", "70", "-7", "0.7", "0", "1", "male", "female"])


def test_a_name_in_two_unicode_forms_is_one_person(tmp_path: Path) -> None:
    data = _manifest(tmp_path, ["Zo\u00eb", "Zoe\u0308"], column="identity")
    assert data.attributes == {"identity": ("Zo\u00eb",)}
    with pytest.warns(UserWarning, match="1 of the 1 people in test are in training too"):
        assert data.table.labels["identity"].tolist() == [0, 0]


def test_numbers_sort_as_numbers() -> None:
    assert sort_classes(["10", "-2", "9.5", "9"]) == ["-2", "9", "9.5", "10"]
    assert sort_classes(["10", "9", "a"]) == ["10", "9", "a"]


def test_a_class_that_looks_like_an_unknown_value_is_named(tmp_path: Path) -> None:
    table = pd.DataFrame({"path": ["0.png", "1.png"], "split": ["train", "test"]})
    table["state"] = pd.Categorical(["NA", "NY"])
    table.to_parquet(tmp_path / "manifest.parquet")
    data = Manifest(str(tmp_path), manifest="manifest.parquet")
    with pytest.warns(UserWarning, match=r"state: 'NA' \(1\) are classes, since the file declares them"):
        assert data.attributes == {"state": ("NA", "NY")}


def test_a_text_is_no_list_of_classes(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="the classes of emotion must be a list of names, not 'abc'"):
        Manifest(str(tmp_path), attributes={"emotion": "abc"})
    with pytest.raises(ValueError, match="a list of columns is needed"):
        Manifest(str(tmp_path), attributes="abc")
    with pytest.raises(ValueError, match="must be different names"):
        Manifest(str(tmp_path), attributes={"identity": ["Zo\u00eb", "Zoe\u0308"]})


def test_a_list_of_genders_has_the_same_unknown_words(tmp_path: Path) -> None:
    path = tmp_path / "gender.csv"
    path.write_text("name,gender\nA,NaN\nZoe\u0308,male\n", encoding="utf-8")
    with pytest.warns(UserWarning, match="gender: 'NaN'"):
        labels, _ = read_gender(path, pd.array(["A", "Zo\u00eb", "C"]).to_numpy(dtype="U"))
    assert labels.tolist() == [-1, 1, -1]
