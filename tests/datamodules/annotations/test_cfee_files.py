import re
from pathlib import Path

import numpy as np
import pytest

from datamodules.annotations.cfee_files import read_cfee_files, read_emotions, read_genders
from datamodules.errors import DatasetError
from tests.support.cfee_tree import NAMES, write_cfee, write_sheet
from tests.support.noise_images import write_named_noise

KINDS = ["xls", "xlsx", "csv"]
WORDS = {i: name.lower().replace(" ", "_") for i, name in NAMES.items()}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("inside", [False, True])
def test_what_was_written_is_found(tmp_path: Path, kind: str, inside: bool) -> None:
    folder = write_cfee(tmp_path, subjects=4, sheet=kind)
    files = read_cfee_files(folder if inside else tmp_path)
    assert files.folder == folder
    assert files.names == WORDS
    assert len(files.file) == 4 * len(NAMES)
    assert files.file.tolist() == sorted(files.file.tolist())
    for file, emotion, subject in zip(files.file, files.emotion_id, files.subject, strict=True):
        assert (folder / file).is_file()
        assert Path(file).name.startswith(f"{emotion:02d}_{subject}_")


def test_the_spreadsheet_may_lie_beside_the_database(tmp_path: Path) -> None:
    folder = write_cfee(tmp_path, subjects=2)
    (folder / "AU_annotation_all_subjects.xls").rename(tmp_path / "AU_annotation_all_subjects.xls")
    assert read_cfee_files(tmp_path).names == WORDS


def test_a_file_keeps_its_frames_and_unknown_names_are_listed(tmp_path: Path) -> None:
    folder = write_cfee(tmp_path, subjects=3, ids=(1, 2))
    images = folder / "01-04" / "Images1"
    (images / "01_101_2001.jpg").rename(images / "01_101_2001.JPG")
    for name in ("Thumbs.db", "01_101_2001_detectface.jpg", "1_101_7.jpg", "01_101.jpg", "._01_101_2001.jpg"):
        (images / name).write_bytes(b"x")
    (folder / "readme.txt").write_text("x")
    write_named_noise(images / "02_108_9999.jpg")
    frames = "1 pairs of emotion and subject have more than one frame, all are kept: 02_108$"
    with (
        pytest.warns(UserWarning, match="5 files are left out.*Thumbs.db"),
        pytest.warns(UserWarning, match=frames),
    ):
        files = read_cfee_files(tmp_path)
    assert len(files.file) == 3 * 2 + 1
    assert "01-04/Images1/01_101_2001.JPG" in files.file


def test_long_lists_of_strangers_are_cut(tmp_path: Path) -> None:
    folder = write_cfee(tmp_path, subjects=1)
    for i in range(40):
        (folder / "01-04" / "Images1" / f"copy{i:02d}.jpg").write_bytes(b"x")
    with pytest.warns(UserWarning, match=r"40 files are left out.*copy04.jpg, \.\.\.$"):
        read_cfee_files(tmp_path)


HEAD = ("id", "emotion")

