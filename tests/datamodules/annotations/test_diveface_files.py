import re
from pathlib import Path

import pytest

from datamodules.annotations import diveface_files
from datamodules.annotations.diveface_files import ETHNICITIES, GENDERS, read_diveface_files
from datamodules.errors import DatasetError
from tests.support.diveface_tree import (
    FOLDERS,
    LISTS,
    write_diveface,
    write_diveface_folders,
    write_lists,
)
from tests.support.noise_images import write_named_noise

GROUPS = {"1": "east_asian", "2": "sub_saharan_south_indian", "3": "caucasian"}  # the authors' README
LETTERS = {"A": "east_asian", "B": "caucasian", "N": "sub_saharan_south_indian"}


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("copied", [False, True])
def test_the_lists_give_what_was_written(tmp_path: Path, end: str, copied: bool) -> None:
    written = write_diveface(tmp_path, people=4, end=end, copied=copied)
    files = read_diveface_files(tmp_path)
    lines = [(name, line) for name in LISTS for line in written[name]]
    assert len(files.table) == len(lines) == 6 * (2 * 4 + 2 * 5)
    for (name, line), row in zip(lines, files.table.itertuples(), strict=True):
        assert row.file == (f"{name}/{line}" if copied else line)
        assert (files.folder / row.file).exists()
        assert row.identity == line.split("/")[0]
        assert row.uploader == line.split("_")[0]
        assert GENDERS[row.gender] == name.split("_")[1].lower()
        assert ETHNICITIES[row.ethnicity] == GROUPS[name[5]]
    assert files.published == 22_801 + 20_603 + 19_498 + 20_925 + 28_265 + 27_585


def test_lists_may_lie_in_the_root_and_images_elsewhere(tmp_path: Path) -> None:
    write_diveface(tmp_path / "a", people=2)
    straight = read_diveface_files(tmp_path / "a")
    (tmp_path / "a" / "files").rename(tmp_path / "lists")
    moved = read_diveface_files(tmp_path / "lists", tmp_path / "a")
    assert moved.folder == tmp_path / "a"
    assert moved.table.equals(straight.table)
    assert moved.digest == straight.digest


def test_lists_of_three_images_a_person_are_not_read(tmp_path: Path) -> None:
    write_diveface(tmp_path, people=2)
    before = read_diveface_files(tmp_path)
    write_lists(tmp_path / "files", {f"{name}_balanced": ["something else"] for name in LISTS})
    assert read_diveface_files(tmp_path).table.equals(before.table)


@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize("inside", [False, True])
def test_the_class_folders_give_what_was_written(tmp_path: Path, named: bool, inside: bool) -> None:
    written = write_diveface_folders(tmp_path, people=3, named=named)
    files = read_diveface_files(tmp_path / "4K_120" if inside else tmp_path)
    assert files.table["file"].tolist() == written  # sorted
    for row in files.table.itertuples():
        folder, person, _ = row.file.split("/")
        assert (files.folder / row.file).exists()
        assert GENDERS[row.gender] == {"H": "male", "M": "female"}[folder[0]]
        assert ETHNICITIES[row.ethnicity] == LETTERS[folder[1]]
        assert row.identity == (person if named else f"{folder}/{person}")
        assert row.uploader == (person.split("_")[0] if named else "")
    assert files.table["identity"].nunique() == 18
    assert files.published is None


def test_the_classes_of_the_folders_are_in_the_published_order() -> None:
    assert list(diveface_files.FOLDERS) == FOLDERS


def test_other_files_in_the_class_folders_are_left_out_and_named(tmp_path: Path) -> None:
    written = write_diveface_folders(tmp_path, people=2)
    folder = tmp_path / "4K_120" / "HA4K_120"
    (folder / "0000" / "Thumbs.db").write_text("x")
    (folder / "loose.jpg").write_text("x")
    write_named_noise(folder / "0000" / "deeper" / "1.jpg")
    with pytest.warns(UserWarning, match=r"3 files are no <id>/<photo>.jpg and are left out: HA.*Thumbs.db"):
        files = read_diveface_files(tmp_path)
    assert files.table["file"].tolist() == written


def test_the_digest_changes_with_what_the_lists_say(tmp_path: Path) -> None:
    lines = write_diveface(tmp_path / "a", people=2)
    write_diveface_folders(tmp_path / "b", people=2)
    before = [read_diveface_files(tmp_path / name).digest for name in "ab"]
    assert before == [read_diveface_files(tmp_path / name).digest for name in "ab"]
    write_lists(tmp_path / "a" / "files", {LISTS[2]: lines[LISTS[2]][:-1]})
    (tmp_path / "b" / "4K_120" / "MB4K_120" / "0001" / "3.jpg").unlink()
    after = [read_diveface_files(tmp_path / name).digest for name in "ab"]
    assert len(set(before + after)) == 4


def _set(line: int, new: str):
    return lambda rows: [*rows[: line - 1], new, *rows[line:]]


FORM = "not of the form <uploader>_identity_<number>/<photo>.jpg"

