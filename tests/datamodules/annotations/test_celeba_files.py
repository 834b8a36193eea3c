import hashlib
from pathlib import Path

import numpy as np
import pytest

from datamodules.annotations import celeba_files
from datamodules.annotations.celeba_files import ATTRIBUTES, read_celeba_files
from datamodules.errors import DatasetError
from tests.support.celeba_tree import NAMES, celeba_people, write_celeba


@pytest.mark.parametrize("kaggle", [False, True])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_both_layouts_give_the_labels_that_were_written(tmp_path: Path, kaggle: bool, end: str) -> None:
    written = write_celeba(tmp_path, kaggle=kaggle, end=end)
    files = read_celeba_files(tmp_path)
    assert files.file.tolist() == [f"{i + 1:06d}.jpg" for i in range(24)]
    assert list(files.labels) == list(ATTRIBUTES)
    assert len(ATTRIBUTES) == 42
    for column, name in enumerate(NAMES):
        np.testing.assert_array_equal(files.labels[name.lower()], (written[:, column] + 1) // 2)
    np.testing.assert_array_equal(files.labels["gender"], files.labels["male"])
    expected = np.full(24, -1) if kaggle else celeba_people(24) - 1
    np.testing.assert_array_equal(files.labels["identity"], expected)
    np.testing.assert_array_equal(files.split, np.arange(24) % 3)
    assert files.folder.is_dir()
    assert (files.folder / "000001.jpg").exists()


def test_lists_in_another_order_are_matched_by_file_name(tmp_path: Path) -> None:
    write_celeba(tmp_path)
    straight = read_celeba_files(tmp_path)
    for name in ("identity_CelebA.txt", "list_eval_partition.txt"):
        lines = (tmp_path / name).read_text().splitlines()
        (tmp_path / name).write_text("\n".join(lines[::-1]))
    turned = read_celeba_files(tmp_path)
    np.testing.assert_array_equal(turned.split, straight.split)
    np.testing.assert_array_equal(turned.labels["identity"], straight.labels["identity"])
    assert turned.digest != straight.digest


def test_columns_in_another_order_are_matched_by_name(tmp_path: Path) -> None:
    written = write_celeba(tmp_path, kaggle=True)
    path = tmp_path / "list_attr_celeba.csv"
    rows = [line.split(",") for line in path.read_text().splitlines()]
    path.write_text("\n".join(",".join([row[0], *row[:0:-1]]) for row in rows))
    files = read_celeba_files(tmp_path)
    np.testing.assert_array_equal(files.labels["young"], (written[:, -1] + 1) // 2)


ATTR, PARTITION, IDENTITY = "list_attr_celeba.txt", "list_eval_partition.txt", "identity_CelebA.txt"


def _edit(line: int, old: str, new: str):
    def edit(text: str) -> str:
        lines = text.splitlines()
        assert old in lines[line - 1]
        lines[line - 1] = lines[line - 1].replace(old, new, 1)
        return "\n".join(lines) + "\n"

    return edit


def _drop(line: int):
    return lambda text: "\n".join(text.splitlines()[: line - 1] + text.splitlines()[line:]) + "\n"


BAD = {
    "count": (ATTR, _edit(1, "24", "25"), "line 1: the count is '25' but 24 images are listed"),
    "no count": (ATTR, _edit(1, "24", "many"), "line 1: the count is 'many' but 24"),
    "unknown name": (ATTR, _edit(2, "Bald", "Hairless"), "line 2: .* has 40, first difference 'Bald'"),
    "name missing": (ATTR, _edit(2, "Bald ", ""), "line 2: .* has 39, first difference 'Bald'"),
    "long row": (ATTR, _edit(7, "1", "1 1"), "line 7: 42 columns instead of 41"),
    "long first row": (ATTR, _edit(3, "jpg", "jpg 1"), "line 3: 42 columns instead of 41"),
    "short first row": (ATTR, lambda t: _edit(3, t.splitlines()[2][10:14], " ")(t), "line 3: 40 columns"),
    "cut short": (ATTR, lambda t: t[:-20], "line 26: not a file name and 40 whole number"),
    "zero": (
        ATTR,
        lambda t: _edit(5, t.splitlines()[4][11:13], " 0")(t),
        "line 5: .* is 0, it must be -1 or 1",
    ),
    "two": (
        ATTR,
        lambda t: _edit(5, t.splitlines()[4][11:13], " 2")(t),
        "line 5: .* is 2, it must be -1 or 1",
    ),
    "word": (ATTR, lambda t: _edit(5, t.splitlines()[4][11:13], "no")(t), "line 5: not a file name and 40"),
    "blank line": (ATTR, _edit(4, "000002.jpg", "\n000002.jpg"), "line 4: not a file name"),
    "twice": (
        ATTR,
        _edit(9, "000007.jpg", "000003.jpg"),
        "line 9: the file name was listed before: '000003.jpg'",
    ),
    "up": (
        ATTR,
        _edit(4, "000002.jpg", "../000002.jpg"),
        "line 4: a file name with a path in it: '../000002",
    ),
    "below": (ATTR, _edit(4, "000002.jpg", "a/2.jpg"), "line 4: a file name with a path in it"),
    "backslash": (ATTR, _edit(4, "000002.jpg", "a\\2.jpg"), "line 4: a file name with a path in it"),
    "header only": (ATTR, lambda t: "\n".join(t.splitlines()[:2]), "no rows after the header"),
    "empty": (ATTR, lambda t: "", "the file is empty"),
    "partition 3": (PARTITION, _edit(4, " 0", " 3"), "line 4: partition is 3, it must be 0 .train., 1"),
    "partition twice": (PARTITION, _edit(4, "000004", "000001"), "line 4: the file name was listed before"),
    "partition lacks": (PARTITION, _drop(4), "lacks 1 image.* that .*attr.*, first '000004.jpg'"),
    "partition more": (
        PARTITION,
        lambda t: t + "9.jpg 1\n",
        "attr.*lacks 1 image.* that .*partition.*, first '9.jpg'",
    ),
    "partition wide": (PARTITION, _edit(4, " 0", " 0 0"), "line 4: 3 columns instead of 2"),
    "partition empty": (PARTITION, lambda t: "\r\n", "the file is empty"),
    "identity 0": (IDENTITY, _edit(2, " 10176", " 0"), "line 2: identity is 0, it must be 1 to 10177"),
    "identity large": (
        IDENTITY,
        _edit(2, " 10176", " 10178"),
        "line 2: identity is 10178, it must be 1 to 10177",
    ),
    "identity part": (IDENTITY, _edit(2, " 10176", " 1.5"), "line 2: not a file name and 1 whole number"),
    "identity lacks": (IDENTITY, _drop(1), "lacks 1 image"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_damaged_list_is_named_in_one_line(tmp_path: Path, kind: str) -> None:
    write_celeba(tmp_path)
    name, damage, message = BAD[kind]
    path = tmp_path / name
    path.write_text(damage(path.read_text()))
    with pytest.raises(DatasetError, match=message) as caught:
        read_celeba_files(tmp_path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("name", [ATTR, PARTITION, IDENTITY])
@pytest.mark.parametrize(
    "rubbish", [bytes(range(256)) * 8, b"\x89PNG\r\n\x1a\n" * 50, b"\0" * 999, b"\xff\xfe"]
)
def test_bytes_that_are_no_text_are_refused(tmp_path: Path, name: str, rubbish: bytes) -> None:
    write_celeba(tmp_path)
    (tmp_path / name).write_bytes(rubbish)
    with pytest.raises(DatasetError) as caught:
        read_celeba_files(tmp_path)
    assert "\n" not in str(caught.value)
    assert str(tmp_path / name) in str(caught.value)


@pytest.mark.parametrize("name", [ATTR, PARTITION, IDENTITY, "img_align_celeba"])
def test_what_is_missing_is_named_with_the_expected_tree(tmp_path: Path, name: str) -> None:
    write_celeba(tmp_path)
    (tmp_path / name).rename(tmp_path / "elsewhere")
    with pytest.raises(DatasetError) as caught:
        read_celeba_files(tmp_path)
    for part in (str(tmp_path / name), "img_align_celeba/000001.jpg", "MMLab", "data.init_args.root"):
        assert part in str(caught.value)


def test_a_root_that_is_not_there_or_no_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="there is no .*nowhere"):
        read_celeba_files(tmp_path / "nowhere")
    (tmp_path / "file").write_text("x")
    with pytest.raises(DatasetError, match="file: not a folder"):
        read_celeba_files(tmp_path / "file")
    (tmp_path / "list_attr_celeba.txt").mkdir()
    (tmp_path / "list_eval_partition.txt").write_text("x")
    with pytest.raises(DatasetError, match="list_attr_celeba.txt: cannot be read"):
        read_celeba_files(tmp_path)


def test_kaggle_csv_errors_count_its_header_line(tmp_path: Path) -> None:
    write_celeba(tmp_path, kaggle=True)
    path = tmp_path / "list_eval_partition.csv"
    path.write_text(_edit(3, ",1", ",7")(path.read_text()))
    with pytest.raises(DatasetError, match="csv, line 3: partition is 7"):
        read_celeba_files(tmp_path)


def test_full_length_files_that_are_not_published_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_celeba(tmp_path)
    monkeypatch.setattr(celeba_files, "IMAGES", 24)
    published = hashlib.md5((tmp_path / PARTITION).read_bytes()).hexdigest()
    monkeypatch.setitem(celeba_files._PUBLISHED_MD5, PARTITION, published)
    with pytest.warns(UserWarning, match="not the published file") as warned:
        read_celeba_files(tmp_path)
    messages = [str(w.message) for w in warned]
    assert len(messages) == 2
    assert all("has all 24 rows but is not the published file" in m for m in messages)
    assert not any(PARTITION in m for m in messages)
