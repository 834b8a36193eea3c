from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonargparse import ArgumentParser

from datamodules.annotations.posed_files import POSED
from datamodules.base import FaceDataModule
from datamodules.errors import DatasetError
from datamodules.posed_expressions import ACTING, EMOTIONS, IMAGES, PosedExpressions, most_seen
from datamodules.sampling.mixed_sample import MixedSample
from tests.support.posed_tree import posed_names, write_posed
from tests.support.whole_splits import check_contract, files_of_splits, read_whole, set_up

pytestmark = pytest.mark.filterwarnings("ignore:.*a subset of:UserWarning")


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("posed")
    write_posed(root)
    return root


def _ready(root: Path, **kwargs) -> PosedExpressions:
    return set_up(PosedExpressions(str(root), **kwargs))


def _subjects(datamodule: PosedExpressions) -> list[set[str]]:
    return [{file[:2] for file in files} for files in files_of_splits(datamodule)]


def test_batches_and_labels_agree_with_file_names(tree: Path) -> None:
    datamodule = _ready(tree, size=16, batch_size=7, ratings=True, emotions=None)
    names = datamodule.attributes
    count = 0
    for place, split in enumerate(("train", "val", "test")):
        whole = read_whole(datamodule, split)
        check_contract(whole, datamodule)
        files = datamodule.table.file[datamodule.table.split == place].tolist()
        assert datamodule.sample_ids(split).tolist() == files
        count += len(files)
        for i, file in enumerate(files):
            emotion = names["emotion"][whole["emotion"][i]]
            assert emotion == ("neutral" if file[4] in "a0" else POSED["abcdefg".index(file[4])])
            assert names["identity"][whole["identity"][i]] == file[:2]
            assert whole["acting"][i] == int(file[2]) - 1
            assert names["perceived"][whole["perceived"][i]] == ("happy" if emotion == "neutral" else emotion)
    assert count == len(posed_names())


def test_fear_is_left_out_unless_asked_for(tree: Path) -> None:
    datamodule = PosedExpressions(str(tree))
    assert datamodule.attributes["emotion"] == EMOTIONS
    assert set(datamodule.table.labels) == {"emotion", "identity", "acting"}
    assert not any(file[4] == "f" for file in datamodule.table.file)
    two = PosedExpressions(str(tree), emotions=["fearful", "happy"]).table
    assert [set(two.file[two.labels["emotion"] == i].astype("U5")) for i in (0, 1)] == [
        {name[:5] for name in posed_names() if name[4] == letter} for letter in "fb"
    ]
    assert two.published == IMAGES["fearful"] + IMAGES["happy"] == 377


shares = st.tuples(*[st.floats(0, 1)] * 3).filter(lambda x: sum(x) > 0.1)


@given(st.integers(0, 2**31), shares)
def test_no_two_splits_share_a_subject(tree: Path, seed: int, shares) -> None:
    datamodule = PosedExpressions(str(tree), split_seed=seed, shares=shares)
    train, val, test = found = _subjects(datamodule)
    assert not (train & val | train & test | val & test)
    wanted = np.array(shares) / sum(shares) * 10
    assert (np.abs([len(x) for x in found] - wanted) <= 1).all()


def test_a_choice_of_emotions_moves_no_subject(tree: Path) -> None:
    first = _subjects(PosedExpressions(str(tree)))
    assert _subjects(PosedExpressions(str(tree), seed=5)) == first
    assert _subjects(PosedExpressions(str(tree), emotions=["fearful"])) == first
    assert _subjects(PosedExpressions(str(tree), split_seed=1)) != first
    assert [len(x) for x in _subjects(PosedExpressions(str(tree), shares=(0, 0, 1)))] == [0, 0, 10]


def test_ties_and_missing_ratings_are_unknown() -> None:
    rows = [[0.5, 0.5, 0], [0.2, 0.3, 0.5], [np.nan] * 3, [0, 0, 0], [0.4, 0.3, 0.3]]
    assert most_seen(np.array(rows)).tolist() == [-1, 2, -1, -1, 0]