BAD = {
    "up": (_set(3, "../1@N00_identity_1/1_0.jpg"), f"line 3: {FORM}: '../1@N"),
    "up inside": (_set(3, "1@N00_identity_1/../1_0.jpg"), f"line 3: {FORM}"),
    "only up": (_set(3, "1@N00_identity_1/.."), f"line 3: {FORM}"),
    "absolute": (_set(1, "/etc/passwd"), f"line 1: {FORM}: '/etc"),
    "below": (_set(3, "a/1@N00_identity_1/1_0.jpg"), f"line 3: {FORM}"),
    "backslash": (_set(2, "1@N00_identity_1\\1_0.jpg"), f"line 2: {FORM}"),
    "nul": (_set(2, "1@N00_identity_1/1_0\0.jpg"), f"line 2: {FORM}"),
    "space": (_set(2, "1@N00_identity_1/1_0.jpg 1"), f"line 2: {FORM}"),
    "no identity": (_set(2, "1@N00/1_0.jpg"), f"line 2: {FORM}"),
    "no number": (_set(2, "1@N00_identity_/1_0.jpg"), f"line 2: {FORM}"),
    "no image": (_set(2, "1@N00_identity_1"), f"line 2: {FORM}"),
    "other script": (_set(2, "1@N00_identity_١/1_0.jpg"), f"line 2: {FORM}"),
    "blank": (_set(4, ""), f"line 4: {FORM}: ''"),
    "blank first": (lambda rows: ["", *rows], f"line 1: {FORM}"),
    "cut short": (lambda rows: [*rows[:-1], rows[-1][:12]], f"line 9: {FORM}"),
    "twice": (lambda rows: [*rows, rows[1]], "line 10: the image was listed before"),
    "empty": (lambda rows: [], "the file is empty"),
    "blank lines alone": (lambda rows: ["", " "], "the file is empty"),
}


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("name", [LISTS[0], LISTS[5]])
def test_a_damaged_list_is_named_in_one_line(tmp_path: Path, kind: str, name: str) -> None:
    lines = write_diveface(tmp_path, people=2)
    damage, message = BAD[kind]
    write_lists(tmp_path / "files", {name: damage(lines[name])})
    with pytest.raises(DatasetError, match=re.escape(message)) as caught:
        read_diveface_files(tmp_path)
    assert "\n" not in str(caught.value)
    assert str(tmp_path / "files" / f"{name}.txt") in str(caught.value)


def test_a_person_of_two_classes_is_refused(tmp_path: Path) -> None:
    lines = write_diveface(tmp_path / "lists", people=2)
    rows = [*lines["Group3_Male"], lines["Group1_Female"][0].split("/")[0] + "/77_0.jpg"]
    write_lists(tmp_path / "lists" / "files", {"Group3_Male": rows})
    with pytest.raises(DatasetError, match=r"Group3_Male.txt, line 10: .*is in Group1_Female.txt too"):
        read_diveface_files(tmp_path / "lists")
    write_diveface_folders(tmp_path / "folders", people=2, named=True)
    person = "10000@N01_identity_0"
    write_named_noise(tmp_path / "folders" / "4K_120" / "MN4K_120" / person / "5.jpg")
    with pytest.raises(DatasetError, match=f"MN4K_120.*'{person}' is in HA4K_120 too"):
        read_diveface_files(tmp_path / "folders")


@pytest.mark.parametrize("rubbish", [b"\xff\xfe", bytes(range(128, 256)), b"\x89PNG\r\n\x1a\n" * 9])
def test_bytes_that_are_no_text_are_refused_with_their_line(tmp_path: Path, rubbish: bytes) -> None:
    write_diveface(tmp_path, people=2)
    path = tmp_path / "files" / "Group2_Male.txt"
    path.write_bytes(path.read_bytes() + rubbish)
    with pytest.raises(DatasetError, match=r"Group2_Male.txt, line 10: not UTF-8 text"):
        read_diveface_files(tmp_path)


@pytest.mark.parametrize("name", LISTS)
def test_a_missing_list_is_named_with_the_expected_tree(tmp_path: Path, name: str) -> None:
    write_diveface(tmp_path, people=2)
    (tmp_path / "files" / f"{name}.txt").unlink()
    with pytest.raises(DatasetError) as caught:
        read_diveface_files(tmp_path)
    for part in (f"files/{name}.txt", "4K_120/HA4K_120", "github.com/BiDAlab", "data.init_args.root"):
        assert part in str(caught.value)


def test_what_else_can_be_missing_or_too_much_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="there is no .*nowhere/files/Group1_Female.txt"):
        read_diveface_files(tmp_path / "nowhere")
    (tmp_path / "file").write_text("x")
    with pytest.raises(DatasetError, match="file: not a folder"):
        read_diveface_files(tmp_path / "file")
    write_diveface(tmp_path / "both", people=2)
    with pytest.raises(DatasetError, match="there is no .*elsewhere"):
        read_diveface_files(tmp_path / "both", tmp_path / "elsewhere")
    write_diveface_folders(tmp_path / "both", people=2)
    with pytest.raises(DatasetError, match="holds both the authors' lists and the folders of 4K_120"):
        read_diveface_files(tmp_path / "both")
    alone = tmp_path / "both" / "4K_120"
    with pytest.raises(DatasetError, match="leave out --data.init_args.images"):
        read_diveface_files(alone, tmp_path)
    (alone / "HN4K_120").rename(tmp_path / "away")
    with pytest.raises(DatasetError, match="there is no .*4K_120/HN4K_120"):
        read_diveface_files(alone)
    (tmp_path / "empty" / "HA4K_120").mkdir(parents=True)
    for name in FOLDERS:
        (tmp_path / "empty" / name).mkdir(exist_ok=True)
    with pytest.raises(DatasetError, match="no image in its folders"):
        read_diveface_files(tmp_path / "empty")
    (tmp_path / "odd" / "Group1_Female.txt").mkdir(parents=True)
    with pytest.raises(DatasetError, match=r"Group1_Female.txt: cannot be read"):
        read_diveface_files(tmp_path / "odd")
