from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from datamodules.annotations.posed_files import POSED, read_posed_files, read_ratings
from datamodules.errors import DatasetError
from tests.support.posed_tree import HEADER, posed_names, shares_of, write_posed, write_sheet


@pytest.mark.parametrize("inside", [False, True])
def test_names_are_taken_apart(tmp_path: Path, inside: bool) -> None:
    folder = write_posed(tmp_path, subjects=3)
    files = read_posed_files(folder if inside else tmp_path)
    assert files.folder == folder
    assert files.file.tolist() == posed_names(3)
    assert sorted(set(files.subject.tolist())) == ["01", "02", "03"]
    for file, subject, acting, emotion in zip(
        files.file, files.subject, files.acting, files.emotion, strict=True
    ):
        letter = "neutral" if file[4] in "a0" else POSED["abcdefg".index(file[4])]
        assert (file[:2], int(file[2]), letter) == (subject, acting, POSED[emotion])
    assert ((files.acting == 0) == (files.emotion == 0)).all()


def test_other_views_and_unknown_names_are_left_out(tmp_path: Path) -> None:
    folder = write_posed(tmp_path, subjects=1)
    (folder / "0111b01.jpg").rename(folder / "0111B01.JPG")
    for name in ("0112b01.jpg", "0113b01.jpg", "0111h01.jpg", "0141b01.jpg", "111b01.jpg", "Thumbs.db"):
        (folder / name).write_bytes(b"x")
    with pytest.warns(UserWarning, match=r"6 files are left out.*frontal.*: 0111h01.jpg, 0112b01.jpg"):
        files = read_posed_files(tmp_path)
    assert "0111B01.JPG" in files.file
    assert len(files.file) == len(posed_names(1))


def test_missing_photographs_say_what_is_expected(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="photographs of posed expressions are missing") as caught:
        read_posed_files(tmp_path / "nowhere")
    assert "faces_256x256/0111b01.jpg" in str(caught.value)
    (tmp_path / "file").touch()
    with pytest.raises(DatasetError, match="file: not a folder"):
        read_posed_files(tmp_path / "file")


@pytest.mark.parametrize("inside", [False, True])
def test_ratings_are_those_of_the_file(tmp_path: Path, inside: bool) -> None:
    root = write_posed(tmp_path, subjects=3)
    root = root if inside else tmp_path
    files = read_posed_files(root)
    assert read_ratings(root, files).tolist() == [shares_of(name) for name in files.file]


def test_columns_are_found_by_their_names(tmp_path: Path) -> None:
    write_posed(tmp_path, subjects=1)
    files = read_posed_files(tmp_path)
    order = [5, 0, 3, 1, 4, 2]
    header = [HEADER[0], [*HEADER[1][:3], *[HEADER[1][3 + i] for i in order], *HEADER[1][9:]]]
    mixed = {name: [shares_of(name)[i] for i in order] for name in files.file}
    write_sheet(tmp_path, mixed, header)
    assert read_ratings(tmp_path, files).tolist() == [shares_of(name) for name in files.file]


def test_photographs_without_ratings_are_told(tmp_path: Path) -> None:
    write_posed(tmp_path, subjects=2)
    files = read_posed_files(tmp_path)
    write_sheet(tmp_path, {name: shares_of(name) for name in files.file[1:]})
    with pytest.warns(UserWarning, match="1 photographs have no ratings: 0101a02.jpg$"):
        found = read_ratings(tmp_path, files)
    assert np.isnan(found[0]).all()
    assert not np.isnan(found[1:]).any()


BAD = {
    "share above 1": ({"0111b01.jpg": [1.5] + [0] * 5}, "line 3: the six shares are not numbers.*'0111b01'"),
    "no number": ({"0111b01.jpg": ["x"] + [0] * 5}, "line 3: the six shares are not numbers"),
    "empty": ({"0101a02.jpg": [0] * 6, "0111b01.jpg": [None] + [0] * 5}, "line 4: the six shares are not"),
    "twice": (
        {"0201002.jpg": [0] * 6, "0201a02.jpg": [0] * 6},
        "line 4: the file was listed before: '0201a02'",
    ),
}


@pytest.mark.parametrize("problem", BAD)
def test_a_damaged_sheet_is_named_in_one_line(tmp_path: Path, problem: str) -> None:
    write_posed(tmp_path, subjects=2)
    files = read_posed_files(tmp_path)
    ratings, message = BAD[problem]
    path = write_sheet(tmp_path, ratings)
    with pytest.raises(DatasetError, match=message) as caught:
        read_ratings(tmp_path, files)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_a_sheet_without_its_columns_is_refused(tmp_path: Path) -> None:
    write_posed(tmp_path, subjects=1)
    files = read_posed_files(tmp_path)
    for header in ([], HEADER[:1], [HEADER[0], [*HEADER[1][:8], "", *HEADER[1][9:]]]):
        write_sheet(tmp_path, {}, header)
        with pytest.raises(DatasetError, match="there is no column '.*' under 'counterMax'"):
            read_ratings(tmp_path, files)
    (tmp_path / "Image_info.xls").write_bytes(b"no sheet")
    with pytest.raises(DatasetError, match="not a sheet that can be read"):
        read_ratings(tmp_path, files)
    (tmp_path / "Image_info.xls").unlink()
    with pytest.raises(DatasetError, match="no such file, and `ratings` needs it; get it, or set --data"):
        read_ratings(tmp_path, files)


def test_the_authors_sheet_says_what_their_own_column_says(face_data_root: Path) -> None:
    root = face_data_root / "tfeid"
    files = read_posed_files(root)
    shares = read_ratings(root, files)
    assert len(files.file) == 1_232
    assert len(set(files.subject.tolist())) == 29
    assert np.abs(shares.sum(1) - 1).max() <= 0.011, "shares of all observers, rounded"
    sheet = pd.read_excel(root / "Image_info.xls", header=None, dtype=str, engine="calamine").set_index(0)
    own = [
        f"{file[:4]}{'a' if file[4].isdigit() else file[4]}{file[5:7]}.tif" for file in files.file.tolist()
    ]
    acted = [shares[files.emotion == i, i - 1].mean() for i in range(1, 7)]
    assert np.round(acted, 2).tolist() == [0.97, 0.63, 0.66, 0.54, 0.19, 0.77], "docs/datasets.md quotes them"
    assert (shares.argmax(1) + 1 == sheet.loc[own][3].astype(int)).all()