def test_the_sheet_is_read_only_if_asked_for(tmp_path: Path) -> None:
    write_posed(tmp_path)
    (tmp_path / "Image_info.xls").unlink()
    assert len(PosedExpressions(str(tmp_path)).table)
    with pytest.raises(DatasetError, match=r"Image_info.xls: there is no such file, and `ratings` needs it"):
        _ = PosedExpressions(str(tmp_path), ratings=True).table


def test_options_are_checked_before_any_data_is_read() -> None:
    for emotions in ([], ["sad", "sad"], ["awed"]):
        with pytest.raises(ValueError, match="emotions must be different ones of neutral, happy"):
            PosedExpressions("nowhere", emotions=emotions)
    with pytest.raises(ValueError, match="shares of train, val and test"):
        PosedExpressions("nowhere", shares=(0, 0, 0))
    with pytest.raises(ValueError, match="emotion has no class 'fearful'"):
        PosedExpressions("nowhere", train_sample=MixedSample({"fearful": 1}, attribute="emotion"))


def test_a_part_of_the_images_is_announced(tree: Path) -> None:
    with pytest.warns(UserWarning, match="a subset of 170 of 1,081 images is used"):
        PosedExpressions(str(tree)).setup("test")


def test_damaged_images_are_named_or_skipped(tmp_path: Path) -> None:
    folder = write_posed(tmp_path)
    train = sorted(files_of_splits(PosedExpressions(str(tmp_path)))[0])
    for file in train[:3]:
        (folder / file).write_bytes(b"")
    with pytest.raises(DatasetError, match=f"^3 of {len(train)} image files cannot be used: .*empty"):
        PosedExpressions(str(tmp_path)).setup("fit")
    with pytest.warns(UserWarning, match=f"3 of {len(train)} image files are left out"):
        datamodule = _ready(tmp_path, bad_images="skip")
    assert len(datamodule.datasets["train"]) == len(train) - 3


def test_the_fingerprint_tells_data_and_settings_apart(tree: Path, tmp_path: Path) -> None:
    write_posed(tmp_path, subjects=9)
    seen = [
        _ready(root, **kwargs).fingerprint
        for root, kwargs in (
            (tree, {}),
            (tmp_path, {}),
            (tree, {"size": 64}),
            (tree, {"split_seed": 1}),
            (tree, {"shares": (0.6, 0.2, 0.2)}),
            (tree, {"emotions": None}),
            (tree, {"emotions": EMOTIONS[::-1]}),
            (tree, {"ratings": True}),
        )
    ]
    assert len(set(seen)) == len(seen)
    assert _ready(tree, seed=1, batch_size=3).fingerprint == seen[0]


def test_a_config_builds_it_and_unknown_keys_are_refused(tree: Path) -> None:
    parser = ArgumentParser(exit_on_error=False, parser_mode="omegaconf")
    parser.add_subclass_arguments(FaceDataModule, "data")
    args = {"root": str(tree), "emotions": ["happy", "sad"], "ratings": True}
    data = {"class_path": "datamodules.posed_expressions.PosedExpressions", "init_args": args}
    built = parser.instantiate(parser.parse_object({"data": data})).data
    assert (built.emotions, built.ratings) == (("happy", "sad"), True)
    for wrong in ({"emotions": 3}, {"ratings": "some"}, {"shares": [1, 2]}, {"crop": "a"}):
        with pytest.raises(Exception, match=next(iter(wrong))):
            parser.parse_object({"data": data | {"init_args": args | wrong}})


def test_the_release_has_its_published_size(face_data_root: Path) -> None:
    table = PosedExpressions(str(face_data_root / "tfeid"), emotions=None, ratings=True).table
    assert dict(zip(POSED, np.bincount(table.labels["emotion"]).tolist(), strict=True)) == IMAGES
    assert np.bincount(table.labels["acting"] + 1)[1:].tolist() == [355, 455, 344]
    assert len(ACTING) == 3
    assert (table.labels["perceived"] == -1).sum() == 5, "photographs with two expressions seen as often"
    fear = table.labels["emotion"] == POSED.index("fearful")
    seen = table.labels["perceived"] == table.labels["emotion"] - 1
    assert seen[fear].mean() < 0.2 < 0.7 < seen[~fear & (table.labels["emotion"] > 0)].mean()
