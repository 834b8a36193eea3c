from pathlib import Path

import numpy as np
import pytest

from datamodules.annotations.lfw_files import GENDERS, find_folder, list_images, read_gender
from datamodules.annotations.lfw_pairs import read_pairs, subjects_of_folds
from datamodules.errors import DatasetError
from tests.support.lfw_tree import DEV_TRAIN, FOLDS, GENDER, NAMES, write_lfw


@pytest.mark.parametrize(
    "folder", ["lfw-deepfunneled", "lfw_funneled", "lfw", "lfw-deepfunneled/lfw-deepfunneled"]
)
def test_the_images_are_found_under_the_names_of_all_releases(tmp_path: Path, folder: str) -> None:
    write_lfw(tmp_path, folder)
    found = find_folder(tmp_path)
    assert found == tmp_path / folder
    (found / "Thumbs.db").write_text("x")
    (found / NAMES[0] / ".DS_Store").write_text("x")
    (found / NAMES[0] / "Somebody_Else_0001.jpg").write_text("x")
    assert list_images(found).tolist() == [f"{name}/{name}_000{n}.jpg" for name in NAMES for n in (1, 2)]


def test_missing_images_are_named_with_the_expected_tree(tmp_path: Path) -> None:
    with pytest.raises(DatasetError) as caught:
        find_folder(tmp_path / "nowhere")
    for part in (
        "nowhere",
        "lfw-deepfunneled, lfw_funneled or lfw",
        "pairsDevTest.txt",
        "data.init_args.root",
    ):
        assert part in str(caught.value)
    (tmp_path / "lfw").mkdir()
    with pytest.raises(DatasetError, match="lfw: no image such as Aaron_Eckhart/"):
        list_images(find_folder(tmp_path))


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_both_kinds_of_pair_files_say_what_was_written(tmp_path: Path, end: str) -> None:
    write_lfw(tmp_path, end=end)
    files = list_images(find_folder(tmp_path))
    train = read_pairs(tmp_path / "pairsDevTrain.txt", files)
    assert len(train) == 20
    assert train.same.tolist() == [True] * 10 + [False] * 10
    assert not train.fold.any()
    assert train.first[:2].tolist() == ["Person_A/Person_A_0001.jpg", "Person_B/Person_B_0001.jpg"]
    assert train.second[[0, 10]].tolist() == ["Person_A/Person_A_0002.jpg", "Person_B/Person_B_0002.jpg"]
    assert subjects_of_folds(tmp_path, train)[0].tolist() == DEV_TRAIN
    pairs = read_pairs(tmp_path / "pairs.txt", files)
    assert pairs.same.tolist() == ([True] * 4 + [False] * 4) * 4
    assert pairs.fold.tolist() == np.repeat(range(4), 8).tolist()
    assert pairs.fold.dtype == np.int8
    assert [people.tolist() for people in subjects_of_folds(tmp_path, pairs)] == FOLDS


def test_matched_pairs_name_one_person_and_mismatched_ones_two(tmp_path: Path) -> None:
    write_lfw(tmp_path)
    for name in ("pairs", "pairsDevTrain", "pairsDevTest"):
        pairs = read_pairs(tmp_path / f"{name}.txt")
        people = [(a.split("/")[0], b.split("/")[0]) for a, b in zip(pairs.first, pairs.second, strict=True)]
        assert [a == b for a, b in people] == pairs.same.tolist()


def _line(number: int, new: str):
    def edit(text: str) -> str:
        lines = text.splitlines()
        lines[number - 1] = new
        return "\n".join(lines) + "\n"

    return edit