BAD_SHEETS = {
    "no name": ([HEAD, (1, "neutral"), (2, None)], "line 3: not an emotion's id and name"),
    "no id": ([HEAD, (None, "neutral")], "line 2: not an emotion's id and name"),
    "word for an id": ([HEAD, (1, "neutral"), ("two", "sad")], "line 3: not an emotion's id and name: 'two'"),
    "part of an id": ([HEAD, ("1.5", "neutral")], "line 2: not an emotion's id and name: '1.5'"),
    "negative id": ([HEAD, ("-1", "neutral")], "line 2: not an emotion's id and name: '-1'"),
    "blank name": ([HEAD, (1, "a"), (2, " _ ")], "line 3: not an emotion's id and name"),
    "id twice": ([HEAD, (1, "neutral"), (1, "sad")], "line 3: the emotion was listed before: 1, 'sad'"),
    "name twice": ([HEAD, (1, "Very sad"), (2, "very_SAD")], "line 3: the emotion was listed before: 2"),
    "header alone": ([HEAD], "no emotion is listed"),
    "one column": ([("id",), (1,)], "must begin with a column of ids and one of names"),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("problem", BAD_SHEETS)
def test_a_damaged_spreadsheet_is_named_in_one_line(tmp_path: Path, kind: str, problem: str) -> None:
    rows, message = BAD_SHEETS[problem]
    path = write_sheet(tmp_path, kind, rows)
    with pytest.raises(DatasetError, match=re.escape(message)) as caught:
        read_emotions(path)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize("kind", KINDS)
def test_a_sheet_without_header_and_with_blank_rows_is_read(tmp_path: Path, kind: str) -> None:
    path = write_sheet(tmp_path, kind, [(1, "Neutral"), (None, None), (12, " Happily  Surprised ")])
    assert read_emotions(path) == {1: "neutral", 12: "happily_surprised"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rubbish", [b"", b"\xff\xfe\xff", bytes(range(256)) * 8, b"PK\x03\x04" + b"x" * 99])
def test_bytes_that_are_no_table_are_refused(tmp_path: Path, kind: str, rubbish: bytes) -> None:
    path = tmp_path / f"AU_annotation_all_subjects.{kind}"
    path.write_bytes(rubbish)
    with pytest.raises(DatasetError) as caught:
        read_emotions(path)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize("kind", ["xls", "xlsx"])
def test_a_damaged_or_incomplete_spreadsheet_is_refused(tmp_path: Path, kind: str) -> None:
    path = write_sheet(tmp_path, kind, name="overview")
    with pytest.raises(DatasetError, match="Worksheet named 'summary' not found"):
        read_emotions(path)
    path.write_bytes(path.read_bytes()[:1500])
    with pytest.raises(DatasetError, match="not a table that can be read"):
        read_emotions(path)


def test_what_is_missing_is_named_with_the_expected_tree(tmp_path: Path) -> None:
    folder = write_cfee(tmp_path / "a", subjects=1)
    sheet = folder / "AU_annotation_all_subjects.xls"
    content = sheet.read_bytes()
    sheet.unlink()
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / sheet.name).write_bytes(content)
    for root, missing in (("a", sheet), ("b", "Images1"), ("nowhere", tmp_path / "nowhere" / sheet.name)):
        with pytest.raises(DatasetError) as caught:
            read_cfee_files(tmp_path / root)
        for part in (str(missing), "there is no", "01_126_3963.jpg", "cbcsl.ece", "data.init_args.root"):
            assert part in str(caught.value)
    (tmp_path / "file").write_text("x")
    with pytest.raises(DatasetError, match="file: not a folder"):
        read_cfee_files(tmp_path / "file")
    (tmp_path / "c" / sheet.name).mkdir(parents=True)
    with pytest.raises(DatasetError, match=r"subjects.xls: cannot be read"):
        read_cfee_files(tmp_path / "c")


def test_genders_are_read_by_column_name(tmp_path: Path) -> None:
    path = tmp_path / "gender.csv"
    path.write_bytes("\ufeffrater,Gender,subject\r\na,Female,7\r\nb, male ,126\r\n".encode())
    assert read_genders(path) == {"007": 0, "126": 1}


BAD_GENDERS = {
    "header": (
        "id,sex\n1,male\n",
        "line 1: the header must name the columns subject and gender, it has id, sex",
    ),
    "other word": (
        "subject,gender\n1,male\n2,m\n",
        "line 3: not a subject's number and female or male: '2', 'm'",
    ),
    "no gender": ("subject,gender\n1,\n", "line 2: not a subject's number"),
    "blank line": ("subject,gender\n1,male\n\n2,male\n", "line 3: not a subject's number"),
    "no number": ("subject,gender\nS1,male\n", "line 2: not a subject's number"),
    "twice": ("subject,gender\n1,male\n001,male\n", "line 3: subject 001 was listed before"),
    "long row": ("subject,gender\n1,male\n2,male,x\n", "not a table that can be read"),
    "empty": ("", "not a table that can be read"),
}


@pytest.mark.parametrize("problem", BAD_GENDERS)
def test_a_damaged_list_of_genders_is_named_in_one_line(tmp_path: Path, problem: str) -> None:
    content, message = BAD_GENDERS[problem]
    path = tmp_path / "gender.csv"
    path.write_text(content)
    with pytest.raises(DatasetError, match=re.escape(message)) as caught:
        read_genders(path)
    assert "\n" not in str(caught.value)
    with pytest.raises(DatasetError, match=r"nowhere.csv: there is no such file; set .*gender_csv"):
        read_genders(tmp_path / "nowhere.csv")


def test_genders_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "gender.csv"
    path.write_bytes(np.arange(255, dtype=np.uint8).tobytes())
    with pytest.raises(DatasetError, match="gender.csv"):
        read_genders(path)