BAD = {
    "count large": (_line(1, "4\t5"), r"line 1: it promises 4 x \(5 matched \+ 5 mismatched\) .* 32 lines"),
    "count small": (_line(1, "3\t4"), r"line 1: it promises 3 x \(4 matched"),
    "one number": (_line(1, "4"), r"line 1: it promises \(4 matched \+ 4 mismatched\) .* 32 lines"),
    "folds merged": (_line(1, "1\t16"), "line 6: expected a matched pair, .* found 'Person_A"),
    "cut short": (lambda text: text[: len(text) // 2], "line 1: it promises"),
    "header words": (_line(1, "ten\t4"), "line 1: 'ten' is not a whole number of 1 or more"),
    "header zero": (_line(1, "0\t4"), "line 1: '0' is not a whole number"),
    "header long": (_line(1, "4\t4\t4"), "line 1: expected the number of pairs, or"),
    "empty": (lambda text: "\n\n", "line 1: expected the number of pairs"),
    "no number": (_line(3, "Person_B\tone\t2"), "line 3: 'one' is not a whole number of 1 or more"),
    "zero": (_line(3, "Person_B\t0\t2"), "line 3: '0' is not a whole"),
    "negative": (_line(3, "Person_B\t1\t-2"), "line 3: '-2' is not a whole"),
    "fraction": (_line(7, "Person_B\t1.0\tPerson_C\t2"), "line 7: '1.0' is not a whole"),
    "other digits": (_line(3, "Person_B\t²\t2"), "line 3: '²' is not a whole"),
    "short": (_line(3, "Person_B\t1"), "line 3: expected a matched pair, `name n1 n2`, found 'Person_B"),
    "blank": (_line(3, ""), "line 3: expected a matched pair"),
    "mismatched expected": (_line(7, "Person_B\t1\t2"), "line 7: expected a mismatched pair, `name1 n1"),
    "same image": (_line(3, "Person_B\t1\t01"), "line 3: a pair needs two images"),
    "same person": (_line(7, "Person_B\t1\tPerson_B\t2"), "line 7: a mismatched pair needs two people"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_damaged_pair_file_is_named_in_one_line(tmp_path: Path, kind: str) -> None:
    write_lfw(tmp_path)
    damage, message = BAD[kind]
    path = tmp_path / "pairs.txt"
    path.write_text(damage(path.read_text()))
    with pytest.raises(DatasetError, match=message) as caught:
        read_pairs(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("rubbish", [bytes(range(256)) * 8, b"\x89PNG\r\n\x1a\n" * 50, b"\0" * 999, b""])
def test_bytes_that_are_no_pairs_are_refused(tmp_path: Path, rubbish: bytes) -> None:
    (tmp_path / "pairs.txt").write_bytes(rubbish)
    with pytest.raises(DatasetError, match="pairs.txt"):
        read_pairs(tmp_path / "pairs.txt")


def test_blank_lines_and_spaces_for_tabs_make_no_difference(tmp_path: Path) -> None:
    write_lfw(tmp_path)
    path = tmp_path / "pairs.txt"
    straight = read_pairs(path)
    path.write_text(path.read_text().replace("\t", "    ") + "\n \n\n")
    np.testing.assert_array_equal(read_pairs(path).second, straight.second)


def test_missing_images_of_pairs_are_counted(tmp_path: Path) -> None:
    write_lfw(tmp_path)
    files = list_images(find_folder(tmp_path))
    gone = ~np.isin(files, ["Person_C/Person_C_0002.jpg", "Person_F/Person_F_0001.jpg"])
    with pytest.raises(
        DatasetError, match=r"pairs.txt: 4 of 32 pairs .* 'Person_C/Person_C_0002.jpg' in line 4"
    ):
        read_pairs(tmp_path / "pairs.txt", files[gone])


def test_a_missing_pair_file_is_named_with_the_source(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="there is no .*pairs.txt\n(.*\n)*.*University of Massachusetts"):
        read_pairs(tmp_path / "pairs.txt")
    (tmp_path / "pairs.txt").mkdir()
    with pytest.raises(DatasetError, match="pairs.txt: cannot be read"):
        read_pairs(tmp_path / "pairs.txt")


def test_somebody_in_two_folds_is_named(tmp_path: Path) -> None:
    write_lfw(tmp_path)
    path = tmp_path / "pairs.txt"
    path.write_text(path.read_text().replace("Person_F\t1\t2", "Person_B\t1\t2"))
    with pytest.raises(DatasetError, match="'Person_B' is in the folds 1 and 2"):
        subjects_of_folds(path, read_pairs(path))


def test_other_pairs_of_the_published_length_are_announced(tmp_path: Path, recwarn) -> None:
    lines = ["500", *(f"A{i}\t1\t2" for i in range(500)), *(f"A{i}\t1\tB{i}\t1" for i in range(500))]
    (tmp_path / "pairsDevTest.txt").write_text("\n".join(lines))
    (tmp_path / "own.txt").write_text("\n".join(lines))
    read_pairs(tmp_path / "own.txt")
    assert not recwarn
    with pytest.warns(UserWarning, match="as long as LFW's own file, but not the same pairs"):
        read_pairs(tmp_path / "pairsDevTest.txt")


def test_genders_are_found_by_name(tmp_path: Path) -> None:
    write_lfw(tmp_path)
    people = np.array([*NAMES[::-1], "Nobody"])
    gender, digest = read_gender(tmp_path / "gender.csv", people)
    words = [GENDERS[g] if g >= 0 else "" for g in gender]
    assert words == [GENDER[name] for name in NAMES[::-1]] + [""]
    (tmp_path / "gender.csv").write_text((tmp_path / "gender.csv").read_text() + "Nobody,female\n")
    again, other = read_gender(tmp_path / "gender.csv", people)
    assert again[-1] == 0
    assert other != digest


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("name,gender", "person,gender", "there is no column 'name'; .* there are 'person', 'gender'"),
        (
            "Person_B,female",
            "Person_B,woman",
            "line 3: gender is 'woman', it must be one of female, male, or",
        ),
        ("Person_C,male", "Person_A,male", "line 4: 'Person_A' was listed before"),
        ("Person_C,male", "Person_C,male,1", "line 4: 3 columns instead of 2"),
    ],
)
def test_a_damaged_list_of_genders_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    write_lfw(tmp_path)
    path = tmp_path / "gender.csv"
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(DatasetError, match=message):
        read_gender(path, np.array(NAMES))
